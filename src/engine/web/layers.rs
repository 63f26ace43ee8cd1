//! What every request passes through, outermost first: an id and a span, metrics, the check of the
//! host, limits, security headers, protection against other sites, the session, and the face of problems.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};
use uuid::Uuid;

use super::problem;
use crate::engine::app::App;
use crate::engine::audit::{ORIGIN, Origin};
use crate::engine::config::{Config, is_loopback};
use crate::kernel::address::host_and_port;

/// How long an answer may take to begin. Pages take milliseconds; this is for what went wrong.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long a session lives without being renewed.
const SESSION_DAYS: i64 = 7;
/// Tries at signing in from one address: a burst, then one every two seconds.
const SIGN_IN_BURST: u32 = 20;
/// Milliseconds until an address gets another try.
const SIGN_IN_PAUSE_MS: u64 = 2_000;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as people quote it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The client's address, proxies taken into account.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Option<IpAddr>);

/// The id of a request.
pub fn request_id(request: &Request) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// Puts the layers around the routes.
pub fn around(routes: Router<App>, app: &App) -> Router {
    let secure = app.config.secure_cookies();
    let sessions = SessionManagerLayer::new(app.sessions.clone())
        // The prefix makes browsers refuse a cookie that another host or plain http has set (RFC 6265bis, 4.1.3.2).
        .with_name(if secure { "__Host-slipway" } else { "slipway" })
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(time::Duration::days(SESSION_DAYS)));
    routes
        .layer(sessions)
        .layer(CsrfLayer::new())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_LIMIT))
        .layer(middleware::from_fn_with_state(app.clone(), problem::render))
        .layer(middleware::from_fn_with_state(app.clone(), headers))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(app.clone(), host))
        .layer(middleware::from_fn_with_state(app.clone(), outermost))
        .with_state(app.clone())
}

/// Limits tries at signing in, by the client's address.
pub fn sign_in_limit<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    let config = GovernorConfigBuilder::default()
        .per_millisecond(SIGN_IN_PAUSE_MS)
        .burst_size(SIGN_IN_BURST)
        .key_extractor(ByClient)
        .finish();
    match config {
        Some(config) => routes.layer(GovernorLayer::new(config)),
        None => routes,
    }
}

#[derive(Debug, Clone, Copy)]
struct ByClient;

impl KeyExtractor for ByClient {
    type Key = Option<IpAddr>;

    fn extract<T>(&self, request: &axum::http::Request<T>) -> Result<Self::Key, tower_governor::GovernorError> {
        Ok(request.extensions().get::<ClientAddress>().and_then(|a| a.0))
    }
}

/// Id, span, address, metrics, and one line in the log.
async fn outermost(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let address = client_address(&request, app.config.http.trusted_proxies);
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(ClientAddress(address));
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "unmatched".to_owned(), |p| p.as_str().to_owned());
    let span =
        tracing::info_span!("request", request.id = %id, http.method = %method, http.path = request.uri().path());
    let origin = Origin { request: id.clone(), address };
    let started = Instant::now();
    let mut response = ORIGIN.scope(origin, tracing::Instrument::instrument(next.run(request), span.clone())).await;
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    metrics::histogram!("slipway_http_request_duration_seconds", "method" => method.to_string(), "route" => route.clone(), "status" => status.to_string())
        .record(elapsed);
    let _in_span = span.enter();
    if route.starts_with("/static") || route == "/healthz" || route == "/readyz" || route == "/metrics" {
        tracing::debug!(http.status = status, http.duration_ms = elapsed.as_secs_f64() * 1e3, "request done");
    } else {
        tracing::info!(http.status = status, http.duration_ms = elapsed.as_secs_f64() * 1e3, "request done");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    response
}

/// The address of whoever asks. Each trusted proxy has added one entry at the right.
fn client_address(request: &Request, proxies: usize) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
    if proxies == 0 {
        return peer;
    }
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .collect();
    forwarded.len().checked_sub(proxies).and_then(|i| forwarded[i].parse().ok()).or(peer)
}

/// Answers only at the base address, so that no other name (DNS rebinding) reaches the portal. Other
/// names of this very machine are led to the right one.
async fn host(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Probes and scrapers come by address.
    if matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return next.run(request).await;
    }
    let asked = request
        .headers()
        .get(header::HOST)
        .and_then(|v| v.to_str().ok())
        .or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str))
        .unwrap_or_default();
    let base = &app.config.http.base_url;
    if asked.eq_ignore_ascii_case(&authority(&app.config)) {
        return next.run(request).await;
    }
    let local = url::Url::parse(&format!("http://{asked}")).is_ok_and(|u| is_loopback(&u));
    if local && is_loopback(base) && request.method() == Method::GET {
        let to = request.uri().path_and_query().map_or("/", |p| p.as_str());
        return Redirect::temporary(&format!("{}{}", base.as_str().trim_end_matches('/'), to)).into_response();
    }
    let theme = super::page::Theme::of(request.headers());
    problem::misdirected(&app, &request_id(&request), request.uri(), theme)
}

fn authority(config: &Config) -> String {
    host_and_port(&config.http.base_url).unwrap_or_default()
}

/// Headers that keep browsers from being misled.
async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if !headers.contains_key(&name)
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, &content_security_policy(&app.config));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()");
    // A page may be shown again by the back button, but never from a shared cache.
    set(header::CACHE_CONTROL, "private, no-cache");
    if app.config.secure_cookies() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Each directive with its reason.
fn content_security_policy(config: &Config) -> String {
    // GitHub's sign-in page: Chromium applies form-action to the redirects after a form too.
    let github = config.github.url.origin().ascii_serialization();
    [
        // Nothing that is not named.
        "default-src 'none'",
        // Our own files only; nothing inline, nothing from elsewhere.
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        // Live logs and type-ahead.
        "connect-src 'self'",
        &format!("form-action 'self' {github}"),
        // Nobody frames the portal.
        "frame-ancestors 'none'",
        // No page changes what relative addresses mean.
        "base-uri 'none'",
    ]
    .join("; ")
}

/// A panic in a handler: our mistake. The panic hook has logged it.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let what =
        panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
    tracing::error!(panic = what.unwrap_or_default(), "a handler panicked");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
