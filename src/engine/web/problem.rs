//! One problem, three faces: a page, JSON (RFC 9457), or plain text, by the path it happened on.
//! The cause is logged once, here, with the request's id; the person sees our words and the same id.

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::page::Theme;
use crate::engine::app::App;
use crate::kernel::fault::{Explain, FieldFault, Kind, WayOn};

/// Something that went wrong, explained. Carried in the response until the layer gives it a face.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    title: Cow<'static, str>,
    detail: Cow<'static, str>,
    ways_on: Vec<WayOn>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl<E: Explain> From<E> for Problem {
    fn from(error: E) -> Self {
        Self {
            kind: error.kind(),
            title: error.title(),
            detail: error.detail(),
            ways_on: error.ways_on(),
            cause: Some(Arc::new(error)),
        }
    }
}

impl Problem {
    /// A problem without a cause to log.
    pub fn new(kind: Kind, title: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, title: title.into(), detail: detail.into(), ways_on: Vec::new(), cause: None }
    }

    /// Nothing is there.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(
            Kind::NotFound,
            format!("There is no {what}"),
            "It may have been removed or renamed, or you may not see it.",
        )
    }

    /// With a way on.
    #[must_use]
    pub fn way_on(mut self, label: impl Into<Cow<'static, str>>, href: impl Into<String>) -> Self {
        self.ways_on.push(WayOn { label: label.into(), href: href.into() });
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        match &self.kind {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::SignInNeeded => StatusCode::UNAUTHORIZED,
            Kind::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Kind::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its sort.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its detail.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with which field.
    pub fn fields(&self) -> &[FieldFault] {
        match &self.kind {
            Kind::Invalid(fields) => fields,
            _ => &[],
        }
    }

    /// A status that some layer answered with, explained.
    fn of_status(status: StatusCode, path: &str) -> Self {
        let new = |kind, title: &'static str, detail: &'static str| Self::new(kind, title, detail);
        match status.as_u16() {
            404 => Self::not_found(format_args!("page at {path}")),
            405 => new(Kind::Forbidden, "This address does not take that", "It exists, but not for this method."),
            401 => new(Kind::SignInNeeded, "Sign in first", "This needs to know who you are."),
            403 => new(
                Kind::Forbidden,
                "This came from another site",
                "The portal changes something only from its own pages. Open the page here and try again; if a proxy stands in front, it must pass Host and Origin on.",
            ),
            408 | 504 => new(
                Kind::Unavailable("The portal".into()),
                "This took too long",
                "It was given up so that it blocks nobody. Try again; if it stays, tell the platform team the request id.",
            ),
            413 => new(
                Kind::TooLarge(0),
                "This is too large",
                "The portal takes bodies up to the limit of each page; this one is larger.",
            ),
            421 => new(
                Kind::Forbidden,
                "The portal is not known by this name",
                "It answers only at its own address, so that nobody can put it behind another name.",
            ),
            429 => new(Kind::TooMany(10), "Too many tries", "Wait a few seconds and try again."),
            400..500 => new(
                Kind::Invalid(Vec::new()),
                "This request cannot be read",
                "Something about it is not as it should be.",
            ),
            _ => Self::internal(),
        }
    }

    fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "Something went wrong here",
            "It is our mistake, not yours. It has been written down; with the request id the platform team finds it.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Kind::TooMany(seconds) = self.kind
            && let Ok(value) = HeaderValue::from_str(&seconds.to_string())
        {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks an answer whose body is as it should be although its status is an error: a form with mistakes.
#[derive(Debug, Clone, Copy)]
pub struct AsItIs;

/// Gives problems a face. Everything that answers with an error status and is not marked goes through it.
pub async fn render(State(app): State<App>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let get = request.method() == axum::http::Method::GET;
    let theme = Theme::of(request.headers());
    let id = super::layers::request_id(&request);
    let mut response = next.run(request).await;
    let status = response.status();
    if status.as_u16() < 400 || response.extensions().get::<AsItIs>().is_some() {
        return response;
    }
    let problem =
        response.extensions_mut().remove::<Problem>().unwrap_or_else(|| Problem::of_status(status, uri.path()));
    log(&problem, &uri, status);
    let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
    let status = if problem.cause.is_none() { status } else { problem.status() };
    let mut face = match Face::of(uri.path()) {
        Face::Json => json(&problem, status, &id, &uri),
        Face::Text => (status, format!("{}\n{}\nrequest id {id}\n", problem.title, problem.detail)).into_response(),
        Face::Page if problem.kind == Kind::SignInNeeded && get => sign_in_redirect(&uri),
        Face::Page => page(&app, &problem, status, &id, theme),
    };
    if let Some(value) = retry_after {
        face.headers_mut().insert(header::RETRY_AFTER, value);
    }
    face
}

/// Which face a path gets.
enum Face {
    Page,
    Json,
    Text,
}

impl Face {
    fn of(path: &str) -> Self {
        if path.starts_with("/api/") {
            Self::Json
        } else if ["/healthz", "/readyz", "/metrics", "/static/", "/webhooks/"].iter().any(|p| path.starts_with(p))
            || path.contains(".git/")
        {
            Self::Text
        } else {
            Self::Page
        }
    }
}

fn log(problem: &Problem, uri: &Uri, status: StatusCode) {
    let cause = problem.cause.as_ref().map(|c| chain(c.as_ref())).unwrap_or_default();
    if matches!(problem.kind, Kind::Internal) {
        tracing::error!(http.path = uri.path(), http.status = status.as_u16(), error = %cause, "request failed by a mistake of ours");
    } else if matches!(problem.kind, Kind::Unavailable(_)) {
        tracing::warn!(http.path = uri.path(), error = %cause, "request failed: {}", problem.title);
    } else {
        tracing::debug!(http.path = uri.path(), http.status = status.as_u16(), error = %cause, "request refused: {}", problem.title);
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !out.contains(&text) {
            out = format!("{out}: {text}");
        }
        cause = next.source();
    }
    out
}

fn sign_in_redirect(uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or("/", |p| p.as_str());
    let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    Redirect::to(&format!("/login?next={next}")).into_response()
}

/// The JSON face (RFC 9457, section 3.1).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// A stable name for the sort of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Why and what next.
    pub detail: String,
    /// The request's path.
    pub instance: String,
    /// The id to quote.
    pub request_id: String,
    /// Per field, what is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub errors: Vec<FieldFault>,
}

fn json(problem: &Problem, status: StatusCode, id: &str, uri: &Uri) -> Response {
    let kind = match &problem.kind {
        Kind::NotFound => "not-found",
        Kind::Forbidden => "forbidden",
        Kind::SignInNeeded => "sign-in-needed",
        Kind::Invalid(_) => "invalid",
        Kind::Conflict => "conflict",
        Kind::TooMany(_) => "too-many",
        Kind::TooLarge(_) => "too-large",
        Kind::Unavailable(_) => "unavailable",
        Kind::Internal => "internal",
    };
    let body = ProblemBody {
        kind: format!("urn:slipway:problem:{kind}"),
        title: problem.title.to_string(),
        status: status.as_u16(),
        detail: problem.detail.to_string(),
        instance: uri.path().to_owned(),
        request_id: id.to_owned(),
        errors: problem.fields().to_vec(),
    };
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"slipway\""));
    }
    response
}

