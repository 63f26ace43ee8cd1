//! What happens to requests later: the start of an approved one, the decision after a planning run,
//! expiry, and following the run to its end.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::RequestError;
use super::kind::Kinds;
use super::store::{self, RequestState};
use super::submit;
use crate::engine::audit::{self, Entry};
use crate::engine::jobs::{self, Context, Job, JobError, When};
use crate::engine::policy::Verdict;
use crate::engine::runs::store::RunRow;
use crate::engine::runs::{Purpose, RunObserver, RunState};
use crate::kernel::canonical;
use crate::kernel::fault::Explain;

/// Starts the run of an approved request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    /// Which.
    pub request: Uuid,
}

#[async_trait]
impl Job for Start {
    const NAME: &'static str = "requests.start";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        let mut tx = context.app.db.begin().await?;
        let Some(request) = store::lock(&mut tx, self.request).await? else { return Ok(()) };
        if request.state != RequestState::Approved {
            return Ok(());
        }
        let started = match context.table::<Kinds>()?.get(&request.kind) {
            Ok(kind) => kind.start(&context.app, &mut tx, &request).await,
            Err(e) => Err(e),
        };
        match started {
            Ok(()) => {
                submit::running(&mut tx, self.request).await.map_err(|e| JobError::Other(e.to_string()))?;
                tx.commit().await?;
                Ok(())
            }
            Err(RequestError::Database(e)) => Err(e.into()),
            Err(e) => {
                // The words of the failure, not of a database that rolled back: a transaction of its own.
                tx.rollback().await?;
                let mut conn = context.app.db.acquire().await?;
                store::set_state(
                    &mut conn,
                    self.request,
                    RequestState::Failed,
                    Some(&format!("{}. {}", e.title(), e.detail())),
                )
                .await?;
                Ok(())
            }
        }
    }
}

/// Asks policy once a planning run has made the plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decide {
    /// Which.
    pub request: Uuid,
}

#[async_trait]
impl Job for Decide {
    const NAME: &'static str = "requests.decide";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        let mut tx = context.app.db.begin().await?;
        let Some(request) = store::lock(&mut tx, self.request).await? else { return Ok(()) };
        if request.state != RequestState::Submitted {
            return Ok(());
        }
        let kinds = context.table::<Kinds>()?;
        let kind = kinds.get(&request.kind).map_err(|e| JobError::Other(e.to_string()))?;
        let input = kind
            .policy_input(&request, context.app.clock.now())
            .ok_or_else(|| JobError::Other(format!("{} tells policy nothing", request.kind)))?;
        let decision =
            submit::decide(&mut tx, self.request, &input).await.map_err(|e| JobError::Other(e.to_string()))?;
        if decision.output.decision == Verdict::Allow {
            jobs::enqueue(
                &mut tx,
                &Start { request: self.request },
                When { key: Some(&format!("start:{}", self.request)), at: None },
            )
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Ends requests that nobody answered in time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Expire {}

#[async_trait]
impl Job for Expire {
    const NAME: &'static str = "requests.expire";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        let mut tx = context.app.db.begin().await?;
        for id in store::expire(&mut tx).await? {
            audit::record(&mut tx, &Entry::by_system("requests.expired", format!("request:{id}")).request(Some(id)))
                .await?;
            crate::engine::runs::resume(&mut tx, &format!("request:{id}")).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Follows runs to their end.
#[derive(Debug)]
pub struct FollowRuns;

#[async_trait]
impl RunObserver for FollowRuns {
    async fn ended(&self, conn: &mut PgConnection, run: &RunRow, state: RunState, outcome: &str) -> sqlx::Result<()> {
        let Some(request) = run.request_id else { return Ok(()) };
        if run.purpose == Purpose::Plan {
            return planned(conn, run, request, state, outcome).await;
        }
        let next = match state {
            RunState::Succeeded => RequestState::Fulfilled,
            RunState::Failed => RequestState::Failed,
            _ => RequestState::Cancelled,
        };
        store::set_state(conn, request, next, Some(outcome)).await?;
        let entry = Entry::by_system("requests.ended", format!("request:{request}"))
            .request(Some(request))
            .detail(serde_json::json!({ "run": run.id, "state": state.as_str(), "outcome": outcome }));
        audit::record(conn, &entry).await
    }
}

/// The plan is the output of the planning run's last step, under `plan`.
async fn planned(
    conn: &mut PgConnection,
    run: &RunRow,
    request: Uuid,
    state: RunState,
    outcome: &str,
) -> sqlx::Result<()> {
    if state != RunState::Succeeded {
        store::set_state(conn, request, RequestState::Failed, Some(outcome)).await?;
        return Ok(());
    }
    let steps = crate::engine::runs::store::steps(conn, run.id).await?;
    let plan = steps.last().and_then(|s| s.output.as_ref()).and_then(|o| o.get("plan")).cloned().unwrap_or(Value::Null);
    store::set_plan(conn, request, &plan, &canonical::hash(&plan)).await?;
    jobs::enqueue(conn, &Decide { request }, When { key: Some(&format!("decide:{request}")), at: None }).await
}

/// A request's run is tried again: the request runs again too.
///
/// # Errors
/// The database.
pub async fn retried(conn: &mut PgConnection, request: Uuid) -> sqlx::Result<bool> {
    store::set_state(conn, request, RequestState::Running, None).await
}
