//! The loop that carries a run on: claim, the first step that is not done, again. It resumes wherever
//! an earlier worker stopped, and gives the run back whenever it has to wait.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::{StepContext, crash_point};
use super::kind::{Outcome, ParkOn, Registry, RunKind, StepFault};
use super::state::{RunState, StepState};
use super::store::{self, RunRow, StepRow};
use super::{manage, rollback};
use crate::engine::app::App;
use crate::engine::jobs::{self, Context, Job, JobError, Lane, When};

/// How often a step is tried before its run fails. With the pauses below that is a little over two minutes.
const MOST_TRIES: i32 = 7;
/// The first pause between tries; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause that an outside system may ask for. GitHub's primary limit resets within an hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_700);

/// The job that carries a run on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Execute {
    /// The run.
    pub run: Uuid,
}

#[async_trait]
impl Job for Execute {
    const NAME: &'static str = "runs.execute";
    const LANE: Lane = Lane::Runs;

    async fn run(self, context: &Context) -> Result<(), JobError> {
        execute(&context.app, &context.table::<Registry>()?, self.run).await
    }
}

/// Carries a run on until it ends, waits or is lost to another worker.
///
/// # Errors
/// The database; the queue then tries again.
pub async fn execute(app: &App, registry: &Arc<Registry>, id: Uuid) -> Result<(), JobError> {
    let worker = format!("{}:{}", rustix::system::uname().nodename().to_string_lossy(), std::process::id());
    let mut tx = app.db.begin().await?;
    let Some(run) = store::claim(&mut tx, id, &worker).await? else { return Ok(()) };
    store::tell(&mut tx, id).await?;
    tx.commit().await?;
    crash_point("after claim", "run");
    let span = tracing::info_span!("run", run.id = %run.id, run.kind = %run.kind);
    tracing::Instrument::instrument(carry_on(app, registry, run), span).await
}

async fn carry_on(app: &App, registry: &Arc<Registry>, run: RunRow) -> Result<(), JobError> {
    let Some(kind) = registry.run_kind(&run.kind) else {
        tracing::error!(run.kind = %run.kind, "no such kind of run");
        return finish(app, registry, &run, RunState::Failed, "This portal does not know this kind of run.").await;
    };
    loop {
        let mut conn = app.db.acquire().await?;
        let state = match store::run(&mut conn, run.id, None).await? {
            Some(now) if now.fence == run.fence => now,
            _ => return Ok(()),
        };
        let steps = store::steps(&mut conn, run.id).await?;
        drop(conn);
        match state.state {
            RunState::RollingBack => return undo(app, registry, &state, RunState::RolledBack).await,
            RunState::Cancelling => return undo(app, registry, &state, RunState::Cancelled).await,
            _ if state.cancel_requested_at.is_some() => return cancel(app, registry, kind, &state).await,
            _ => {}
        }
        let next =
            steps.iter().position(|s| matches!(s.state, StepState::Pending | StepState::Running | StepState::Failed));
        let Some(next) = next else {
            return finish(app, registry, &state, RunState::Succeeded, "Finished.").await;
        };
        // At shutdown the run is given back between steps; another worker, or the next start, goes on.
        if app.stop.is_cancelled() {
            let mut conn = app.db.acquire().await?;
            manage::enqueue(&mut conn, run.id).await?;
            return Ok(());
        }
        match one_step(app, registry, kind, &state, &steps[next], &steps[..next]).await? {
            Next::Go => {}
            Next::Stop => return Ok(()),
        }
    }
}

enum Next {
    Go,
    Stop,
}

