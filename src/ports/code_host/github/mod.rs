//! Code on GitHub: github.com, and GitHub Enterprise Server. Owns everything that is peculiar to
//! GitHub, so that nobody else needs to know it: that the Git data calls refuse an empty repository
//! (so each starts with a README that the first commit replaces), that a new repository cannot be
//! seen for some seconds, that a large tree has to be built in parts, and how each refusal reads.
//!
//! `client` sends and reads; `failure` turns refusals into [`PortError`]; `wire` holds GitHub's
//! JSON; the others hold one group of calls each. Nothing here repeats a call that may have had an
//! effect: octocrab's own retry is switched off, since it would repeat a POST.

mod client;
mod commit;
mod failure;
mod fresh;
mod names;
mod people;
mod read;
mod repositories;
mod settings;
mod tree;
mod wire;

use async_trait::async_trait;
use url::Url;

use super::{CodeHost, Configured, Fetched, NewCommit, NewRepository, Repository, RepositoryName, Setting};
use crate::kernel::secret::Secret;
use crate::kernel::tree::Tree;
use crate::ports::PortError;
use client::Client;
use fresh::Fresh;

/// Which GitHub, and as whom.
#[derive(Debug, Clone)]
pub struct GitHubSettings {
    /// The host as people write it, for example `github.com`.
    pub host: String,
    /// Where its REST API is: `https://api.github.com`, or `https://<host>/api/v3` on a server of
    /// one's own.
    pub api_url: Url,
    /// How we prove who we are.
    pub credentials: Credentials,
}

/// How we prove who we are to GitHub.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A personal access token, classic or fine-grained, or a person's OAuth token.
    Token(Secret),
    /// A GitHub App that is installed in an organization. Its tokens last an hour and are renewed
    /// without anybody's doing.
    App {
        /// The app's number, as its settings page shows it.
        app_id: u64,
        /// The app's private key, PEM.
        private_key_pem: Secret,
        /// The organization in which it is installed.
        org: String,
    },
}

/// The adapter.
pub struct GitHub {
    host: String,
    client: Client,
    fresh: Fresh,
}

impl GitHub {
    /// Prepares the adapter. Nothing is sent yet. Must be called inside a tokio runtime, because
    /// octocrab starts a task of its own.
    ///
    /// # Errors
    /// [`PortError::Invalid`] if the key, the token or the address cannot be used, or outside a
    /// runtime.
    pub fn new(settings: GitHubSettings) -> Result<Self, PortError> {
        let system = system_name(&settings.host);
        let client = Client::new(system, &settings.api_url, &settings.credentials)?;
        Ok(Self { host: settings.host, client, fresh: Fresh::default() })
    }

    /// All teams of an organization with the logins of their members, child teams' included, both
    /// in the order of their names.
    ///
    /// # Errors
    /// See [`PortError`].
    pub async fn team_members(&self, org: &str) -> Result<Vec<(String, Vec<String>)>, PortError> {
        people::team_members(self, org).await
    }
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub").field("host", &self.host).finish_non_exhaustive()
    }
}

/// What people call it: a second GitHub is told apart by its host.
fn system_name(host: &str) -> String {
    if host.eq_ignore_ascii_case("github.com") { "GitHub".to_owned() } else { format!("GitHub ({host})") }
}

#[async_trait]
impl CodeHost for GitHub {
    fn host(&self) -> &str {
        &self.host
    }

    async fn find(&self, name: &RepositoryName) -> Result<Option<Repository>, PortError> {
        repositories::find(self, name).await
    }

    async fn create(&self, new: &NewRepository) -> Result<Repository, PortError> {
        repositories::create(self, new).await
    }

    async fn delete(&self, name: &RepositoryName) -> Result<(), PortError> {
        repositories::delete(self, name).await
    }

    async fn commit(&self, name: &RepositoryName, commit: &NewCommit) -> Result<String, PortError> {
        commit::commit(self, name, commit).await
    }

    async fn configure(&self, name: &RepositoryName, setting: &Setting) -> Result<Configured, PortError> {
        settings::configure(self, name, setting).await
    }

    async fn read_file(
        &self,
        name: &RepositoryName,
        at: &str,
        path: &str,
        known: Option<&str>,
    ) -> Result<Fetched, PortError> {
        read::file(self, name, at, path, known).await
    }

    async fn read_tree(&self, name: &RepositoryName, at: &str, folder: &str) -> Result<Tree, PortError> {
        tree::read(self, name, at, folder).await
    }

    async fn repositories(&self, owner: &str) -> Result<Vec<Repository>, PortError> {
        repositories::list(self, owner).await
    }
}
