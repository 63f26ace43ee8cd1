//! Turns GitHub's refusals, and broken connections, into [`PortError`], with GitHub's own words.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;

use crate::ports::PortError;

/// How long to wait after a limit without further word (docs, "Rate limits for the REST API":
/// "wait for at least one minute").
const DEFAULT_WAIT: Duration = Duration::from_mins(1);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    message: String,
    errors: Value,
}

/// An answer that is not a success.
pub(super) struct Refusal<'a> {
    /// What people call this GitHub.
    pub system: &'a str,
    /// What the call was about.
    pub what: &'a str,
    /// The status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, or the beginning of it.
    pub body: &'a [u8],
}

impl Refusal<'_> {
    /// What it means.
    pub fn error(&self) -> PortError {
        let body = self.parsed();
        let why = words(&body, self.status);
        if let Some(retry_after) = wait(self.status, self.headers, &body.message) {
            return PortError::RateLimited { system: self.system.to_owned(), retry_after };
        }
        match self.status.as_u16() {
            401 => PortError::Unauthorized { system: self.system.to_owned(), why },
            // Files over 100 MB: 403 with `too_large` (REST, "Get repository content").
            403 if has_code(&body.errors, "too_large") => self.invalid(why),
            403 | 451 => PortError::Refused { system: self.system.to_owned(), why },
            // A write to a renamed repository is answered with 307, which is not followed with a
            // body (docs, "Best practices", "Follow redirects").
            300..=399 | 404 | 410 => self.not_found(),
            409 => self.conflict(why),
            422 => self.unprocessable(&body, why),
            408 | 500..=599 => PortError::Unknown { system: self.system.to_owned(), why },
            _ => self.invalid(why),
        }
    }

    fn parsed(&self) -> ErrorBody {
        serde_json::from_slice(self.body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(self.body);
            let short: String = text.trim().chars().take(200).collect();
            // Proxies and overloaded front ends answer with pages; a page is no message.
            let message = if short.starts_with('<') { String::new() } else { short };
            ErrorBody { message, errors: Value::Null }
        })
    }

    fn unprocessable(&self, body: &ErrorBody, why: String) -> PortError {
        let lower = why.to_ascii_lowercase();
        let taken = ["already exists", "already been taken", "name taken", "not a fast forward"];
        if has_code(&body.errors, "already_exists") || taken.iter().any(|t| lower.contains(t)) {
            return self.conflict(why);
        }
        // An unknown commit id, where an unknown branch is a plain 404 (REST, "Get a commit").
        if lower.starts_with("no commit found") {
            return self.not_found();
        }
        // What GitHub says when a tree took longer than its ten seconds (googleapis/code-suggester
        // issue 397): nothing is wrong with the call.
        if lower.contains("your request timed out") {
            return PortError::Unknown { system: self.system.to_owned(), why };
        }
        self.invalid(why)
    }

    fn invalid(&self, why: String) -> PortError {
        PortError::Invalid { system: self.system.to_owned(), why }
    }

    fn conflict(&self, what: String) -> PortError {
        PortError::Conflict { system: self.system.to_owned(), what }
    }

    fn not_found(&self) -> PortError {
        PortError::NotFound { system: self.system.to_owned(), what: self.what.to_owned() }
    }
}

/// GitHub's message with the single errors behind it.
fn words(body: &ErrorBody, status: StatusCode) -> String {
    let single: Vec<String> = match &body.errors {
        Value::Array(list) => list.iter().map(error_words).filter(|w| !w.is_empty()).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    };
    let head = if body.message.is_empty() { status.to_string() } else { body.message.clone() };
    if single.is_empty() { head } else { format!("{}: {}", head.trim_end_matches('.'), single.join("; ")) }
}

fn error_words(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    match error {
        Value::String(text) => text.clone(),
        _ if !text("message").is_empty() => text("message").to_owned(),
        _ => [text("resource"), text("field"), text("code")]
            .into_iter()
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn has_code(errors: &Value, code: &str) -> bool {
    let is = |e: &Value| e.get("code").and_then(Value::as_str) == Some(code);
    errors.as_array().is_some_and(|list| list.iter().any(is))
}

/// How long to wait, if this is a limit. The reset time counts only when nothing remains: it comes
/// with every answer, a secondary limit's too, and may be an hour away.
fn wait(status: StatusCode, headers: &HeaderMap, message: &str) -> Option<Duration> {
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds.max(1)));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let left = number("x-ratelimit-reset").map(|reset| reset.saturating_sub(their_clock(headers)).max(1));
        return Some(left.map_or(DEFAULT_WAIT, Duration::from_secs));
    }
    let lower = message.to_ascii_lowercase();
    let said = ["secondary rate limit", "abuse detection", "rate limit exceeded"];
    (status == StatusCode::TOO_MANY_REQUESTS || said.iter().any(|s| lower.contains(s))).then_some(DEFAULT_WAIT)
}

/// The time by GitHub's clock, since its reset time is by that clock; ours where it did not say.
#[expect(clippy::disallowed_methods, reason = "compared with a time of another machine, not with one of ours")]
fn their_clock(headers: &HeaderMap) -> u64 {
    let date = headers.get(DATE).and_then(|d| d.to_str().ok());
    let at = date.and_then(|d| chrono::DateTime::parse_from_rfc2822(d).ok());
    let seconds = at.map_or_else(|| chrono::Utc::now().timestamp(), |d| d.timestamp());
    u64::try_from(seconds).unwrap_or_default()
}

/// Whether the connection was never made, so that nothing can have been sent. The client's error
/// type is not ours to name, so its text is read: "client error (Connect)" is how hyper-util
/// writes it; `a_closed_port_means_that_nothing_was_sent` in the tests would notice a change.
pub(super) fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|cause| cause.to_string().contains("client error (Connect)"))
}

/// The causes of an error, outermost first, in one line. octocrab's own text is left out: it
/// carries a backtrace.
pub(super) fn story(error: &octocrab::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    let source = std::error::Error::source(error);
    for cause in source.into_iter().flat_map(causes) {
        let text = cause.to_string();
        if told.last() != Some(&text) {
            told.push(text);
        }
    }
    if told.is_empty() { "the call failed".to_owned() } else { told.join(": ") }
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |e| e.source())
}
