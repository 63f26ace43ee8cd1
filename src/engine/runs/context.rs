//! What a step works with: the log, the outputs of earlier steps, sealed secrets, and the one way to
//! do something outside.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::kind::{Found, Registry, StepFault};
use super::state::EffectState;
use super::store::{self, EffectRow, RunRow, StepRow};
use crate::engine::app::App;
use crate::kernel::secret::{Redactor, Secret};
use crate::ports::PortError;

/// The longest line of a log, in bytes; what is longer is cut, and says so.
const LONGEST_LINE: usize = 4_000;

/// Something to be done outside.
#[derive(Debug, Clone)]
pub struct Effect {
    /// Name within the run: the same step gives the same key each time.
    pub key: String,
    /// Kind, in the registry.
    pub kind: &'static str,
    /// What people call the thing: "Repository tidepost/eta".
    pub name: String,
    /// All that is needed to look for it and to undo it. Never a secret.
    pub intent: Value,
}

/// What a step works with.
#[derive(Debug)]
pub struct StepContext {
    /// The handles.
    pub app: App,
    /// The kinds.
    pub registry: Arc<Registry>,
    /// The run, as claimed.
    pub run: RunRow,
    /// The step's key.
    pub step_key: String,
    /// Outputs of earlier steps, by key.
    pub outputs: Map<String, Value>,
    redactor: Mutex<Redactor>,
}

impl StepContext {
    /// For a step of a claimed run.
    pub fn new(app: App, registry: Arc<Registry>, run: RunRow, step: &StepRow, earlier: &[StepRow]) -> Self {
        let outputs = earlier.iter().filter_map(|s| s.output.clone().map(|o| (s.key.clone(), o))).collect();
        Self { app, registry, run, step_key: step.key.clone(), outputs, redactor: Mutex::default() }
    }

    /// The address of the run's page: the mark on everything that it makes.
    pub fn run_url(&self) -> String {
        run_url(&self.app, self.run.id)
    }

    /// The secrets of the run, opened, as a JSON object; from now on the log hides their values.
    ///
    /// # Errors
    /// They do not open, or were destroyed: a step that went on without them would make something wrong.
    pub fn secrets(&self) -> Result<Map<String, Value>, StepFault> {
        let Some(sealed) = &self.run.secrets else { return Ok(Map::new()) };
        let unusable = |why: &dyn std::fmt::Display| {
            StepFault::Failed(format!("The secret answers of this run cannot be used: {why}. Ask for it again."))
        };
        let plain = self.app.sealer.open(&secrets_place(self.run.id), sealed).map_err(|e| unusable(&e))?;
        let map: Map<String, Value> = serde_json::from_slice(&plain).map_err(|_| unusable(&"they are not readable"))?;
        let mut redactor = self.redactor.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for value in map.values().filter_map(Value::as_str) {
            redactor.add(Secret::new(value));
        }
        Ok(map)
    }

    /// Writes a line to the log.
    ///
    /// # Errors
    /// The database, or another worker has the run.
    pub async fn log(&self, line: impl AsRef<str>) -> Result<(), StepFault> {
        self.write("out", line.as_ref()).await
    }

    /// Writes a line that people should notice.
    ///
    /// # Errors
    /// As [`StepContext::log`].
    pub async fn warn(&self, line: impl AsRef<str>) -> Result<(), StepFault> {
        self.write("err", line.as_ref()).await
    }

