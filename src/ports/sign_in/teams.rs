//! Teams from GitHub, by the portal's own credentials.

use std::sync::Arc;

use async_trait::async_trait;

use super::TeamDirectory;
use crate::ports::PortError;
use crate::ports::code_host::github::GitHub;

/// The teams of one organization.
#[derive(Debug)]
pub struct GitHubTeams {
    github: Arc<GitHub>,
    org: String,
}

impl GitHubTeams {
    /// Of an organization.
    pub fn new(github: Arc<GitHub>, org: String) -> Self {
        Self { github, org }
    }
}

#[async_trait]
impl TeamDirectory for GitHubTeams {
    async fn teams(&self) -> Result<Vec<(String, Vec<String>)>, PortError> {
        self.github.team_members(&self.org).await
    }
}
