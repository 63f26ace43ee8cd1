//! What a feature brings so that its runs run: kinds of runs, kinds of effects, and who wants to know
//! when a run ends. All are found by name in one table made at the top.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::context::StepContext;
use super::state::RunState;
use super::store::{EffectRow, RunRow, StepRow};
use crate::engine::app::App;
use crate::ports::PortError;

/// A kind of run: how its steps are done.
#[async_trait]
pub trait RunKind: Send + Sync {
    /// `feature.verb`.
    fn name(&self) -> &'static str;

    /// Does one step. It may be called again for the same step after a crash or a retry: everything
    /// that it does outside goes through [`StepContext::effect`], everything else must be repeatable.
    ///
    /// # Errors
    /// See [`StepFault`].
    async fn step(&self, context: &StepContext, step: &StepRow) -> Result<Outcome, StepFault>;

    /// What a cancelled run does with what it made.
    fn undo_on_cancel(&self) -> bool {
        true
    }
}

/// How a step came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done: what later steps get, and one short line for people.
    Done {
        /// What later steps get.
        output: Value,
        /// One short line, may be empty.
        detail: String,
    },
    /// Not needed, and why.
    Skipped(String),
    /// It waits: the run is parked, the step is done again when it is resumed.
    Park(ParkOn),
}

/// What a parked run waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum ParkOn {
    /// A person's decision on a request; resumed by its key.
    Decision(String),
    /// A moment.
    Time(DateTime<Utc>),
    /// An event from outside, such as a signed webhook; resumed by its key. If it does not come by
    /// the given moment, the run is resumed all the same and the step sees that.
    Event {
        /// Key of the event.
        key: String,
        /// Until when.
        until: DateTime<Utc>,
    },
}

/// How a step did not come out.
#[derive(Debug, Clone)]
pub enum StepFault {
    /// For good, as far as anybody can tell. Words for the person: what, why, what next.
    Failed(String),
    /// For now; try again after a while. Words for the person, and how long to wait if somebody said.
    Later(String, Option<Duration>),
    /// Somebody asked to cancel.
    Cancelled,
    /// Another worker has the run: this one must stop writing.
    Lost,
    /// The database failed; the attempt is void.
    Database(Arc<sqlx::Error>),
}

impl From<sqlx::Error> for StepFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<PortError> for StepFault {
    fn from(error: PortError) -> Self {
        if error.is_transient() {
            Self::Later(error.to_string(), error.retry_after())
        } else {
            Self::Failed(error.to_string())
        }
    }
}

/// What looking for an effect found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// It is there and it is ours: what identifies it.
    Present(Value),
    /// It is not there.
    Absent,
    /// Something of that name is there and it is not ours.
    Foreign(String),
    /// It cannot be told now.
    CannotTell(String),
}

/// A kind of outside effect: how to look for it and how to undo it. Both need nothing but the row, so
/// that another process, another day, can do them.
#[async_trait]
pub trait EffectKind: Send + Sync {
    /// For example `code_host.repository`.
    fn name(&self) -> &'static str;

    /// Looks for it.
    async fn probe(&self, app: &App, effect: &EffectRow) -> Found;

    /// Undoes it. Undoing what is gone is no error.
    ///
    /// # Errors
    /// Why it stays, in words for people.
    async fn undo(&self, app: &App, effect: &EffectRow) -> Result<(), String>;
}

/// Told, in the ending transaction, that a run ended.
#[async_trait]
pub trait RunObserver: Send + Sync {
    /// The run, its final state and a few words on how it came out.
    ///
    /// # Errors
    /// The database; the run then does not end.
    async fn ended(&self, conn: &mut PgConnection, run: &RunRow, state: RunState, outcome: &str) -> sqlx::Result<()>;
}

/// The table of kinds.
#[derive(Default)]
pub struct Registry {
    runs: HashMap<&'static str, Box<dyn RunKind>>,
    effects: HashMap<&'static str, Box<dyn EffectKind>>,
    observers: Vec<Box<dyn RunObserver>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("runs", &self.runs.keys())
            .field("effects", &self.effects.keys())
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// Adds a kind of run.
    #[must_use]
    pub fn run(mut self, kind: impl RunKind + 'static) -> Self {
        self.runs.insert(kind.name(), Box::new(kind));
        self
    }

    /// Adds a kind of effect.
    #[must_use]
    pub fn effect(mut self, kind: impl EffectKind + 'static) -> Self {
        self.effects.insert(kind.name(), Box::new(kind));
        self
    }

    /// Adds somebody who wants to know when runs end.
    #[must_use]
    pub fn observer(mut self, observer: impl RunObserver + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// The kind of a run.
    pub fn run_kind(&self, name: &str) -> Option<&dyn RunKind> {
        self.runs.get(name).map(AsRef::as_ref)
    }

    /// The kind of an effect.
    pub fn effect_kind(&self, name: &str) -> Option<&dyn EffectKind> {
        self.effects.get(name).map(AsRef::as_ref)
    }

    /// Those who want to know.
    pub fn observers(&self) -> &[Box<dyn RunObserver>] {
        &self.observers
    }
}
