//! The workers: two lanes over one queue, with a heartbeat, so that the work of a dead one comes back.

use std::sync::Arc;
use std::time::Duration;

use graphile_worker::{
    IntoTaskHandlerResult, TaskHandler, Worker, WorkerContext, WorkerOptions, WorkerRecoveryConfig, WorkerUtils,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{Context, Job, Lane, SCHEMA};

/// How often a worker says that it lives. The queue's own default of minutes would leave a run of a
/// killed process waiting too long; the fence makes short times safe.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often the living look for the dead.
const SWEEP: Duration = Duration::from_secs(5);
/// After how long without a word a worker is dead: fifteen seconds and one sweep are the twenty within
/// which a run of a killed process goes on.
const DEAD_AFTER: Duration = Duration::from_secs(12);
/// How long running jobs may go on at shutdown before they are given back.
const GRACE: Duration = Duration::from_secs(10);
/// Runs at once in one process. They mostly wait for outside systems.
const RUNS_AT_ONCE: usize = 4;
/// Chores at once in one process.
const CHORES_AT_ONCE: usize = 2;

/// A job as the queue knows it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Task<J>(J);

impl<J: Job> TaskHandler for Task<J> {
    const IDENTIFIER: &'static str = J::NAME;

    async fn run(self, ctx: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(context) = ctx.get_ext::<Context>() else {
            return Err(Displayed("the worker has no context".to_owned()));
        };
        let started = std::time::Instant::now();
        let span = tracing::info_span!("job", job.kind = J::NAME, job.attempt = ctx.job().attempts());
        let result = tracing::Instrument::instrument(self.0.run(context), span).await;
        let outcome = if result.is_ok() { "done" } else { "failed" };
        metrics::histogram!("slipway_job_duration_seconds", "kind" => J::NAME, "outcome" => outcome)
            .record(started.elapsed());
        result.map_err(|e| {
            tracing::error!(job.kind = J::NAME, error = %e, "job failed; it will be tried again");
            Displayed(e.to_string())
        })
    }
}

/// The queue stores errors in their debug form; this one's is its text.
struct Displayed(String);

impl std::fmt::Debug for Displayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Builds the workers of a process; the table of jobs at the top fills it.
#[must_use]
pub struct Builder {
    context: Context,
    lanes: [(Lane, WorkerOptions); 2],
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Builder {
    /// Over a pool. `free_locks` is for the private Postgres, where every other process is surely dead.
    pub fn new(context: Context, pool: &PgPool) -> Self {
        let lane = |lane: Lane, at_once: usize| {
            let stop = context.app.stop.clone();
            let options = WorkerOptions::default()
                .pg_pool(pool.clone())
                .schema(SCHEMA)
                .concurrency(at_once)
                .poll_interval(Duration::from_secs(1))
                .add_extension(context.clone())
                .listen_os_shutdown_signals(false)
                .shutdown_signal(async move { stop.cancelled().await })
                .shutdown_grace_period(GRACE)
                .shutdown_interrupted_job_retry_delay(Duration::ZERO)
                .worker_recovery(
                    WorkerRecoveryConfig::default()
                        .enabled(true)
                        .heartbeat_interval(HEARTBEAT)
                        .sweep_interval(SWEEP)
                        .sweep_threshold(DEAD_AFTER)
                        .recovery_delay(Duration::ZERO),
                );
            (lane, options)
        };
        let lanes = [lane(Lane::Runs, RUNS_AT_ONCE), lane(Lane::Chores, CHORES_AT_ONCE)];
        Self { context, lanes }
    }

    /// Adds a job to the table.
    pub fn job<J: Job>(mut self) -> Self {
        self.lanes = self.lanes.map(|(lane, options)| {
            let options = if lane == J::LANE { options.define_job::<Task<J>>() } else { options };
            (lane, options)
        });
        self
    }

    /// Adds a schedule: the job is enqueued every so many minutes, once for all replicas.
    ///
    /// # Errors
    /// A number of minutes that cron cannot say.
    pub fn every_minutes<J: Job + Clone>(mut self, minutes: u32, job: &J) -> Result<Self, String> {
        let cron = graphile_worker::Cron::every_n_minutes::<Task<J>>(minutes)
            .map_err(|e| e.to_string())?
            .id(J::NAME)
            .job_key(J::NAME)
            .payload(Task(job.clone()))
            .map_err(|e| e.to_string())?;
        let mut cron = Some(cron);
        self.lanes = self.lanes.map(|(lane, options)| match cron.take_if(|_| lane == J::LANE) {
            Some(cron) => (lane, options.with_cron(cron)),
            None => (lane, options),
        });
        Ok(self)
    }

    /// Makes the workers, ready to run.
    ///
    /// # Errors
    /// The queue's schema cannot be brought up to date.
    pub async fn build(self) -> Result<Workers, String> {
        let mut workers = Vec::new();
        let flags = [Lane::Runs, Lane::Chores];
        for (lane, mut options) in self.lanes {
            for other in flags.iter().filter(|l| **l != lane) {
                options = options.add_forbidden_flag(other.flag());
            }
            workers.push(Arc::new(options.init().await.map_err(|e| e.to_string())?));
        }
        Ok(Workers { workers, context: self.context })
    }
}

/// The workers of a process.
pub struct Workers {
    workers: Vec<Arc<Worker>>,
    context: Context,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Workers")
    }
}

impl Workers {
    /// Works until the portal stops. A worker that ends by an error is started again: a dropped
    /// connection must not end all work for good.
    pub async fn run(self) {
        let stop = self.context.app.stop.clone();
        let all = self.workers.into_iter().map(|worker| {
            let stop = stop.clone();
            async move {
                while !stop.is_cancelled() {
                    if let Err(e) = worker.run().await {
                        tracing::error!(error = %e, "a worker ended; starting it again");
                    }
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    }
                }
            }
        });
        futures::future::join_all(all).await;
    }

    /// Does what is ready, in this task, until nothing is: for tests and for the command line.
    ///
    /// # Errors
    /// The queue.
    pub async fn run_until_idle(&self) -> Result<(), String> {
        for worker in &self.workers {
            worker.run_once().await.map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

/// Brings the queue's own schema up to date.
///
/// # Errors
/// The database.
pub async fn migrate(pool: &PgPool) -> Result<(), String> {
    WorkerUtils::new(pool.clone(), SCHEMA).migrate().await.map_err(|e| e.to_string())
}

/// Frees the locks of all workers. Only for the private Postgres at its start, when no other process
/// can be working: what a killed portal had taken goes on at once.
///
/// # Errors
/// The database.
pub async fn free_locks(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query("update jobs._private_jobs set locked_by = null, locked_at = null where locked_by is not null")
        .execute(pool)
        .await?;
    sqlx::query("update jobs._private_job_queues set locked_by = null, locked_at = null where locked_by is not null")
        .execute(pool)
        .await?;
    Ok(())
}
