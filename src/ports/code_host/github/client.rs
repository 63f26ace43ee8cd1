//! Sends one call and reads its answer: who we are, how long we wait, how much we take.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use octocrab::Octocrab;
use octocrab::models::{AppId, InstallationId};
use octocrab::service::middleware::retry::RetryConfig;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, HeaderMap, HeaderValue, IF_NONE_MATCH, LINK};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::Credentials;
use super::failure::{self, Refusal};
use super::wire;
use crate::kernel::secret::Secret;
use crate::ports::PortError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long we wait for an answer to begin, and for each further piece of it. octocrab's own read
/// timeout is not used: it runs while a kept connection is idle, so that the next call on it could
/// fail at once (hyper-timeout resets it on reads only).
const READ: Duration = Duration::from_secs(20);
/// One second more for each of these many bytes that a call carries.
const UPLOAD_PER_SECOND: usize = 256 << 10;
/// The largest JSON answer that is read. A page of a hundred repositories is about half a megabyte,
/// the listing of a tree at most seven (REST, "Get a tree").
pub(super) const MAX_JSON: usize = 16 << 20;
/// How much of a refusal is read.
const MAX_REFUSAL: usize = 64 << 10;
/// The most pages that a list is read; a hundred items each.
const MAX_PAGES: usize = 1_000;
/// How much longer an installation's token must be good for when a call starts.
const TOKEN_MARGIN: chrono::Duration = chrono::Duration::seconds(60);

/// GitHub's media type for JSON.
pub(super) const JSON: &str = "application/vnd.github+json";
/// GitHub's media type for the bytes of a file.
pub(super) const RAW: &str = "application/vnd.github.raw+json";
/// GitHub's media type for a commit's id alone.
pub(super) const SHA: &str = "application/vnd.github.sha";

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    path: String,
    what: String,
    accept: &'static str,
    known: Option<String>,
    body: Option<Value>,
    limit: usize,
}

impl Call {
    /// A call without body. `what` is what it is about, for the message if it is not found.
    pub fn new(method: Method, path: impl Into<String>, what: impl Into<String>) -> Self {
        let (path, what) = (path.into(), what.into());
        Self { method, path, what, accept: JSON, known: None, body: None, limit: MAX_JSON }
    }

    /// A reading call.
    pub fn get(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Method::GET, path, what)
    }

    /// With a JSON body.
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Asks for another form of the answer, of at most so many bytes.
    pub fn form(mut self, accept: &'static str, limit: usize) -> Self {
        self.accept = accept;
        self.limit = limit;
        self
    }

    /// Asks for the answer only if it is not the one with this tag.
    pub fn unless(mut self, known: Option<&str>) -> Self {
        self.known = known.map(str::to_owned);
        self
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(self.accept));
        // A tag that cannot be a header is not one that GitHub gave: ask without it.
        if let Some(tag) = self.known.as_deref().and_then(|t| HeaderValue::from_str(t).ok()) {
            headers.insert(IF_NONE_MATCH, tag);
        }
        headers
    }
}

/// A success, or "not modified" where the call had a tag.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// The connection to one GitHub as one identity.
pub(super) struct Client {
    system: String,
    octocrab: Octocrab,
    app: Option<App>,
}

/// An app and its installation, once it is found.
struct App {
    org: String,
    installation: Mutex<Option<Arc<Octocrab>>>,
}

