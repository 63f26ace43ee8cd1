//! The JSON API's envelope: lists with a cursor, bodies that fail as problems.

use axum::extract::{FromRequest, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::kernel::fault::{FieldFault, Kind};

/// The largest body of an API call, in bytes.
pub const MAX_BODY: usize = 10 << 20;

/// A page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it as `after` to get the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| {
            Problem::new(
                Kind::TooLarge(MAX_BODY as u64),
                "This body is too large",
                format!("The API takes bodies of up to {} MB.", MAX_BODY >> 20),
            )
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|e| {
            let field =
                FieldFault { field: format!("line {}, column {}", e.line(), e.column()), message: e.to_string() };
            Problem::new(
                Kind::Invalid(vec![field]),
                "This body cannot be read",
                format!("It is not the JSON that this call takes: {e}."),
            )
        })
    }
}
