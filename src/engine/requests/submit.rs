//! Asking: the request and what policy says of it, in one transaction.

use bigdecimal::BigDecimal;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::RequestError;
use super::store::{self, RequestState};
use crate::engine::access::Subject;
use crate::engine::audit::{self, Entry};
use crate::engine::policy::{self, Decision, Verdict};

/// How long those who must agree have for an answer, in hours: three days, so that a weekend fits in.
const ANSWER_HOURS: i32 = 72;

/// A request to be made.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// `feature.verb`.
    pub kind: &'static str,
    /// For people.
    pub title: String,
    /// `user:<login>`.
    pub subject: String,
    /// For whom, if a token or an agent asks.
    pub on_behalf_of: Option<String>,
    /// Whose.
    pub user_id: Option<Uuid>,
    /// The team that it is for.
    pub team: Option<String>,
    /// What it concerns in the catalog.
    pub resource: Option<String>,
    /// What exactly. Never a secret.
    pub params: Value,
    /// Sealed for `requests_request/<id>`.
    pub secrets: Option<Vec<u8>>,
    /// Why.
    pub reason: Option<String>,
    /// What would happen; `None` if a run is to find out.
    pub plan: Option<Value>,
    /// Canonical hash of the plan.
    pub plan_hash: Option<String>,
    /// A month, with its currency.
    pub estimate: Option<(BigDecimal, String)>,
}

/// What became of a request.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// Its key.
    pub id: Uuid,
    /// What policy said; `None` while its plan is being made.
    pub decision: Option<Decision>,
}

/// Makes a request with a known key. With an input for policy it is decided at once: allowed means
/// that the caller starts its run in the same transaction and then calls [`running`]. Without, the
/// caller starts a planning run, and the decision follows it.
///
/// # Errors
/// The database.
pub async fn submit(
    conn: &mut PgConnection,
    id: Uuid,
    subject: &Subject,
    new: &NewRequest,
    input: Option<&policy::Input>,
) -> Result<Submitted, RequestError> {
    let mut visible_to = vec![new.subject.clone(), "admin".to_owned()];
    visible_to.extend(new.team.iter().map(|t| format!("group:{t}")));
    store::insert(conn, id, new, &visible_to).await?;
    let entry = Entry::by(subject, "requests.submitted", format!("request:{id}"))
        .request(Some(id))
        .detail(serde_json::json!({ "kind": new.kind, "title": new.title, "plan_hash": new.plan_hash }));
    audit::record(conn, &entry).await?;
    let decision = match input {
        Some(input) => Some(decide(conn, id, input).await?),
        None => None,
    };
    Ok(Submitted { id, decision })
}

/// Asks policy about a request whose plan is known, and moves the request on by the answer.
///
/// # Errors
/// The database.
pub async fn decide(conn: &mut PgConnection, id: Uuid, input: &policy::Input) -> Result<Decision, RequestError> {
    store::set_state(conn, id, RequestState::Planned, None).await?;
    let decision = policy::decide(conn, input, false).await?;
    let (state, hours) = match decision.output.decision {
        Verdict::Allow => (RequestState::Approved, None),
        Verdict::Require => (RequestState::AwaitingApproval, Some(ANSWER_HOURS)),
        Verdict::Deny => (RequestState::Denied, None),
    };
    store::set_decision(conn, id, decision.id, hours).await?;
    let why = decision.output.reasons.iter().find(|r| r.decision == decision.output.decision).map(|r| r.text.clone());
    let outcome = if state == RequestState::Denied { why.as_deref() } else { None };
    store::set_state(conn, id, state, outcome).await?;
    let groups: Vec<String> =
        decision.output.obligations.approvals.iter().flat_map(|a| &a.any_of).map(|g| format!("group:{g}")).collect();
    store::show_to(conn, id, &groups).await?;
    let entry = Entry::by_system("requests.decided", format!("request:{id}"))
        .request(Some(id))
        .decision(Some(decision.id))
        .detail(serde_json::json!({ "verdict": decision.output.decision.as_str(), "rules": decision.output.rule_ids }));
    audit::record(conn, &entry).await?;
    Ok(decision)
}

/// Notes that the run of an approved request has been started, in the starting transaction.
///
/// # Errors
/// The request was not approved.
pub async fn running(conn: &mut PgConnection, id: Uuid) -> Result<(), RequestError> {
    if store::set_state(conn, id, RequestState::Running, None).await? {
        return Ok(());
    }
    let state = store::find(conn, id, None).await?.ok_or(RequestError::NotFound(id))?.state;
    Err(RequestError::State(state))
}