impl Client {
    /// Prepares it.
    pub fn new(system: String, api: &Url, credentials: &Credentials) -> Result<Self, PortError> {
        let invalid = |why: &str| PortError::Invalid { system: system.clone(), why: why.to_owned() };
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(invalid("it can only be used inside a tokio runtime"));
        }
        let builder = Octocrab::builder()
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(Some(CONNECT))
            .base_uri(api.as_str())
            .map_err(|_| invalid("its address is not one"))?;
        let failed = |e: octocrab::Error| invalid(&failure::story(&e));
        let (octocrab, app) = match credentials {
            Credentials::Token(token) => {
                let token = header_safe(token).ok_or_else(|| invalid("the token has a character that none has"))?;
                (builder.build().and_then(|o| o.user_access_token(token)).map_err(failed)?, None)
            }
            Credentials::App { app_id, private_key_pem, org } => {
                let builder = builder
                    .app_from_rsa_pem(AppId(*app_id), private_key_pem.expose().as_bytes())
                    .map_err(|_| invalid("the app's private key is not an RSA key in PEM form"))?;
                let app = App { org: org.clone(), installation: Mutex::new(None) };
                (builder.build().map_err(failed)?, Some(app))
            }
        };
        Ok(Self { system, octocrab, app })
    }

    /// Sends a call and reads its answer.
    pub async fn send(&self, call: &Call) -> Result<Answer, PortError> {
        match &self.app {
            None => self.send_as(&self.octocrab, call).await,
            Some(app) => {
                let installation = self.installation(app).await?;
                self.send_as(&installation, call).await
            }
        }
    }

    /// Sends a call and reads JSON.
    pub async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, PortError> {
        let answer = self.send(call).await?;
        self.parse(&answer.body)
    }

    /// Reads all pages of a list. The path must not have a query of its own.
    pub async fn pages<T: DeserializeOwned>(&self, path: &str, query: &str, what: &str) -> Result<Vec<T>, PortError> {
        let mut items = Vec::new();
        for page in 1..=MAX_PAGES {
            let call = Call::get(format!("{path}?{query}per_page=100&page={page}"), what);
            let answer = self.send(&call).await?;
            items.extend(self.parse::<Vec<T>>(&answer.body)?);
            let link = answer.headers.get(LINK).and_then(|l| l.to_str().ok()).unwrap_or_default();
            if !link.contains("rel=\"next\"") {
                return Ok(items);
            }
        }
        Err(self.invalid(format!("{what}: the list does not end")))
    }

    /// The call itself was wrong.
    pub fn invalid(&self, why: String) -> PortError {
        PortError::Invalid { system: self.system.clone(), why }
    }

    /// Something is in the way.
    pub fn conflict(&self, what: String) -> PortError {
        PortError::Conflict { system: self.system.clone(), what }
    }

    /// We may not.
    pub fn refused(&self, why: String) -> PortError {
        PortError::Refused { system: self.system.clone(), why }
    }

    /// It is not there.
    pub fn not_found(&self, what: String) -> PortError {
        PortError::NotFound { system: self.system.clone(), what }
    }

    /// Reads JSON.
    pub fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, PortError> {
        serde_json::from_slice(body).map_err(|e| self.unknown(format!("its answer does not read: {e}")))
    }

    fn unknown(&self, why: String) -> PortError {
        PortError::Unknown { system: self.system.clone(), why }
    }

    /// The client of the app's installation, with a token that is good for this call. The token is
    /// fetched apart from the call, so that a failure to get one is not taken for a failure of the
    /// call: then nothing was sent, and nothing had an effect.
    async fn installation(&self, app: &App) -> Result<Arc<Octocrab>, PortError> {
        let mut known = app.installation.lock().await;
        if let Some(client) = known.take() {
            match self.fetch_token(&client).await {
                // An app that was taken out and installed again has another number: look it up anew.
                Err(PortError::NotFound { .. }) => {}
                Err(other) => {
                    *known = Some(client);
                    return Err(no_identity(other));
                }
                Ok(()) => {
                    *known = Some(Arc::clone(&client));
                    return Ok(client);
                }
            }
        }
        let client = Arc::new(self.find_installation(&app.org).await.map_err(no_identity)?);
        self.fetch_token(&client).await.map_err(no_identity)?;
        *known = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Makes sure that the client has a token that is good for a while.
    async fn fetch_token(&self, client: &Octocrab) -> Result<(), PortError> {
        match tokio::time::timeout(READ, client.installation_token_with_buffer(TOKEN_MARGIN)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.refusal_or_break(&error, "the app's installation")),
            Err(_) => Err(self.unknown("no token within the time".to_owned())),
        }
    }

    async fn find_installation(&self, org: &str) -> Result<Octocrab, PortError> {
        let path = format!("/orgs/{}/installation", super::names::part(org));
        let call = Call::get(path, format!("an installation of the app in {org}"));
        let answer = self.send_as(&self.octocrab, &call).await?;
        let found: wire::Installation = self.parse(&answer.body)?;
        let client = self.octocrab.installation(InstallationId(found.id));
        client.map_err(|e| self.invalid(failure::story(&e)))
    }

    async fn send_as(&self, octocrab: &Octocrab, call: &Call) -> Result<Answer, PortError> {
        let carried = call.body.as_ref().map_or(0, |b| b.to_string().len());
        let patience = READ + Duration::from_secs((carried / UPLOAD_PER_SECOND) as u64);
        let response = match tokio::time::timeout(patience, dispatch(octocrab, call)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.broken(&error)),
            Err(_) => return Err(self.unknown(format!("no answer within {} s", patience.as_secs()))),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() || (status == StatusCode::NOT_MODIFIED && call.known.is_some()) {
            let body = self.read(response, call.limit, &call.what).await?;
            return Ok(Answer { status, headers, body });
        }
        // The status alone tells enough if the rest does not come.
        let body = self.read(response, MAX_REFUSAL, &call.what).await.unwrap_or_default();
        Err(Refusal { system: &self.system, what: &call.what, status, headers: &headers, body: &body }.error())
    }

    /// The body, up to a limit.
    async fn read(&self, mut response: reqwest::Response, limit: usize, what: &str) -> Result<Bytes, PortError> {
        let too_large = || self.invalid(format!("{what} is larger than {limit} bytes"));
        let declared = response.headers().get(CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        loop {
            match tokio::time::timeout(READ, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > limit => return Err(too_large()),
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(e)) => return Err(self.unknown(format!("its answer broke off: {e}"))),
                Err(_) => return Err(self.unknown("its answer stopped coming".to_owned())),
            }
        }
    }

    /// What an error of octocrab's means for the call that met it. It holds a refusal only where
    /// octocrab fetched a token by itself: the call was answered 401, and nothing was done.
    fn broken(&self, error: &octocrab::Error) -> PortError {
        let meaning = self.refusal_or_break(error, "the app's installation");
        if matches!(error, octocrab::Error::GitHub { .. }) { no_identity(meaning) } else { meaning }
    }

    fn refusal_or_break(&self, error: &octocrab::Error, what: &str) -> PortError {
        if let octocrab::Error::GitHub { source, .. } = error {
            let body = serde_json::json!({ "message": source.message, "errors": source.errors }).to_string();
            let headers = source.headers.clone().unwrap_or_default();
            let status = source.status_code;
            return Refusal { system: &self.system, what, status, headers: &headers, body: body.as_bytes() }.error();
        }
        let why = failure::story(error);
        if failure::never_connected(error) {
            return PortError::Unavailable { system: self.system.clone(), why };
        }
        self.unknown(why)
    }
}