#[derive(Template)]
#[template(path = "problem/page.html")]
struct ProblemPage<'a> {
    theme: Theme,
    organization: &'a str,
    version: &'static str,
    badge: String,
    title: &'a str,
    detail: &'a str,
    fields: &'a [FieldFault],
    ways_on: &'a [WayOn],
    id: &'a str,
}

fn page(app: &App, problem: &Problem, status: StatusCode, id: &str, theme: Theme) -> Response {
    let word = match problem.kind {
        Kind::NotFound => "Not found",
        Kind::Forbidden => "Not allowed",
        Kind::SignInNeeded => "Sign in needed",
        Kind::Invalid(_) => "Not usable",
        Kind::Conflict => "Changed meanwhile",
        Kind::TooMany(_) => "Too many",
        Kind::TooLarge(_) => "Too large",
        Kind::Unavailable(_) => "Not available",
        Kind::Internal => "Our mistake",
    };
    let page = ProblemPage {
        theme,
        organization: super::page::organization(app),
        version: super::page::VERSION,
        badge: format!("{word}, {}", status.as_u16()),
        title: &problem.title,
        detail: &problem.detail,
        fields: problem.fields(),
        ways_on: &problem.ways_on,
        id,
    };
    match page.render() {
        Ok(body) => (status, axum::response::Html(body)).into_response(),
        Err(e) => {
            tracing::error!(error = %e, "the problem page does not render");
            (status, format!("{}\n{}\nrequest id {id}\n", problem.title, problem.detail)).into_response()
        }
    }
}

/// The answer to a request for another host.
pub fn misdirected(app: &App, id: &str, uri: &Uri, theme: Theme) -> Response {
    let status = StatusCode::MISDIRECTED_REQUEST;
    let problem =
        Problem::of_status(status, uri.path()).way_on("Open the portal", app.config.http.base_url.to_string());
    match Face::of(uri.path()) {
        Face::Json => json(&problem, status, id, uri),
        Face::Text => (status, problem.title.to_string()).into_response(),
        Face::Page => page(app, &problem, status, id, theme),
    }
}
