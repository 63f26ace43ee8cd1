//! What people ask for: a request, the decision on it, the answers of those who must agree, and the
//! start of its run. Owns `requests_*`. One road for every kind; a kind brings a name, the facts that
//! policy needs, and the start of its run.
//!
//! Invariants: nobody answers their own request, also not through a token or an agent; an answer
//! counts only for the plan that it was given to; a request that nobody answers expires.

pub mod answer;
pub mod error;
pub mod jobs;
pub mod kind;
pub mod store;
pub mod submit;

pub use error::RequestError;
pub use kind::{Kinds, RequestKind};
pub use store::{RequestRow, RequestState};
pub use submit::{NewRequest, Submitted, submit};

use std::time::Duration;

use crate::engine::access::Subject;
use crate::engine::app::App;

/// How long the number beside "Requests" may be old: it is on every page, and a page must not cost a query for it.
const WAITING_FRESH: Duration = Duration::from_secs(5);

/// How many requests wait for a subject. Kept for a few seconds, and dropped when any request changes.
///
/// # Errors
/// The database.
pub async fn waiting(app: &App, subject: &Subject) -> sqlx::Result<i64> {
    if let Some(known) = app.waiting.get(&subject.user_id, WAITING_FRESH) {
        return Ok(known);
    }
    let mut conn = app.db.acquire().await?;
    let count = store::waiting_for(&mut conn, subject.user_id, &subject.teams).await?;
    app.waiting.put(subject.user_id, count);
    Ok(count)
}
