//! Starting, cancelling, retrying, rolling back and resuming runs: what pages and requests may do
//! with a run. Each is one step of the caller's transaction.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::execute::Execute;
use super::state::{Purpose, RunState};
use super::store;
use crate::engine::jobs::{self, When};
use crate::kernel::fault::{Explain, Kind, WayOn};

/// A run to be started.
#[derive(Debug)]
pub struct NewRun {
    /// Its key: given by the caller, so that things can carry the run's address before it exists.
    pub id: Uuid,
    /// The request that it carries out.
    pub request_id: Option<Uuid>,
    /// `feature.verb`, in the registry.
    pub kind: &'static str,
    /// Why.
    pub purpose: Purpose,
    /// For people.
    pub title: String,
    /// `<feature>:<id>`: at most one active run for it.
    pub subject_ref: String,
    /// What it works on. Never a secret.
    pub input: Value,
    /// Sealed for `runs_run/<id>`.
    pub secrets: Option<Vec<u8>>,
    /// `user:<login>` or `system`.
    pub started_by: String,
    /// Who may see it; `None` is everybody who is signed in.
    pub visible_to: Option<Vec<String>>,
    /// Its steps, in order.
    pub steps: Vec<NewStep>,
}

/// A step to be done.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// Name within the run.
    pub key: String,
    /// For people.
    pub title: String,
    /// What is done, for the kind of run.
    pub action: String,
}

/// Why a run cannot be changed as asked.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No such run, or not for this reader.
    #[error("no run {0}")]
    NotFound(Uuid),
    /// Another run for the same thing is active.
    #[error("a run for {0} is active")]
    Busy(String),
    /// Its state does not allow it.
    #[error("the run is {} and cannot be {verb}", .state.as_str())]
    State {
        /// Where it is.
        state: RunState,
        /// What was asked.
        verb: &'static str,
    },
    /// Its secret answers are gone, so doing a step again would make something else.
    #[error("the secrets of the run are destroyed")]
    SecretsDestroyed,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Explain for RunError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::Busy(_) | Self::State { .. } | Self::SecretsDestroyed => Kind::Conflict,
            Self::Database(e) => crate::engine::db::database_kind(e),
        }
    }

    fn title(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NotFound(_) => "There is no such run".into(),
            Self::Busy(_) => "Something is running for this already".into(),
            Self::State { state, verb } => format!("This run is {} and cannot be {verb}", words(*state)).into(),
            Self::SecretsDestroyed => "This run cannot be retried any more".into(),
            Self::Database(_) => "The database is not answering".into(),
        }
    }

    fn detail(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NotFound(_) => "It may have been of another team, or the address is not complete.".into(),
            Self::Busy(_) => "Two runs never change the same thing at once. Wait for it, or cancel it.".into(),
            Self::State { .. } => {
                "Its page shows what it did and what can be done now. It may have moved on since you opened the page."
                    .into()
            }
            Self::SecretsDestroyed => {
                "Its secret answers were destroyed a day after it failed. Roll it back if it made anything, then ask for it again.".into()
            }
            Self::Database(_) => "Nothing was changed. Try again in a moment.".into(),
        }
    }

    fn ways_on(&self) -> Vec<WayOn> {
        vec![WayOn { label: "See all runs".into(), href: "/requests/runs".to_owned() }]
    }
}

/// A state in words for people.
pub fn words(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "waiting for a worker",
        RunState::Running => "running",
        RunState::Parked => "waiting",
        RunState::Cancelling => "being cancelled",
        RunState::RollingBack => "being rolled back",
        RunState::Succeeded => "finished",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
        RunState::RolledBack => "rolled back",
    }
}

