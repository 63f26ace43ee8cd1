//! Answers as GitHub writes them.

use serde_json::{Value, json};

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers beside the ones that every answer has.
    pub headers: Vec<(String, String)>,
    /// The media type.
    pub kind: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What a handler gives: `Err` is a refusal.
pub type Outcome = Result<Reply, Reply>;

/// What GitHub writes as the media type of JSON.
pub const JSON_KIND: &str = "application/json; charset=utf-8";

impl Reply {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), kind: JSON_KIND.to_owned(), body: body.to_string().into_bytes() }
    }

    /// Other content.
    pub fn bytes(kind: &str, body: Vec<u8>) -> Self {
        Self { status: 200, headers: Vec::new(), kind: kind.to_owned(), body }
    }

    /// 204.
    pub fn nothing() -> Self {
        Self { status: 204, headers: Vec::new(), kind: String::new(), body: Vec::new() }
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        let mut reply = Self::json(status, &json!({}));
        reply.headers.push(("location".to_owned(), location.to_owned()));
        reply
    }

    /// With one header more.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body as JSON, if it is.
    pub fn parsed(&self) -> Option<Value> {
        if self.kind == JSON_KIND { serde_json::from_slice(&self.body).ok() } else { None }
    }
}

/// A refusal with GitHub's three fields.
pub fn refuse(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.to_string(),
        }),
    )
}

/// Not found. Also for what one may not see (docs, "Troubleshooting", "404 Not Found for an existing
/// resource").
pub fn not_found() -> Reply {
    refuse(404, "Not Found")
}

/// The answer of every Git data call (github/docs issue 31951, rest-api-description issue 637).
pub fn empty_repository() -> Reply {
    refuse(409, "Git Repository is empty.")
}

/// A refusal with single errors (docs, "Troubleshooting", "Validation Failed").
pub fn unprocessable(message: &str, errors: &Value) -> Reply {
    Reply::json(
        422,
        &json!({
            "message": message,
            "errors": errors,
            "documentation_url": "https://docs.github.com/rest",
            "status": "422",
        }),
    )
}