/// A failure to become somebody. Nothing was sent as that somebody, and "not found" is said of the
/// app, not of what the call is about: taken for the latter, a repository that is there would seem
/// to be gone.
fn no_identity(error: PortError) -> PortError {
    match nothing_sent(error) {
        PortError::NotFound { system, what } => {
            PortError::Unauthorized { system, why: format!("{what} was not found") }
        }
        other => other,
    }
}

/// The same failure, where it is certain that the call itself was not sent.
pub(super) fn nothing_sent(error: PortError) -> PortError {
    match error {
        PortError::Unknown { system, why } => PortError::Unavailable { system, why },
        other => other,
    }
}

/// octocrab's low-level calls: they add who we are and the API's version, and map nothing.
async fn dispatch(octocrab: &Octocrab, call: &Call) -> Result<reqwest::Response, octocrab::Error> {
    let (path, body) = (call.path.as_str(), call.body.as_ref());
    let response = match call.method {
        Method::POST => octocrab._post(path, body).await?,
        Method::PUT => octocrab._put(path, body).await?,
        Method::PATCH => octocrab._patch(path, body).await?,
        Method::DELETE => octocrab._delete(path, body).await?,
        _ => octocrab._get_with_headers(path, Some(call.headers())).await?,
    };
    // The same response in a type that can be read piece by piece without another dependency.
    Ok(reqwest::Response::from(response.map(reqwest::Body::wrap)))
}

/// The token, if it can stand in a header: octocrab would panic on one that cannot.
fn header_safe(token: &Secret) -> Option<&str> {
    HeaderValue::from_str(token.expose()).is_ok().then(|| token.expose())
}
