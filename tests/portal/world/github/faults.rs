//! Faults that a test orders: the next call that matches fails in a given way.

use std::collections::VecDeque;
use std::time::Duration;

use regex::Regex;

/// Which call.
#[derive(Debug, Clone)]
pub struct Match {
    method: Option<String>,
    path: Pattern,
}

#[derive(Debug, Clone)]
enum Pattern {
    Prefix(String),
    Regex(Regex),
}

impl Match {
    /// A method, and how the path begins. The path is without `/api/v3`.
    pub fn prefix(method: &str, prefix: &str) -> Self {
        Self { method: Some(method.to_owned()), path: Pattern::Prefix(prefix.to_owned()) }
    }

    /// A method, and what the path looks like.
    pub fn regex(method: &str, pattern: &str) -> Self {
        let pattern = Regex::new(pattern).expect("the test's pattern is a regular expression");
        Self { method: Some(method.to_owned()), path: Pattern::Regex(pattern) }
    }

    /// Any call.
    pub fn any() -> Self {
        Self { method: None, path: Pattern::Prefix(String::new()) }
    }

    fn is(&self, method: &str, path: &str) -> bool {
        let path_is = match &self.path {
            Pattern::Prefix(prefix) => path.starts_with(prefix),
            Pattern::Regex(regex) => regex.is_match(path),
        };
        path_is && self.method.as_deref().is_none_or(|m| m == method)
    }
}

/// How it fails.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Another answer in its place; nothing is done.
    Status {
        /// The status.
        code: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// The connection is closed, and nothing was done.
    DropBefore,
    /// The call is carried out, and the connection is closed without an answer.
    DropAfter,
    /// The call is carried out, but later.
    Delay(Duration),
    /// A secondary limit (docs, "Rate limits for the REST API", "Exceeding the rate limit").
    SecondaryLimit {
        /// 403 or 429.
        code: u16,
        /// Seconds, where GitHub says them.
        retry_after: Option<u64>,
    },
}

impl Fault {
    /// A bare answer.
    pub fn status(code: u16, body: &str) -> Self {
        Self::Status { code, headers: Vec::new(), body: body.to_owned() }
    }
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub struct Faults(VecDeque<(Match, Fault)>);

impl Faults {
    /// Orders one.
    pub fn add(&mut self, which: Match, fault: Fault) {
        self.0.push_back((which, fault));
    }

    /// Takes the first one that fits.
    pub fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let at = self.0.iter().position(|(which, _)| which.is(method, path))?;
        self.0.remove(at).map(|(_, fault)| fault)
    }

    /// How many were not met.
    pub fn left(&self) -> usize {
        self.0.len()
    }
}
