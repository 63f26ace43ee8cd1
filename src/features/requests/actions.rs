//! What people do with requests and runs, one transaction each: the right to do it is checked here,
//! for pages and API alike.

use sqlx::PgPool;
use uuid::Uuid;

use crate::engine::access::{Resource, Subject, can};
use crate::engine::audit::{self, Entry};
use crate::engine::requests::answer::{self, Answer};
use crate::engine::requests::{self, RequestError, RequestRow, RequestState};
use crate::engine::runs;
use crate::engine::runs::manage::RunError;
use crate::engine::runs::store::RunRow;

/// Answers a request.
///
/// # Errors
/// See [`RequestError`].
pub async fn answer(
    db: &PgPool,
    subject: &Subject,
    id: Uuid,
    verdict: Answer,
    reason: Option<&str>,
) -> Result<RequestState, RequestError> {
    let mut tx = db.begin().await?;
    let state = answer::answer(&mut tx, subject, id, verdict, reason).await?;
    tx.commit().await?;
    Ok(state)
}

/// Takes a request back.
///
/// # Errors
/// See [`RequestError`].
pub async fn withdraw(db: &PgPool, subject: &Subject, id: Uuid) -> Result<(), RequestError> {
    let mut tx = db.begin().await?;
    answer::withdraw(&mut tx, subject, id).await?;
    tx.commit().await?;
    Ok(())
}

/// What somebody may do to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Stop it and undo what it made.
    Cancel,
    /// Go on at the failed step.
    Retry,
    /// Undo everything it made.
    RollBack,
}

impl Verb {
    fn scope(self) -> &'static str {
        match self {
            Self::Cancel => "runs.cancel",
            Self::Retry => "runs.retry",
            Self::RollBack => "runs.undo",
        }
    }

    fn audited(self) -> &'static str {
        match self {
            Self::Cancel => "runs.cancelled",
            Self::Retry => "runs.retried",
            Self::RollBack => "runs.rolled_back",
        }
    }
}

/// Does something to a run.
///
/// # Errors
/// The run is not there for the subject, its state does not allow it, or the subject may not.
pub async fn change_run(db: &PgPool, subject: &Subject, id: Uuid, verb: Verb) -> Result<(), RequestError> {
    let mut tx = db.begin().await?;
    let run = runs::store::run(&mut tx, id, Some(&subject.claims())).await?.ok_or(RunError::NotFound(id))?;
    let request = request_of(&mut tx, &run).await?;
    can(subject, verb.scope(), &owner(&run, request.as_ref(), subject))?;
    let who = subject.who();
    match verb {
        Verb::Cancel => runs::cancel(&mut tx, id, &who).await?,
        Verb::Retry => {
            runs::retry(&mut tx, id, &who).await?;
            if let Some(request) = run.request_id {
                requests::jobs::retried(&mut tx, request).await?;
            }
        }
        Verb::RollBack => runs::roll_back(&mut tx, id, &who).await?,
    }
    let entry = Entry::by(subject, verb.audited(), format!("run:{id}")).request(run.request_id);
    audit::record(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a subject may do something to a run, for showing or hiding its button.
pub fn may(subject: &Subject, run: &RunRow, request: Option<&RequestRow>, verb: Verb) -> bool {
    can(subject, verb.scope(), &owner(run, request, subject)).is_ok()
}

async fn request_of(conn: &mut sqlx::PgConnection, run: &RunRow) -> sqlx::Result<Option<RequestRow>> {
    match run.request_id {
        Some(id) => requests::store::find(conn, id, None).await,
        None => Ok(None),
    }
}

fn owner<'a>(run: &RunRow, request: Option<&'a RequestRow>, subject: &Subject) -> Resource<'a> {
    let asked =
        request.and_then(|r| r.user_id).or_else(|| (run.started_by == subject.who()).then_some(subject.user_id));
    Resource::of(asked, request.and_then(|r| r.team.as_deref()))
}
