//! May this happen, and who must agree? One function decides; what it was told and what it answered
//! is stored, so that every decision can be replayed. The rules here are built in; policies that
//! admins write come behind the same function. Owns `policy_decision`.

pub mod model;
pub mod rules;
pub mod store;

use std::time::Instant;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::canonical;
pub use model::{Approvals, Input, Output, Verdict};

/// A decision as it was stored.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Row in `policy_decision`.
    pub id: Uuid,
    /// The answer.
    pub output: Output,
}

/// Decides and stores the decision. A preview is marked so: it decided nothing.
///
/// # Errors
/// The database. There is no other way to fail: whatever the rules cannot judge is `require`.
pub async fn decide(conn: &mut PgConnection, input: &Input, preview: bool) -> sqlx::Result<Decision> {
    let started = Instant::now();
    let output = evaluate(input);
    let decision = Decision { id: Uuid::now_v7(), output };
    let duration_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    store::insert(conn, &decision, input, duration_us, preview).await?;
    metrics::counter!("slipway_policy_decisions_total", "action" => input.action_name(), "verdict" => decision.output.decision.as_str())
        .increment(1);
    Ok(decision)
}

/// Evaluates without storing. Deterministic: the same input gives the same output, now and in a year.
pub fn evaluate(input: &Input) -> Output {
    let mut output = rules::evaluate(input);
    rules::VERSION.clone_into(&mut output.policy_version);
    output.inputs_hash = canonical::hash(&input.to_json());
    output
}

/// Evaluates a stored decision's input again and tells whether the answer is the same.
///
/// # Errors
/// The database; `None` if there is no such decision.
pub async fn replay(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Replay>> {
    let Some((input, stored)) = store::find(conn, id).await? else { return Ok(None) };
    let now = serde_json::from_value::<Input>(input).ok().map(|input| evaluate(&input));
    Ok(Some(Replay {
        same: now.as_ref().and_then(|o| serde_json::to_value(o).ok()).as_ref() == Some(&stored),
        stored,
        now,
    }))
}

/// A decision beside what the rules say of its input today.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Whether they agree to the letter.
    pub same: bool,
    /// What was decided.
    pub stored: serde_json::Value,
    /// What would be decided now; `None` if the input can no longer be read.
    pub now: Option<Output>,
}
