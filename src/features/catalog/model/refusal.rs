//! A refusal twice: as the error that Backstage's interface gives, word for word, and as a
//! sentence with advice for the person who wrote the file. It owns the two forms.

use serde_json::{Value, json};

/// An error as Backstage's interface shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// JavaScript's name of the error: `InputError`, `TypeError`, `Error`, `NotAllowedError`, …
    pub name: &'static str,
    /// The message; with a cause it ends in `; caused by <name>: <message>`.
    pub message: String,
    /// What lies underneath.
    pub cause: Option<Box<ErrorBody>>,
}

impl ErrorBody {
    /// An error without a cause.
    pub fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), cause: None }
    }

    /// An `InputError` around another error.
    pub fn wrapping(message: &str, cause: Self) -> Self {
        Self { name: "InputError", message: format!("{message}; caused by {cause}"), cause: Some(Box::new(cause)) }
    }

    /// The error as an item of the `errors` list of an answer.
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "name": self.name, "message": self.message });
        if let (Some(cause), Some(map)) = (&self.cause, body.as_object_mut()) {
            map.insert("cause".to_owned(), cause.to_json());
        }
        body
    }
}

impl std::fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// What is wrong with one place of an entity, for a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// JSON pointer of the place within the document; a missing property is named although it is
    /// not there. With `yaml::Document::position` it becomes a line and a column.
    pub pointer: String,
    /// What is wrong.
    pub sentence: String,
    /// What to do about it.
    pub hint: String,
}

impl Problem {
    /// A problem from its three parts.
    pub fn new(pointer: impl Into<String>, sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), sentence: sentence.into(), hint: hint.into() }
    }
}

/// Why an entity is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// For the interface.
    pub error: ErrorBody,
    /// For our page.
    pub problem: Problem,
}

impl Refusal {
    /// A refusal from its two forms.
    pub fn new(error: ErrorBody, problem: Problem) -> Self {
        Self { error, problem }
    }
}
