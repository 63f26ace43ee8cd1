//! Reading what is due, and finding what there is to read.

use std::path::Path;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::ingest;
use super::places::Target;
use super::write;
use crate::engine::app::App;
use crate::engine::jobs::{self, Context, Job, JobError, When};

/// What a folder named in the configuration is searched for.
const IN_FOLDERS: &str = "**/*.{yaml,yml}";

/// Reads the sources that are due, batch after batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Read {}

#[async_trait]
impl Job for Read {
    const NAME: &'static str = "catalog.read";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        loop {
            let started = std::time::Instant::now();
            let round = ingest::read_due(&context.app).await?;
            if round.read > 0 {
                tracing::info!(
                    sources = round.read,
                    entities.changed = round.changed,
                    duration_ms = started.elapsed().as_millis(),
                    "sources read"
                );
            }
            if round.read == 0 || context.app.stop.is_cancelled() {
                return Ok(());
            }
        }
    }
}

/// Finds sources: the files, folders and addresses of the configuration, and the organization's repositories.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Discover {}

#[async_trait]
impl Job for Discover {
    const NAME: &'static str = "catalog.discover";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        discover(&context.app).await
    }
}

/// Finds sources and has them read.
///
/// # Errors
/// The database; the organization's repositories cannot be listed.
pub async fn discover(app: &App) -> Result<(), JobError> {
    let configured = configured(app).await;
    let mut tx = app.db.begin().await?;
    write::put_sources(&mut tx, &configured, "config", false).await?;
    let gone = write::keep_sources(&mut tx, &configured, "config").await?;
    if gone > 0 {
        write::raise_generation(&mut tx).await?;
    }
    jobs::enqueue(&mut tx, &Read {}, When { key: Some("catalog.read"), at: None }).await?;
    tx.commit().await?;
    if let (Some(github), Some(org)) = (&app.code_hosts.github, &app.config.github.org) {
        let repositories = github.repositories(org).await.map_err(|e| JobError::Other(e.to_string()))?;
        let targets: Vec<Target> =
            repositories.iter().map(|r| Target::repository(&r.name, &r.default_branch, "catalog-info.yaml")).collect();
        let mut tx = app.db.begin().await?;
        write::put_sources(&mut tx, &targets, "discovered", true).await?;
        write::keep_sources(&mut tx, &targets, "discovered").await?;
        jobs::enqueue(&mut tx, &Read {}, When { key: Some("catalog.read"), at: None }).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What `SLIPWAY_CATALOG` names, folders searched. A folder that cannot be read is told in the log
/// and keeps no source.
async fn configured(app: &App) -> Vec<Target> {
    let mut targets = Vec::new();
    for source in &app.config.catalog.sources {
        if source.starts_with("http://") || source.starts_with("https://") {
            targets.extend(Target::of_address(app, source));
            continue;
        }
        let path = Path::new(source);
        if !path.is_dir() {
            targets.push(Target::file(source));
            continue;
        }
        match app.documents.list(path, IN_FOLDERS).await {
            Ok(files) => targets.extend(files.into_iter().map(|f| Target::file(f.to_string_lossy()))),
            Err(e) => tracing::warn!(source = %source, error = %e, "a folder of SLIPWAY_CATALOG cannot be read"),
        }
    }
    targets
}