/// Starts a run in the caller's transaction: no commit, no run; commit, surely a run.
///
/// # Errors
/// [`RunError::Busy`] if one is active for the same thing; the database.
pub async fn start(conn: &mut PgConnection, run: &NewRun) -> Result<(), RunError> {
    let inserted = store::insert(
        conn,
        &store::InsertRun {
            id: run.id,
            request_id: run.request_id,
            kind: run.kind,
            purpose: run.purpose,
            title: &run.title,
            subject_ref: &run.subject_ref,
            input: &run.input,
            secrets: run.secrets.as_deref(),
            started_by: &run.started_by,
            visible_to: run.visible_to.as_deref(),
        },
    )
    .await;
    if let Err(sqlx::Error::Database(e)) = &inserted
        && e.constraint() == Some("runs_run_one_active")
    {
        return Err(RunError::Busy(run.subject_ref.clone()));
    }
    inserted?;
    let column = |get: fn(&NewStep) -> &String| run.steps.iter().map(|s| get(s).clone()).collect::<Vec<_>>();
    store::insert_steps(conn, run.id, &column(|s| &s.key), &column(|s| &s.title), &column(|s| &s.action)).await?;
    enqueue(conn, run.id).await?;
    Ok(())
}

/// Asks to cancel a run. It stops between steps; what it made is then undone.
///
/// # Errors
/// It has ended already; the database.
pub async fn cancel(conn: &mut PgConnection, id: Uuid, by: &str) -> Result<(), RunError> {
    let run = store::lock(conn, id).await?.ok_or(RunError::NotFound(id))?;
    if run.state.is_final() {
        return Err(RunError::State { state: run.state, verb: "cancelled" });
    }
    store::request_cancel(conn, id, by).await?;
    // A running worker sees the request by itself; a run that nobody holds needs one to cancel it.
    if run.state != RunState::Running {
        enqueue(conn, id).await?;
    }
    store::tell(conn, id).await?;
    Ok(())
}

/// Retries a failed run from its failed step.
///
/// # Errors
/// It has not failed; its secrets are destroyed; another is active for the same thing; the database.
pub async fn retry(conn: &mut PgConnection, id: Uuid, by: &str) -> Result<(), RunError> {
    let run = store::lock(conn, id).await?.ok_or(RunError::NotFound(id))?;
    if run.state != RunState::Failed {
        return Err(RunError::State { state: run.state, verb: "retried" });
    }
    if run.secrets.as_deref().is_some_and(<[u8]>::is_empty) {
        return Err(RunError::SecretsDestroyed);
    }
    busy(store::prepare_retry(conn, id).await, &run.subject_ref)?;
    store::append_log(conn, id, None, "out", &format!("retry by {by}, going on at the failed step")).await?;
    enqueue(conn, id).await?;
    Ok(())
}

/// Rolls a failed or finished run back: everything it made is undone, in reverse.
///
/// # Errors
/// Its state does not allow it; another is active for the same thing; the database.
pub async fn roll_back(conn: &mut PgConnection, id: Uuid, by: &str) -> Result<(), RunError> {
    let run = store::lock(conn, id).await?.ok_or(RunError::NotFound(id))?;
    if !run.state.is_final() || !run.state.may_become(RunState::RollingBack) {
        return Err(RunError::State { state: run.state, verb: "rolled back" });
    }
    busy(store::set_state(conn, id, RunState::RollingBack).await, &run.subject_ref)?;
    store::append_log(conn, id, None, "out", &format!("roll back by {by}")).await?;
    enqueue(conn, id).await?;
    Ok(())
}

/// Resumes the runs that wait for a key, in the transaction that records the answer.
///
/// # Errors
/// The database.
pub async fn resume(conn: &mut PgConnection, key: &str) -> sqlx::Result<usize> {
    let waiting = store::parked_on(conn, key).await?;
    for id in &waiting {
        store::set_state(conn, *id, RunState::Queued).await?;
        enqueue(conn, *id).await?;
    }
    Ok(waiting.len())
}

/// Puts a run into the queue, once.
///
/// # Errors
/// The database.
pub async fn enqueue(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    jobs::enqueue(conn, &Execute { run: id }, When { key: Some(&format!("run:{id}")), at: None }).await?;
    store::tell(conn, id).await
}

fn busy(result: sqlx::Result<()>, subject: &str) -> Result<(), RunError> {
    match result {
        Err(sqlx::Error::Database(e)) if e.constraint() == Some("runs_run_one_active") => {
            Err(RunError::Busy(subject.to_owned()))
        }
        other => Ok(other?),
    }
}