async fn one_step(
    app: &App,
    registry: &Arc<Registry>,
    kind: &dyn RunKind,
    run: &RunRow,
    step: &StepRow,
    earlier: &[StepRow],
) -> Result<Next, JobError> {
    let context = StepContext::new(app.clone(), registry.clone(), run.clone(), step, earlier);
    let Ok(mut tx) = held(&context).await? else { return Ok(Next::Stop) };
    store::begin_step(&mut tx, run.id, step.position).await?;
    store::tell(&mut tx, run.id).await?;
    tx.commit().await?;
    crash_point("after begin", &step.key);
    let started = std::time::Instant::now();
    let result = kind.step(&context, step).await;
    metrics::histogram!("slipway_step_duration_seconds", "action" => step.action.clone(), "outcome" => outcome_word(&result)).record(started.elapsed());
    crash_point("after step", &step.key);
    match result {
        Ok(Outcome::Done { output, detail }) => {
            end_step(&context, step, StepState::Done, Some(&output), &detail, None).await
        }
        Ok(Outcome::Skipped(why)) => end_step(&context, step, StepState::Skipped, None, &why, None).await,
        Ok(Outcome::Park(on)) => park(&context, step, &on).await,
        Err(StepFault::Later(why, pause)) => later(&context, step, &why, pause).await,
        Err(StepFault::Failed(why)) => fail(&context, step, &why).await,
        // The loop sees the request and undoes.
        Err(StepFault::Cancelled) => Ok(Next::Go),
        Err(StepFault::Lost) => Ok(Next::Stop),
        Err(StepFault::Database(e)) => Err(JobError::Other(format!("the database: {e}"))),
    }
}

fn outcome_word(result: &Result<Outcome, StepFault>) -> &'static str {
    match result {
        Ok(Outcome::Done { .. }) => "done",
        Ok(Outcome::Skipped(_)) => "skipped",
        Ok(Outcome::Park(_)) => "parked",
        Err(StepFault::Failed(_)) => "failed",
        Err(_) => "interrupted",
    }
}

type Held = sqlx::Transaction<'static, sqlx::Postgres>;

/// The held transaction, or that the run is lost.
async fn held(context: &StepContext) -> Result<Result<Held, ()>, JobError> {
    match context.held().await {
        Ok(tx) => Ok(Ok(tx)),
        Err(StepFault::Database(e)) => Err(JobError::Other(format!("the database: {e}"))),
        Err(_) => Ok(Err(())),
    }
}

async fn end_step(
    context: &StepContext,
    step: &StepRow,
    state: StepState,
    output: Option<&Value>,
    detail: &str,
    error: Option<&str>,
) -> Result<Next, JobError> {
    let Ok(mut tx) = held(context).await? else { return Ok(Next::Stop) };
    let detail = Some(detail).filter(|d| !d.is_empty());
    store::end_step(&mut tx, context.run.id, step.position, state, output, detail, error).await?;
    store::tell(&mut tx, context.run.id).await?;
    tx.commit().await?;
    crash_point("after end", &step.key);
    Ok(Next::Go)
}

/// The run waits and holds nothing.
async fn park(context: &StepContext, step: &StepRow, on: &ParkOn) -> Result<Next, JobError> {
    let Ok(mut tx) = held(context).await? else { return Ok(Next::Stop) };
    let (value, resume_at) = match on {
        ParkOn::Decision(key) => (json!({ "on": "decision", "key": key }), None),
        ParkOn::Time(at) => (json!({ "on": "time", "until": at }), Some(*at)),
        ParkOn::Event { key, until } => (json!({ "on": "event", "key": key, "until": until }), Some(*until)),
    };
    store::put_back_step(&mut tx, context.run.id, step.position, None).await?;
    store::park(&mut tx, context.run.id, &value, resume_at).await?;
    if let Some(at) = resume_at {
        wake_at(&mut tx, context.run.id, at).await?;
    }
    store::tell(&mut tx, context.run.id).await?;
    tx.commit().await?;
    crash_point("after park", &step.key);
    Ok(Next::Stop)
}

