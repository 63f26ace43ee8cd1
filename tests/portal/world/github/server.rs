//! The simulated GitHub's front door: real HTTP on 127.0.0.1, on a thread of its own, so that a
//! test's clock and runtime do not touch it. Every call goes the same way: fault, contract, who,
//! limits, operation, log.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{DefaultBodyLimit, State as Extract};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::access::{self, Caller};
use super::contract;
use super::faults::{Fault, Faults};
use super::limits;
use super::oauth;
use super::reply::{Reply, not_found, refuse};
use super::rest::{self, Ask};
use super::shapes::Base;
use super::state::State;
use super::{Seen, sha1};

/// What the server shares with the test.
#[derive(Debug)]
pub struct Inner {
    /// What GitHub knows.
    pub state: Mutex<State>,
    /// What was asked.
    pub log: Mutex<Vec<Seen>>,
    /// What broke the contract.
    pub violations: Mutex<Vec<String>>,
    /// What is still to fail.
    pub faults: Mutex<Faults>,
    /// Where we are.
    pub base: Base,
}

/// Locks, also after a panic of another test thread.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server; stops when it is dropped, with all its connections.
#[derive(Debug)]
pub struct Server {
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Starts it on two listeners: the API with the pages, and the archive host.
    pub fn start(inner: Arc<Inner>, main: StdListener, archives: StdListener) -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let door = Router::new().fallback(door).layer(DefaultBodyLimit::disable());
                let api = door.with_state(Arc::clone(&inner));
                let codeload = Router::new().fallback(archive).with_state(inner);
                let serve = |listener: StdListener, app: Router| {
                    let listener = TcpListener::from_std(listener).expect("a listener");
                    let app = app.into_make_service_with_connect_info::<Wire>();
                    tokio::spawn(axum::serve(CutListener(listener), app).into_future());
                };
                serve(main, api);
                serve(archives, codeload);
                // An error means that the world was dropped without a word, which is also the end.
                let _ = stopped.await;
            });
        };
        let thread = std::thread::Builder::new().name("github-world".to_owned()).spawn(run).expect("a thread");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in a handler has been shown already; dropping must not panic once more.
            let _ = thread.join();
        }
    }
}

/// A connection that can be cut without an answer.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, CutListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, CutListener>) -> Self {
        stream.io().wire.clone()
    }
}

/// Listens for connections that can be cut.
pub struct CutListener(TcpListener);

/// Such a connection.
pub struct CutStream {
    tcp: TcpStream,
    wire: Wire,
}