    async fn write(&self, stream: &str, text: &str) -> Result<(), StepFault> {
        let text = self.redactor.lock().unwrap_or_else(std::sync::PoisonError::into_inner).redact(text);
        let mut tx = self.held().await?;
        for line in text.lines() {
            store::append_log(&mut tx, self.run.id, Some(&self.step_key), stream, &clip(line)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Whether somebody asked to cancel; steps that take long ask now and then.
    ///
    /// # Errors
    /// [`StepFault::Cancelled`] if so.
    pub async fn check_cancelled(&self) -> Result<(), StepFault> {
        let mut conn = self.app.db.acquire().await?;
        if store::cancel_requested(&mut conn, self.run.id).await? { Err(StepFault::Cancelled) } else { Ok(()) }
    }

    /// Does something outside, at most once: the intent is committed first, the call is made with no
    /// transaction open, and what came back is committed. After a crash or a lost answer it is looked
    /// for before anything is made again. Returns what identifies the thing.
    ///
    /// # Errors
    /// The call's failure; see [`StepFault`].
    pub async fn effect<F, Fut>(&self, effect: Effect, call: F) -> Result<Value, StepFault>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Value, PortError>> + Send,
    {
        let row = match self.intend(&effect).await? {
            Intended::Made(external) => return Ok(external),
            Intended::Go(row) => *row,
        };
        crash_point("after intend", &effect.key);
        let answer = call().await;
        crash_point("after call", &effect.key);
        match answer {
            Ok(external) => {
                self.settle(row.id, EffectState::Made, Some(&external), None).await?;
                crash_point("after settle", &effect.key);
                Ok(external)
            }
            Err(error) => {
                // What may have happened stays "intended": the next attempt looks for it.
                if error.had_no_effect() {
                    self.settle(row.id, EffectState::Absent, None, Some(&error.to_string())).await?;
                }
                tracing::warn!(run.id = %self.run.id, effect.key = %effect.key, error = %error, "an outside call failed");
                Err(error.into())
            }
        }
    }

    async fn intend(&self, effect: &Effect) -> Result<Intended, StepFault> {
        let mut tx = self.held().await?;
        let known = store::effect(&mut tx, self.run.id, &effect.key).await?;
        let mut row = EffectRow {
            id: Uuid::now_v7(),
            run_id: self.run.id,
            step_key: self.step_key.clone(),
            key: effect.key.clone(),
            kind: effect.kind.to_owned(),
            name: effect.name.clone(),
            intent: effect.intent.clone(),
            external: None,
            state: EffectState::Intended,
            note: None,
        };
        if let Some(known) = known {
            match known.state {
                EffectState::Made => return Ok(Intended::Made(known.external.unwrap_or(Value::Null))),
                EffectState::Intended => {
                    // No transaction is held while looking.
                    tx.commit().await?;
                    return self.look(known).await;
                }
                EffectState::Absent => row.id = known.id,
                EffectState::Undone | EffectState::Leftover => {
                    return Err(StepFault::Failed(format!(
                        "{} was undone; this run cannot make it again. Start a new one.",
                        known.name
                    )));
                }
            }
        }
        store::intend(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(Intended::Go(Box::new(row)))
    }

    /// An intent without an answer: look, don't guess.
    async fn look(&self, row: EffectRow) -> Result<Intended, StepFault> {
        let Some(kind) = self.registry.effect_kind(&row.kind) else {
            return Err(StepFault::Failed(format!("Nothing here knows how to look for {}.", row.name)));
        };
        match kind.probe(&self.app, &row).await {
            Found::Present(external) => {
                self.settle(
                    row.id,
                    EffectState::Made,
                    Some(&external),
                    Some("found when looking after an interruption"),
                )
                .await?;
                self.log(format!("looked first: {} is there and ours, going on from it", row.name)).await?;
                Ok(Intended::Made(external))
            }
            Found::Absent => {
                self.log(format!("looked first: {} is absent, so making it is safe", row.name)).await?;
                Ok(Intended::Go(Box::new(row)))
            }
            Found::Foreign(why) => {
                self.settle(row.id, EffectState::Absent, None, Some(&why)).await?;
                Err(StepFault::Failed(why))
            }
            Found::CannotTell(why) => {
                Err(StepFault::Later(format!("It cannot be told whether {} exists: {why}", row.name), None))
            }
        }
    }

    async fn settle(
        &self,
        id: Uuid,
        state: EffectState,
        external: Option<&Value>,
        note: Option<&str>,
    ) -> Result<(), StepFault> {
        let mut tx = self.held().await?;
        store::settle(&mut tx, id, state, external, note).await?;
        store::tell(&mut tx, self.run.id).await?;
        Ok(tx.commit().await?)
    }

    /// A transaction in which this worker holds the run.
    ///
    /// # Errors
    /// [`StepFault::Lost`] if another worker has claimed it since.
    pub async fn held(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, StepFault> {
        let mut tx = self.app.db.begin().await?;
        if !store::hold(&mut tx, self.run.id, self.run.fence).await? {
            return Err(StepFault::Lost);
        }
        Ok(tx)
    }
}

enum Intended {
    Made(Value),
    Go(Box<EffectRow>),
}

/// The address of a run's page.
pub fn run_url(app: &App, run: Uuid) -> String {
    format!("{}requests/runs/{run}", app.config.http.base_url)
}

/// Where a run's secrets are sealed for.
pub fn secrets_place(run: Uuid) -> String {
    format!("runs_run/{run}")
}

fn clip(line: &str) -> String {
    if line.len() <= LONGEST_LINE {
        return line.replace('\0', "");
    }
    let mut end = LONGEST_LINE;
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} … {} more bytes", line[..end].replace('\0', ""), line.len() - end)
}

/// Dies here if `SLIPWAY_CRASH_AT` says so: the hook by which the crash walk kills a real process at
/// every commit and every outside call. It reads the environment only in builds with debug assertions.
pub fn crash_point(point: &str, key: &str) {
    if cfg!(debug_assertions)
        && let Ok(wanted) = std::env::var("SLIPWAY_CRASH_AT")
        && wanted == format!("{point}:{key}")
    {
        // As kill -9 does: no destructor runs, no connection is closed properly.
        let _unreached = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
