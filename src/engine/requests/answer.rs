//! Answering: approve, deny, withdraw. Whoever asks never decides.

use sqlx::PgConnection;
use uuid::Uuid;

use super::error::RequestError;
use super::jobs::Start;
use super::store::{self, RequestRow, RequestState};
use crate::engine::access::{Resource, Subject, can};
use crate::engine::audit::{self, Entry};
use crate::engine::jobs::{self, When};
use crate::engine::policy::{Approvals, Output};
use crate::engine::runs;

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Approve,
    /// No, with a reason.
    Deny,
}

/// Who must still agree to a request.
pub fn missing(request: &RequestRow, answers: &[store::AnswerRow]) -> Vec<Approvals> {
    let Some(output) = output(request) else { return Vec::new() };
    output
        .obligations
        .approvals
        .into_iter()
        .filter(|wanted| {
            let mut people: Vec<&str> = answers
                .iter()
                .filter(|a| {
                    a.verdict == "approve" && a.plan_hash == request.plan_hash && wanted.any_of.contains(&a.group_slug)
                })
                .map(|a| a.approver.as_str())
                .collect();
            people.sort_unstable();
            people.dedup();
            people.len() < wanted.count as usize
        })
        .collect()
}

/// Whether a subject can answer a request, and for which groups.
///
/// # Errors
/// Why not.
pub fn may_answer(request: &RequestRow, subject: &Subject) -> Result<Vec<String>, RequestError> {
    if request.state != RequestState::AwaitingApproval {
        return Err(RequestError::State(request.state));
    }
    let who = subject.who();
    if request.user_id == Some(subject.user_id)
        || request.subject == who
        || request.on_behalf_of.as_deref() == Some(who.as_str())
    {
        return Err(RequestError::OwnRequest);
    }
    let asked: Vec<String> = output(request)
        .map(|o| o.obligations.approvals.into_iter().flat_map(|a| a.any_of).collect())
        .unwrap_or_default();
    let mine: Vec<String> = asked.iter().filter(|g| subject.is_in(g)).cloned().collect();
    if mine.is_empty() { Err(RequestError::NotAsked(asked)) } else { Ok(mine) }
}

/// Answers a request. The approval that completes it puts its run on the way in the same transaction.
///
/// # Errors
/// See [`RequestError`].
pub async fn answer(
    conn: &mut PgConnection,
    subject: &Subject,
    id: Uuid,
    answer: Answer,
    reason: Option<&str>,
) -> Result<RequestState, RequestError> {
    can(subject, "requests.decide", &Resource::NONE)?;
    if store::find(conn, id, Some(&subject.claims())).await?.is_none() {
        return Err(RequestError::NotFound(id));
    }
    let request = store::lock(conn, id).await?.ok_or(RequestError::NotFound(id))?;
    let groups = may_answer(&request, subject)?;
    let reason = reason.map(str::trim).filter(|r| !r.is_empty());
    if answer == Answer::Deny && reason.is_none() {
        return Err(RequestError::ReasonNeeded);
    }
    let (verdict, verb) = match answer {
        Answer::Approve => ("approve", "requests.approved"),
        Answer::Deny => ("deny", "requests.denied"),
    };
    let who = subject.who();
    for group in &groups {
        store::answer(conn, &request, group, (&who, subject.user_id), verdict, reason).await?;
    }
    let entry = Entry::by(subject, verb, format!("request:{id}"))
        .request(Some(id))
        .decision(request.decision_id)
        .detail(serde_json::json!({ "groups": groups, "reason": reason, "plan_hash": request.plan_hash }));
    audit::record(conn, &entry).await?;
    let state = match answer {
        Answer::Deny => RequestState::Denied,
        Answer::Approve if missing(&request, &store::answers(conn, id).await?).is_empty() => RequestState::Approved,
        Answer::Approve => return Ok(RequestState::AwaitingApproval),
    };
    let outcome =
        (state == RequestState::Denied).then(|| format!("{} said no: {}", subject.name, reason.unwrap_or_default()));
    store::set_state(conn, id, state, outcome.as_deref()).await?;
    if state == RequestState::Approved {
        jobs::enqueue(conn, &Start { request: id }, When { key: Some(&format!("start:{id}")), at: None }).await?;
    }
    // A run may be parked on this very decision.
    runs::resume(conn, &format!("request:{id}")).await?;
    Ok(state)
}

/// Takes a request back.
///
/// # Errors
/// It is not the subject's, or has gone too far.
pub async fn withdraw(conn: &mut PgConnection, subject: &Subject, id: Uuid) -> Result<(), RequestError> {
    let request = store::lock(conn, id).await?.ok_or(RequestError::NotFound(id))?;
    can(subject, "requests.withdraw", &Resource::of(request.user_id, None))?;
    if !store::set_state(conn, id, RequestState::Withdrawn, Some("Withdrawn.")).await? {
        return Err(RequestError::State(request.state));
    }
    audit::record(conn, &Entry::by(subject, "requests.withdrawn", format!("request:{id}")).request(Some(id))).await?;
    runs::resume(conn, &format!("request:{id}")).await?;
    Ok(())
}

/// What policy answered, readable.
pub fn output(request: &RequestRow) -> Option<Output> {
    serde_json::from_value(request.decision.clone()?).ok()
}