impl Listener for CutListener {
    type Io = CutStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CutStream, SocketAddr) {
        let (tcp, from) = Listener::accept(&mut self.0).await;
        (CutStream { tcp, wire: Wire::default() }, from)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncRead for CutStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        if self.wire.0.load(Ordering::SeqCst) {
            return Poll::Ready(Err(std::io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// One call.
struct Incoming {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl Incoming {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    fn token(&self) -> String {
        self.header("authorization").split_once(' ').map_or(String::new(), |(_, t)| t.to_owned())
    }
}

async fn door(
    Extract(inner): Extract<Arc<Inner>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let call = Incoming { method: method.to_string(), path: place(&inner, uri.path()), query, headers, body };
    let fault = lock(&inner.faults).take(&call.method, &call.path);
    let (reply, cut) = match fault {
        None => (carry_out(&inner, &call), false),
        Some(Fault::DropBefore) => (refuse(500, ""), true),
        Some(Fault::DropAfter) => (carry_out(&inner, &call), true),
        Some(Fault::Delay(pause)) => {
            tokio::time::sleep(pause).await;
            (carry_out(&inner, &call), false)
        }
        Some(Fault::SecondaryLimit { code, retry_after }) => {
            (with_limits(&inner, &call, limits::secondary(code, retry_after)), false)
        }
        Some(Fault::Status { code, headers, body }) => {
            let kind = super::reply::JSON_KIND.to_owned();
            (Reply { status: code, headers, kind, body: body.into_bytes() }, false)
        }
    };
    note(&inner, &call, (!cut).then_some(reply.status));
    if cut {
        wire.0.store(true, Ordering::SeqCst);
    }
    response(reply)
}

/// The path as GitHub's description writes it. `/repositories/{id}` is where a redirect after a
/// renaming leads (docs, "Best practices", "Follow redirects").
fn place(inner: &Inner, path: &str) -> String {
    let state = lock(&inner.state);
    let path = match path.strip_prefix("/api/v3") {
        Some(rest) if state.options.enterprise_server => rest,
        _ => path,
    };
    let Some((id, rest)) = path.strip_prefix("/repositories/").map(|r| r.split_once('/').unwrap_or((r, ""))) else {
        return path.to_owned();
    };
    let found = id.parse().ok().and_then(|id: u64| state.repos.get(&id));
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    found.map_or_else(|| path.to_owned(), |repo| format!("/repos/{}{rest}", repo.full_name()))
}

fn carry_out(inner: &Inner, call: &Incoming) -> Reply {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/login/oauth/authorize") => oauth::authorize(&mut lock(&inner.state), &call.query),
        ("POST", "/login/oauth/access_token") => {
            let (kind, accept) = (call.header("content-type"), call.header("accept"));
            oauth::exchange(&mut lock(&inner.state), kind, &call.body, accept)
        }
        _ => {
            let reply = rest_call(inner, call).unwrap_or_else(|refusal| refusal);
            with_limits(inner, call, reply)
        }
    }
}

fn rest_call(inner: &Inner, call: &Incoming) -> Result<Reply, Reply> {
    let mut state = lock(&inner.state);
    if call.header("user-agent").is_empty() {
        // Docs, "Troubleshooting", "User agent required".
        return Err(refuse(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        ));
    }
    let version = call.header("x-github-api-version");
    if !version.is_empty() && version != "2022-11-28" {
        return Err(refuse(400, "The version you specified is not supported"));
    }
    let caller = access::caller(&state, call.headers.get("authorization").and_then(|v| v.to_str().ok()))?;
    let Some((operation, params)) = contract::find(&call.method, &call.path) else {
        violation(inner, format!("{} {} is not described", call.method, call.path));
        return Err(not_found());
    };
    state.limits.count(&call.token(), &operation.id, call.method == "GET")?;
    if let Some(moved) = redirect(&state, inner, call, &params) {
        return Ok(moved);
    }
    let body = body(inner, call, operation)?;
    for wrong in operation.check_query(&call.query) {
        violation(inner, wrong);
    }
    let scopes = caller.scopes();
    let mut ask = Ask {
        state: &mut state,
        caller,
        operation: &operation.id,
        path: call.path.clone(),
        params,
        query: call.query.clone(),
        body,
        accept: call.header("accept").to_owned(),
        base: inner.base.clone(),
    };
    let mut reply = rest::answer(&mut ask).unwrap_or_else(|refusal| refusal);
    for wrong in operation.check_response(reply.status, reply.parsed().as_ref()) {
        violation(inner, wrong);
    }
    if call.method == "GET" && reply.status == 200 {
        reply = tagged(&mut state, call, reply);
    }
    if let Some(scopes) = scopes {
        reply = reply.header("x-oauth-scopes", &scopes);
    }
    Ok(reply)
}

/// The body, if GitHub would go on with it.
fn body(inner: &Inner, call: &Incoming, operation: &contract::Operation) -> Result<Value, Reply> {
    let body: Option<Value> = if call.body.is_empty() {
        None
    } else {
        let parsed = serde_json::from_slice(&call.body);
        Some(parsed.map_err(|_| refuse(400, "Problems parsing JSON"))?)
    };
    let (wrong, refused) = operation.check_body(body.as_ref());
    let told = wrong.join("; ");
    for wrong in wrong {
        violation(inner, wrong);
    }
    // Docs, "Troubleshooting", "Invalid request".
    if refused { Err(refuse(422, &format!("Invalid request.\n\n{told}"))) } else { Ok(body.unwrap_or_default()) }
}

/// An old name of a renamed repository: 301 to read, 307 to write (docs, "Best practices", "Follow
/// redirects").
fn redirect(
    state: &State,
    inner: &Inner,
    call: &Incoming,
    params: &std::collections::BTreeMap<String, String>,
) -> Option<Reply> {
    let (owner, name) = (params.get("owner")?, params.get("repo")?);
    let id = *state.moved.get(&format!("{owner}/{name}").to_lowercase())?;
    let rest = call.path.splitn(5, '/').nth(4).map_or(String::new(), |rest| format!("/{rest}"));
    let query: Vec<String> = call.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let status = if call.method == "GET" { 301 } else { 307 };
    Some(Reply::redirect(status, &format!("{}/repositories/{id}{rest}{query}", inner.base.api)))
}

/// Tags an answer, and answers 304 if it is the one that the caller knows (docs, "Best practices",
/// "Use conditional requests").
fn tagged(state: &mut State, call: &Incoming, reply: Reply) -> Reply {
    let mut seen = reply.body.clone();
    seen.extend_from_slice(reply.kind.as_bytes());
    let tag = format!("W/\"{}\"", sha1::hex(&seen));
    let known = call.header("if-none-match").split(',').any(|t| t.trim() == tag);
    if !known {
        return reply.header("etag", &tag);
    }
    if !call.token().is_empty() {
        state.limits.uncount(&call.token());
    }
    Reply { status: 304, headers: Vec::new(), kind: String::new(), body: Vec::new() }.header("etag", &tag)
}

fn with_limits(inner: &Inner, call: &Incoming, mut reply: Reply) -> Reply {
    let mut state = lock(&inner.state);
    reply.headers.extend(state.limits.headers(&call.token()));
    reply.headers.push(("x-github-media-type".to_owned(), "github.v3; format=json".to_owned()));
    reply.headers.push(("x-github-request-id".to_owned(), uuid::Uuid::new_v4().to_string()));
    reply
}

/// The archive host: another origin, at which nobody's token has any business.
async fn archive(Extract(inner): Extract<Arc<Inner>>, uri: Uri, headers: HeaderMap) -> Response {
    if headers.contains_key("authorization") {
        violation(&inner, "the archive host was sent a token".to_owned());
    }
    let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let made = match parts.as_slice() {
        [owner, name, "legacy.tar.gz", sha] => rest::archive(&lock(&inner.state), &format!("{owner}/{name}"), sha),
        _ => None,
    };
    response(made.map_or_else(not_found, |bytes| Reply::bytes("application/x-gzip", bytes)))
}

fn violation(inner: &Inner, text: String) {
    lock(&inner.violations).push(text);
}

fn note(inner: &Inner, call: &Incoming, status: Option<u16>) {
    let caller = access::caller(&lock(&inner.state), call.headers.get("authorization").and_then(|v| v.to_str().ok()));
    let who = match caller {
        Ok(Caller::Person { login, .. }) => login,
        Ok(Caller::Installation(found)) => format!("app {}", found.app_id),
        Ok(Caller::App(id)) => format!("app {id} itself"),
        _ => String::new(),
    };
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let query = call.query.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&");
    let (method, path) = (call.method.clone(), call.path.clone());
    lock(&inner.log).push(Seen { method, path, query, body, status, who });
}

fn response(reply: Reply) -> Response {
    let mut response = Response::builder().status(reply.status);
    if !reply.kind.is_empty() {
        response = response.header("content-type", reply.kind);
    }
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).expect("the reply's headers are headers")
}
