//! The job table, the schedule table, and the tables of kinds: which run, request and effect is whose.

use sqlx::PgPool;

use crate::engine::app::App;
use crate::engine::jobs::worker::{Builder, Workers};
use crate::engine::jobs::{self, Context};
use crate::engine::requests::Kinds;
use crate::engine::requests::jobs::{Decide, Expire, FollowRuns, Start};
use crate::engine::runs::rollback::Sweep;
use crate::engine::runs::{self, Execute, Registry, RunState};
use crate::features::catalog;
use crate::features::catalog::jobs::{Discover, Read};
use crate::features::login::jobs::{ClearSessions, RefreshTeams};
use crate::features::scaffolder::actions::CreateRequests;
use crate::features::scaffolder::jobs::Clear;
use crate::features::scaffolder::outside::{Commits, Repositories, Settings, Sources};
use crate::features::scaffolder::runs::Create;

/// The kinds of runs and effects.
pub fn registry() -> Registry {
    Registry::default()
        .run(Create)
        .effect(Repositories)
        .effect(Commits)
        .effect(Settings)
        .effect(Sources)
        .observer(FollowRuns)
}

/// The kinds of requests.
pub fn kinds() -> Kinds {
    Kinds::default().with(CreateRequests)
}

/// The workers of a process, with given tables: tests add kinds of their own.
///
/// # Errors
/// The queue cannot be brought up to date.
pub async fn workers(app: &App, pool: &PgPool, registry: Registry, kinds: Kinds) -> Result<Workers, String> {
    let context = Context::new(app.clone()).with(registry).with(kinds);
    Builder::new(context, pool)
        .job::<Execute>()
        .job::<Start>()
        .job::<Decide>()
        .job::<Expire>()
        .job::<Sweep>()
        .job::<Read>()
        .job::<Discover>()
        .job::<RefreshTeams>()
        .job::<ClearSessions>()
        .job::<Clear>()
        .every_minutes(1, &Sweep {})?
        .every_minutes(1, &Read {})?
        .every_minutes(1, &Discover {})?
        .every_minutes(5, &Expire {})?
        .every_minutes(15, &RefreshTeams {})?
        .every_minutes(30, &Clear {})?
        .every_minutes(30, &ClearSessions {})?
        .build()
        .await
}

/// Sets the gauges that are read from the database.
///
/// # Errors
/// The database.
pub async fn gauges(app: &App) -> sqlx::Result<()> {
    let mut conn = app.db.acquire().await?;
    for depth in jobs::depth(&mut conn).await? {
        #[expect(clippy::cast_precision_loss, reason = "a queue of 2^53 jobs would show otherwise")]
        let set =
            |name: &'static str, value: i64| metrics::gauge!(name, "kind" => depth.kind.clone()).set(value as f64);
        set("slipway_jobs_waiting", depth.waiting);
        set("slipway_jobs_buried", depth.buried);
        metrics::gauge!("slipway_jobs_oldest_seconds", "kind" => depth.kind.clone()).set(depth.oldest_seconds);
    }
    let counts = runs::store::counts(&mut conn).await?;
    // Also those that no run is in: a gauge keeps what it was told last.
    for state in RunState::ALL.iter().filter(|s| **s == RunState::Failed || !s.is_final()) {
        let count = counts.iter().find(|(name, _)| name == state.as_str()).map_or(0, |(_, count)| *count);
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        metrics::gauge!("slipway_runs", "state" => state.as_str()).set(count as f64);
    }
    let summary = catalog::store::source_summary(&mut conn).await?;
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    metrics::gauge!("slipway_catalog_sources").set(summary.all as f64);
    if let Some(read_at) = summary.read_at {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of an age")]
        metrics::gauge!("slipway_catalog_read_age_seconds")
            .set((app.clock.now() - read_at).num_milliseconds() as f64 / 1000.0);
    }
    Ok(())
}
