//! Git over HTTP: runs `git http-backend` for one request and hands both directions on as they
//! come. Only the smart protocol, only repositories of this host, and pushing only for somebody
//! with a name. Who that is, and who may read, was decided before.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStdout, Command};

use super::body::{GitBody, Served, Task, pass_input};
use super::errors::unavailable;
use super::git::{NO_HOOKS, TIME};
use super::running::Running;
use super::{LocalHost, names};
use crate::ports::PortError;
use crate::ports::code_host::RepositoryName;

/// The largest block of headers that is taken from `git`, in bytes. It writes five short lines.
const MAX_HEADERS: u64 = 16 << 10;
/// How long a request waits for a place among those served.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest value of a request's header that is handed on, in bytes.
const MAX_VALUE: usize = 256;

/// A request of a Git client, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// What follows `/git` in the address, for example `/tidepost/x.git/info/refs`.
    pub path_info: String,
    /// What follows the question mark; empty if there is none.
    pub query: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`; `gzip` is understood.
    pub content_encoding: Option<String>,
    /// `Git-Protocol`.
    pub git_protocol: Option<String>,
    /// Who asks, if the caller has made sure of it. Without, nothing can be pushed.
    pub remote_user: Option<String>,
    /// From where.
    pub remote_addr: Option<String>,
}

/// The answer to a [`GitRequest`].
#[derive(Debug)]
pub struct GitResponse {
    /// The HTTP status.
    pub status: u16,
    /// Names and values of its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: GitBody,
}

impl GitResponse {
    fn refusal(status: u16, text: &str) -> Self {
        let headers = vec![
            ("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned()),
            ("Cache-Control".to_owned(), "no-store".to_owned()),
        ];
        Self { status, headers, body: GitBody::text(format!("{text}\n")) }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The two things that a client may want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Fetch,
    Push,
}

impl Service {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "git-upload-pack" => Some(Self::Fetch),
            "git-receive-pack" => Some(Self::Push),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fetch => "git-upload-pack",
            Self::Push => "git-receive-pack",
        }
    }
}

/// A request that was understood. What `git` is told is written anew from this, so nothing of the
/// address that a client sent reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    repository: RepositoryName,
    service: Service,
    /// Whether it only asks which refs there are.
    discovers: bool,
}

impl Route {
    fn parse(host: &str, request: &GitRequest) -> Option<Self> {
        let (owner, rest) = request.path_info.strip_prefix('/')?.split_once('/')?;
        let (name, rest) = rest.split_once('/')?;
        let (service, discovers) = match (request.method.as_str(), rest) {
            ("GET", "info/refs") => (Service::parse(request.query.strip_prefix("service=")?)?, true),
            ("POST", service) if request.query.is_empty() => (Service::parse(service)?, false),
            _ => return None,
        };
        let name = name.strip_suffix(".git").unwrap_or(name).to_owned();
        let repository = RepositoryName { host: host.to_owned(), owner: owner.to_owned(), name };
        names::check(host, &repository).ok()?;
        Some(Self { repository, service, discovers })
    }

    fn path_info(&self) -> String {
        let what = if self.discovers { "info/refs" } else { self.service.name() };
        format!("/{}.git/{what}", self.repository)
    }
}

impl LocalHost {
    /// Answers a Git client. What is refused (a path that is none, pushing without a name) is an
    /// answer as well; with 401 it asks for a name and password.
    ///
    /// Whether `remote_user` may read or write this very repository must be decided before.
    ///
    /// # Errors
    /// [`PortError::Unavailable`] if `git` does not start or does not answer in time.
    pub async fn serve(
        &self,
        request: GitRequest,
        body: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<GitResponse, PortError> {
        let Some(route) = Route::parse(&self.host, &request) else {
            return Ok(GitResponse::refusal(404, "There is nothing here for Git."));
        };
        if route.service == Service::Push && request.remote_user.as_deref().is_none_or(str::is_empty) {
            let refusal = GitResponse::refusal(401, "Pushing needs a name and password.");
            return Ok(refusal.with("WWW-Authenticate", "Basic realm=\"Slipway\", charset=\"UTF-8\""));
        }
        if self.existing(&route.repository).await.is_err() {
            return Ok(GitResponse::refusal(404, "There is no such repository."));
        }
        if !matches!(request.content_encoding.as_deref(), None | Some("" | "identity" | "gzip" | "x-gzip")) {
            return Ok(GitResponse::refusal(415, "Only gzip is understood."));
        }
        let Ok(Ok(place)) = tokio::time::timeout(PATIENCE, Arc::clone(&self.serving).acquire_owned()).await else {
            let refusal = GitResponse::refusal(503, "Too many clones and pushes at once.");
            return Ok(refusal.with("Retry-After", "30"));
        };
        let (running, stdin, stdout) = Running::start(self.backend(&route, &request), "http-backend")?;
        let input = Task::spawn(async move {
            // Nothing is read of a question that has no body; `git` sees its end at once.
            if !route.discovers {
                pass_input(body, stdin).await;
            }
        });
        let mut output = BufReader::new(stdout);
        let silent = || unavailable(format!("git http-backend said nothing for {} s", TIME.as_secs()));
        let (status, headers) =
            tokio::time::timeout(TIME, read_headers(&mut output)).await.unwrap_or_else(|_| Err(silent()))?;
        Ok(GitResponse { status, headers, body: GitBody::served(Served { running, output, input, place }) })
    }

    /// The CGI call, by RFC 3875 and `git help http-backend`.
    fn backend(&self, route: &Route, request: &GitRequest) -> Command {
        let hooks = match route.service {
            Service::Push => &self.hooks,
            Service::Fetch => Path::new(NO_HOOKS),
        };
        let mut command = self.git.command(hooks);
        let (method, query) = if route.discovers {
            ("GET", format!("service={}", route.service.name()))
        } else {
            ("POST", String::new())
        };
        command
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", route.path_info())
            .env("REQUEST_METHOD", method)
            .env("QUERY_STRING", query)
            .env("GATEWAY_INTERFACE", "CGI/1.1")
            .env("SERVER_PROTOCOL", "HTTP/1.1")
            .stdin(Stdio::piped());
        let handed_on = [
            ("CONTENT_TYPE", &request.content_type),
            ("HTTP_CONTENT_ENCODING", &request.content_encoding),
            ("HTTP_GIT_PROTOCOL", &request.git_protocol),
            ("REMOTE_USER", &request.remote_user),
            ("REMOTE_ADDR", &request.remote_addr),
        ];
        for (name, value) in handed_on {
            if let Some(value) = value.as_deref().filter(|value| is_plain(value)) {
                command.env(name, value);
            }
        }
        command
    }
}

/// Whether a value can be handed on: short and without control characters.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_VALUE && !value.chars().any(char::is_control)
}

/// The header block of a CGI answer: the status (200 where none is said) and the other headers.
async fn read_headers(output: &mut BufReader<ChildStdout>) -> Result<(u16, Vec<(String, String)>), PortError> {
    let broken = |why: &str| unavailable(format!("git http-backend gave no usable answer: {why}"));
    let mut status = 200;
    let mut headers = Vec::new();
    let mut block = output.take(MAX_HEADERS);
    loop {
        let mut line = Vec::new();
        block.read_until(b'\n', &mut line).await.map_err(|e| broken(&e.to_string()))?;
        if line.pop() != Some(b'\n') {
            return Err(broken("its headers do not end"));
        }
        let line = String::from_utf8(line).map_err(|_| broken("a header is not text"))?;
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken("a header has no name"))?;
        if name.eq_ignore_ascii_case("status") {
            let number = value.trim().split(' ').next().and_then(|number| number.parse().ok());
            status = number.filter(|n| (100..600).contains(n)).ok_or_else(|| broken("its status is no number"))?;
        } else {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path_info: &str, query: &str) -> GitRequest {
        GitRequest {
            method: method.to_owned(),
            path_info: path_info.to_owned(),
            query: query.to_owned(),
            content_type: None,
            content_encoding: None,
            git_protocol: None,
            remote_user: None,
            remote_addr: None,
        }
    }

    #[test]
    fn only_the_smart_protocol_of_a_well_named_repository_is_a_route() {
        let parse = |method, path, query| Route::parse("here", &request(method, path, query));
        let found = parse("GET", "/tidepost/x.git/info/refs", "service=git-upload-pack");
        assert_eq!(found.map(|r| r.path_info()).as_deref(), Some("/tidepost/x.git/info/refs"));
        let found = parse("POST", "/tidepost/x.git/git-receive-pack", "");
        assert_eq!(found.map(|r| r.service), Some(Service::Push));
        for (method, path, query) in [
            ("GET", "/tidepost/x.git/HEAD", ""),
            ("GET", "/tidepost/x.git/info/refs", ""),
            ("GET", "/tidepost/x.git/info/refs", "service=git-upload-pack&x=1"),
            ("GET", "/tidepost/x.git/objects/info/packs", ""),
            ("GET", "/tidepost/x.git/slipway.json", ""),
            ("GET", "/tidepost/../x.git/info/refs", "service=git-upload-pack"),
            ("GET", "/../x.git/info/refs", "service=git-upload-pack"),
            ("GET", "/%2e%2e/x.git/info/refs", "service=git-upload-pack"),
            ("GET", "/.slipway/x.git/info/refs", "service=git-upload-pack"),
            ("GET", "/tidepost/%2e%2e.git/info/refs", "service=git-upload-pack"),
            ("GET", "/tidepost/...git/info/refs", "service=git-upload-pack"),
            ("GET", "/tidepost/x.git.git/info/refs", "service=git-upload-pack"),
            ("GET", "//x.git/info/refs", "service=git-upload-pack"),
            ("PUT", "/tidepost/x.git/git-upload-pack", ""),
        ] {
            assert_eq!(parse(method, path, query), None, "{method} {path}?{query}");
        }
    }
}
