//! Clearing what has had its day.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::store;
use crate::engine::jobs::{Context, Job, JobError};

/// Clears drafts that are a day old, with their secrets, and workspaces of ended runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Clear {}

#[async_trait]
impl Job for Clear {
    const NAME: &'static str = "scaffolder.clear";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        let mut conn = context.app.db.acquire().await?;
        store::delete_expired(&mut conn).await?;
        store::delete_workspaces(&mut conn).await?;
        Ok(())
    }
}
