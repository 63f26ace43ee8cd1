//! `git clone` and `git push` over HTTP. Git sends no session, so people use a token as the password;
//! where demo people may sign in, everything may be read without one.

use axum::body::Body;
use axum::extract::{FromRequestParts as _, OriginalUri, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use futures::TryStreamExt as _;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::config::SignIn;
use crate::engine::web::Problem;
use crate::engine::web::current::by_token;
use crate::engine::web::layers::ClientAddress;
use crate::ports::code_host::local::GitRequest;

/// Serves the smart protocol of one repository.
pub async fn serve(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let uri = OriginalUri::from_request_parts(&mut parts, &app).await.map_or_else(|_| parts.uri.clone(), |u| u.0);
    let query = uri.query().unwrap_or_default().to_owned();
    let writes = uri.path().ends_with("/git-receive-pack") || query.contains("git-receive-pack");
    let subject = match secret(&parts.headers) {
        Some(secret) => by_token(&app, &secret).await?,
        None => None,
    };
    let allowed = match &subject {
        Some(subject) => can(subject, if writes { "git.write" } else { "git.read" }, &Resource::NONE).is_ok(),
        None => !writes && app.config.sign_in() == SignIn::Demo,
    };
    if !allowed {
        return Ok(ask_for_token());
    }
    let text = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let git = GitRequest {
        method: parts.method.to_string(),
        path_info: uri.path().strip_prefix("/git").unwrap_or_default().to_owned(),
        query,
        content_type: text("content-type"),
        content_encoding: text("content-encoding"),
        git_protocol: text("git-protocol"),
        remote_user: subject.map(|s| s.login),
        remote_addr: parts.extensions.get::<ClientAddress>().and_then(|a| a.0).map(|a| a.to_string()),
    };
    let body = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let answer = app.code_hosts.local.serve(git, body).await.map_err(super::pages::GitError::from)?;
    let mut response = Body::from_stream(ReaderStream::new(answer.body)).into_response();
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (header::HeaderName::from_bytes(name.as_bytes()), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// The password of basic authentication (RFC 7617); the name before it is not looked at.
fn secret(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let encoded = text.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    Some(String::from_utf8(decoded).ok()?.split_once(':')?.1.to_owned())
}

fn ask_for_token() -> Response {
    let body = "Give a token of yours as the password: make one under My tokens, with git.read or git.write.\n";
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"slipway\"")], body).into_response()
}
