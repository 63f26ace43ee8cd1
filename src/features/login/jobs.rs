//! Keeping teams fresh: with the portal's own credentials, never with a person's.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::engine::access::store;
use crate::engine::jobs::{Context, Job, JobError};

/// Reads all teams of the organization and sets everybody's membership by them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshTeams {}

#[async_trait]
impl Job for RefreshTeams {
    const NAME: &'static str = "login.refresh_teams";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        let app = &context.app;
        let Some(directory) = &app.teams else { return Ok(()) };
        let teams = directory.teams().await.map_err(|e| JobError::Other(e.to_string()))?;
        let mut by_login: HashMap<String, Vec<String>> = HashMap::new();
        for (slug, logins) in teams {
            for login in logins {
                by_login.entry(login.to_lowercase()).or_default().push(slug.to_lowercase());
            }
        }
        let mut tx = app.db.begin().await?;
        let mut changed = 0;
        for (id, login) in store::github_people(&mut tx).await? {
            let slugs = by_login.get(&login).cloned().unwrap_or_default();
            changed += u32::from(store::set_teams(&mut tx, id, "github", &slugs).await?);
        }
        tx.commit().await?;
        tracing::info!(people.changed = changed, "teams read from GitHub");
        Ok(())
    }
}

/// Clears what has ended by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClearSessions {}

#[async_trait]
impl Job for ClearSessions {
    const NAME: &'static str = "login.clear_sessions";

    async fn run(self, context: &Context) -> Result<(), JobError> {
        let mut conn = context.app.db.acquire().await?;
        store::delete_expired_sessions(&mut conn).await?;
        Ok(())
    }
}
