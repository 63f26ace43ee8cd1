//! Extractors that fail as problems: path, query and form. Handlers use these, never axum's own,
//! whose refusals are bare text.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::kernel::fault::Kind;

/// The largest form, in bytes. The longest real one is a template's page with a pasted document.
pub const MAX_FORM: usize = 1 << 20;
/// The largest number of fields in a form.
pub const MAX_FIELDS: usize = 2_000;

/// Parts of the path. What cannot be read is a page that does not exist.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[expect(clippy::disallowed_types, reason = "this is the wrapper that the lint asks for")]
        let inner = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        inner.map(|p| Self(p.0)).map_err(|_| Problem::not_found(format_args!("page at {}", parts.uri.path())))
    }
}

/// The query, with repeated keys as lists.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let inner = axum_extra::extract::Query::<T>::from_request_parts(parts, state).await;
        inner.map(|q| Self(q.0)).map_err(|e| {
            Problem::new(
                Kind::Invalid(Vec::new()),
                "This address cannot be read",
                format!("A part after the question mark is not as it should be: {e}."),
            )
        })
    }
}

/// A form's fields, in order, names as often as they were sent.
#[derive(Debug, Clone)]
pub struct Form(pub Vec<(String, String)>);

impl Form {
    /// The first value of a field, without spaces around it; `None` if it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect()
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let body = axum::body::to_bytes(request.into_body(), MAX_FORM).await.map_err(|_| {
            Problem::new(
                Kind::TooLarge(MAX_FORM as u64),
                "This form is too large",
                format!("The portal takes forms of up to {} KB.", MAX_FORM >> 10),
            )
        })?;
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
        if fields.len() > MAX_FIELDS {
            return Err(Problem::new(
                Kind::TooLarge(MAX_FIELDS as u64),
                "This form has too many fields",
                format!("The portal takes forms of up to {MAX_FIELDS} fields."),
            ));
        }
        Ok(Self(fields))
    }
}