/// The step is tried again after a pause, or fails if it was tried often enough.
async fn later(context: &StepContext, step: &StepRow, why: &str, pause: Option<Duration>) -> Result<Next, JobError> {
    let tries = step.attempt + 1;
    if tries >= MOST_TRIES {
        return fail(context, step, &format!("{why}. It was tried {tries} times; retry when it is over.")).await;
    }
    let doubled = FIRST_PAUSE * 2_u32.pow(u32::try_from(tries - 1).unwrap_or(0));
    let pause = pause.unwrap_or(doubled).clamp(Duration::from_secs(1), LONGEST_PAUSE);
    let Ok(mut tx) = held(context).await? else { return Ok(Next::Stop) };
    let at = store::in_seconds(&mut tx, pause.as_secs_f64()).await?;
    let line = format!("{why}; try {tries} of {MOST_TRIES}, again in {} s", pause.as_secs());
    store::append_log(&mut tx, context.run.id, Some(&step.key), "err", &line).await?;
    store::put_back_step(
        &mut tx,
        context.run.id,
        step.position,
        Some(&format!("{why}. Tried {tries} of {MOST_TRIES} times.")),
    )
    .await?;
    store::park(&mut tx, context.run.id, &json!({ "on": "time", "until": at, "why": why }), Some(at)).await?;
    wake_at(&mut tx, context.run.id, at).await?;
    store::tell(&mut tx, context.run.id).await?;
    tx.commit().await?;
    Ok(Next::Stop)
}

async fn wake_at(conn: &mut sqlx::PgConnection, run: Uuid, at: chrono::DateTime<chrono::Utc>) -> sqlx::Result<()> {
    // A key of its own: the job that is just now carrying the run on holds the usual one.
    let key = format!("wake:{run}");
    jobs::enqueue(conn, &Execute { run }, When { key: Some(&key), at: Some(at) }).await
}

async fn fail(context: &StepContext, step: &StepRow, why: &str) -> Result<Next, JobError> {
    let Ok(mut tx) = held(context).await? else { return Ok(Next::Stop) };
    store::append_log(&mut tx, context.run.id, Some(&step.key), "err", why).await?;
    store::end_step(&mut tx, context.run.id, step.position, StepState::Failed, None, None, Some(why)).await?;
    tx.commit().await?;
    crash_point("after fail", &step.key);
    finish(&context.app, &context.registry, &context.run, RunState::Failed, why).await?;
    Ok(Next::Stop)
}

/// Ends a run: its state, whoever wants to know, and what must not outlive it, in one transaction.
async fn finish(app: &App, registry: &Registry, run: &RunRow, state: RunState, outcome: &str) -> Result<(), JobError> {
    let mut tx = app.db.begin().await?;
    if !store::hold(&mut tx, run.id, run.fence).await? {
        return Ok(());
    }
    store::end(&mut tx, run.id, state, outcome).await?;
    // A failed run keeps its secrets for a retry; the sweep destroys them after a day.
    if state != RunState::Failed {
        store::destroy_secrets(&mut tx, run.id).await?;
    }
    for observer in registry.observers() {
        observer.ended(&mut tx, run, state, outcome).await?;
    }
    store::tell(&mut tx, run.id).await?;
    tx.commit().await?;
    metrics::counter!("slipway_runs_total", "kind" => run.kind.clone(), "state" => state.as_str()).increment(1);
    tracing::info!(run.id = %run.id, run.kind = %run.kind, run.state = state.as_str(), "run ended");
    crash_point("after finish", "run");
    Ok(())
}

async fn cancel(app: &App, registry: &Arc<Registry>, kind: &dyn RunKind, run: &RunRow) -> Result<(), JobError> {
    let mut tx = app.db.begin().await?;
    if !store::hold(&mut tx, run.id, run.fence).await? {
        return Ok(());
    }
    store::set_state(&mut tx, run.id, RunState::Cancelling).await?;
    store::tell(&mut tx, run.id).await?;
    tx.commit().await?;
    crash_point("after cancelling", "run");
    if kind.undo_on_cancel() {
        return undo(app, registry, run, RunState::Cancelled).await;
    }
    finish(app, registry, run, RunState::Cancelled, "Cancelled; what it had made stands.").await
}

async fn undo(app: &App, registry: &Arc<Registry>, run: &RunRow, end: RunState) -> Result<(), JobError> {
    let Some(left) = rollback::undo_all(app, registry, run).await? else { return Ok(()) };
    let word = if end == RunState::Cancelled { "Cancelled" } else { "Rolled back" };
    let outcome = match left {
        0 => format!("{word}; nothing is left."),
        1 => format!("{word}; one thing is left, listed by name."),
        n => format!("{word}; {n} things are left, listed by name."),
    };
    finish(app, registry, run, end, &outcome).await
}
