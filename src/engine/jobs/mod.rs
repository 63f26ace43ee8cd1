//! Work for later: a thin face over graphile_worker, the queue in Postgres. A job is enqueued in the
//! caller's transaction: no commit, no job; commit, surely a job. Payloads are ids, never things.
//!
//! Two lanes: long runs must not stop mail and sweeps. The queue keeps to its own schema, which the
//! checked macros cannot see; its few statements are therefore unchecked and stand only here.

pub mod worker;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::engine::app::App;

/// Schema of the queue.
pub const SCHEMA: &str = "jobs";
/// After so many failed attempts a job is buried: it stays in the table for people to see.
const MOST_ATTEMPTS: i32 = 25;

/// Which workers take a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Long work: runs.
    Runs,
    /// Short work: reading sources, sweeps, mail.
    Chores,
}

impl Lane {
    /// The flag that a job of this lane carries.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Runs => "lane:runs",
            Self::Chores => "lane:chores",
        }
    }
}

/// Something to do later. The payload is the type itself.
#[async_trait]
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `feature.verb`.
    const NAME: &'static str;
    /// Which workers take it.
    const LANE: Lane = Lane::Chores;

    /// Does it. An error is a failed attempt, tried again later with growing pauses.
    ///
    /// # Errors
    /// Whatever went wrong, for the log.
    async fn run(self, context: &Context) -> Result<(), JobError>;
}

/// What a job works with: the handles, and tables made at the top that the queue need not know.
#[derive(Clone)]
pub struct Context {
    /// The handles.
    pub app: App,
    tables: Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

impl Context {
    /// With the handles and no table.
    pub fn new(app: App) -> Self {
        Self { app, tables: Arc::default() }
    }

    /// Adds a table, found again by its type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, table: T) -> Self {
        let mut tables = HashMap::clone(&self.tables);
        tables.insert(TypeId::of::<T>(), Arc::new(table));
        self.tables = Arc::new(tables);
        self
    }

    /// The table of a type.
    ///
    /// # Errors
    /// The worker was built without it.
    pub fn table<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, JobError> {
        let table = self.tables.get(&TypeId::of::<T>()).cloned();
        table
            .and_then(|t| t.downcast().ok())
            .ok_or_else(|| JobError::Other(format!("this worker was built without {}", std::any::type_name::<T>())))
    }
}

/// A failed attempt. Its text goes to the queue's table and to the log, so it holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The database.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Anything else, explained.
    #[error("{0}")]
    Other(String),
}

/// When and under which key a job is done.
#[derive(Debug, Clone, Default)]
pub struct When<'a> {
    /// A job that waits under the same key is replaced, so that it is done once.
    pub key: Option<&'a str>,
    /// Not before.
    pub at: Option<DateTime<Utc>>,
}

/// Enqueues a job in the caller's transaction.
///
/// # Errors
/// The database.
pub async fn enqueue<J: Job>(conn: &mut PgConnection, job: &J, when: When<'_>) -> sqlx::Result<()> {
    let payload = serde_json::to_value(job).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query("select jobs.add_job($1, $2::json, run_at => $3, max_attempts => $4, job_key => $5, flags => $6)")
        .bind(J::NAME)
        .bind(payload)
        .bind(when.at)
        .bind(MOST_ATTEMPTS)
        .bind(when.key)
        .bind([J::LANE.flag()].as_slice())
        .execute(conn)
        .await?;
    Ok(())
}

/// Queue depth and age by kind, for metrics and the admin page.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Depth {
    /// The job's name.
    pub kind: String,
    /// Ready or running.
    pub waiting: i64,
    /// Out of attempts.
    pub buried: i64,
    /// Seconds that the oldest ready one has waited.
    pub oldest_seconds: f64,
}

/// Depth and age of the queue by kind.
///
/// # Errors
/// The database.
pub async fn depth(conn: &mut PgConnection) -> sqlx::Result<Vec<Depth>> {
    sqlx::query_as(
        "select t.identifier as kind,
                count(*) filter (where j.attempts < j.max_attempts) as waiting,
                count(*) filter (where j.attempts >= j.max_attempts) as buried,
                coalesce(extract(epoch from now() - min(j.run_at) filter (where j.run_at <= now() and j.attempts < j.max_attempts)), 0)::float8
                    as oldest_seconds
         from jobs._private_tasks t left join jobs._private_jobs j on t.id = j.task_id group by t.identifier order by 1",
    )
    .fetch_all(conn)
    .await
}
