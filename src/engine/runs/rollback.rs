//! Undoing what a run made, in reverse, each undo recorded; and the sweep that watches over
//! leftovers and over runs that nothing would move.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::context::crash_point;
use super::kind::{Found, Registry};
use super::manage;
use super::state::EffectState;
use super::store::{self, EffectRow, RunRow};
use crate::engine::app::App;
use crate::engine::jobs::{Context, Job, JobError};

/// How long a failed run keeps its sealed secrets, so that it can be retried.
const KEPT_FOR_A_RETRY: TimeDelta = TimeDelta::days(1);
/// How many leftovers one sweep looks at.
const LEFTOVERS_AT_ONCE: i64 = 50;

/// Undoes everything that a run made. Tells how much is left, or `None` if another worker has the run.
///
/// # Errors
/// The database.
pub async fn undo_all(app: &App, registry: &Arc<Registry>, run: &RunRow) -> Result<Option<usize>, JobError> {
    let mut conn = app.db.acquire().await?;
    let effects = store::effects(&mut conn, run.id).await?;
    drop(conn);
    let mut left = 0;
    for effect in effects.into_iter().rev() {
        let Some(after) = undo_one(app, registry, run, effect).await? else { return Ok(None) };
        left += usize::from(after == EffectState::Leftover);
    }
    let mut tx = app.db.begin().await?;
    if !store::hold(&mut tx, run.id, run.fence).await? {
        return Ok(None);
    }
    store::undo_steps(&mut tx, run.id).await?;
    tx.commit().await?;
    Ok(Some(left))
}

async fn undo_one(
    app: &App,
    registry: &Registry,
    run: &RunRow,
    mut effect: EffectRow,
) -> Result<Option<EffectState>, JobError> {
    let mut note = None;
    if effect.state == EffectState::Intended {
        let (state, external, why) = match probe(app, registry, &effect).await {
            Found::Present(external) => (EffectState::Made, Some(external), None),
            Found::Absent => (EffectState::Absent, None, None),
            Found::Foreign(why) => (EffectState::Absent, None, Some(why)),
            // It may be there: treat it as made, so that it ends undone or as a leftover, never unlisted.
            Found::CannotTell(why) => (EffectState::Made, None, Some(why)),
        };
        if !settle(app, run, &effect, state, external.as_ref(), why.as_deref()).await? {
            return Ok(None);
        }
        effect.state = state;
        effect.external = external;
        note = why;
    }
    if effect.state != EffectState::Made {
        return Ok(Some(effect.state));
    }
    let undone = match registry.effect_kind(&effect.kind) {
        Some(kind) => kind.undo(app, &effect).await,
        None => Err("nothing here knows how to undo it".to_owned()),
    };
    crash_point("after undo", &effect.key);
    let (state, line, why) = match undone {
        Ok(()) => (EffectState::Undone, format!("undone: {}", effect.name), None),
        Err(why) => (
            EffectState::Leftover,
            format!("left over: {}, {why}", effect.name),
            Some(note.map_or(why.clone(), |n| format!("{n}; {why}"))),
        ),
    };
    if !settle(app, run, &effect, state, None, why.as_deref()).await? {
        return Ok(None);
    }
    let mut conn = app.db.acquire().await?;
    let stream = if state == EffectState::Undone { "out" } else { "err" };
    store::append_log(&mut conn, run.id, Some(&effect.step_key), stream, &line).await?;
    Ok(Some(state))
}

async fn settle(
    app: &App,
    run: &RunRow,
    effect: &EffectRow,
    state: EffectState,
    external: Option<&serde_json::Value>,
    note: Option<&str>,
) -> Result<bool, JobError> {
    let mut tx = app.db.begin().await?;
    if !store::hold(&mut tx, run.id, run.fence).await? {
        return Ok(false);
    }
    store::settle(&mut tx, effect.id, state, external, note).await?;
    tx.commit().await?;
    Ok(true)
}

async fn probe(app: &App, registry: &Registry, effect: &EffectRow) -> Found {
    match registry.effect_kind(&effect.kind) {
        Some(kind) => kind.probe(app, effect).await,
        None => Found::CannotTell("nothing here knows how to look for it".to_owned()),
    }
}

/// Looks after leftovers, and after runs that nothing in the queue would move.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sweep {}

#[async_trait]
impl Job for Sweep {
    const NAME: &'static str = "runs.sweep";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        let app = &context.app;
        let registry = context.table::<Registry>()?;
        let mut conn = app.db.acquire().await?;
        for id in store::stranded(&mut conn).await? {
            tracing::warn!(run.id = %id, "a run had no job; putting it back into the queue");
            manage::enqueue(&mut conn, id).await?;
        }
        let destroyed = store::destroy_old_secrets(&mut conn, KEPT_FOR_A_RETRY).await?;
        if destroyed > 0 {
            tracing::info!(
                runs = destroyed,
                "the secrets of failed runs are destroyed; they cannot be retried with them"
            );
        }
        let leftovers = store::leftovers(&mut conn, LEFTOVERS_AT_ONCE).await?;
        drop(conn);
        for effect in leftovers {
            revisit(app, &registry, &effect).await?;
        }
        Ok(())
    }
}

/// A leftover is undone once it is seen gone; until then each sweep tries again.
async fn revisit(app: &App, registry: &Registry, effect: &EffectRow) -> Result<(), JobError> {
    let (state, note) = match probe(app, registry, effect).await {
        Found::Absent | Found::Foreign(_) => (EffectState::Undone, "seen gone".to_owned()),
        Found::CannotTell(why) => (EffectState::Leftover, why),
        Found::Present(_) => match registry.effect_kind(&effect.kind) {
            Some(kind) => match kind.undo(app, effect).await {
                Ok(()) => (EffectState::Undone, "undone by a sweep".to_owned()),
                Err(why) => (EffectState::Leftover, why),
            },
            None => (EffectState::Leftover, "nothing here knows how to undo it".to_owned()),
        },
    };
    let mut conn = app.db.acquire().await?;
    store::settle(&mut conn, effect.id, state, None, Some(&note)).await?;
    if state == EffectState::Undone {
        store::append_log(
            &mut conn,
            effect.run_id,
            Some(&effect.step_key),
            "out",
            &format!("gone at last: {}", effect.name),
        )
        .await?;
    }
    Ok(())
}
