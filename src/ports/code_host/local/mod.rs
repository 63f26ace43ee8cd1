//! Code hosted by the portal itself: bare Git repositories under the data folder, for a portal to
//! which no GitHub is configured. Written by the `git` binary; browsed, cloned and pushed through
//! the portal's own web server. This file owns the host and how it answers [`CodeHost`]; whom to
//! let in, and what a page looks like, is the business of those who call.
//!
//! On the disk: `{root}/{owner}/{name}.git`, and `{root}/.slipway` for what belongs to all of them.

mod body;
mod browse;
mod commits;
mod disk;
mod errors;
mod git;
mod history;
mod hook;
mod http;
mod lock;
mod merge;
mod metadata;
mod names;
mod objects;
mod proposals;
mod repositories;
mod running;
mod sweep;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use url::Url;

pub use self::body::GitBody;
pub use self::browse::{Branch, Entry, EntryKind, Folder};
pub use self::commits::Change;
pub use self::history::{Difference, HistoryEntry, MAX_DIFFERENCE, MAX_HISTORY};
pub use self::http::{GitRequest, GitResponse};
pub use self::metadata::Metadata;
pub use self::proposals::{MAX_BODY, MAX_TITLE, NewProposal, Person, Proposal, ProposalState};

use self::git::Git;
use self::lock::{Guard, Locks, carry_through};
use self::objects::Objects;
use super::{CodeHost, Configured, Fetched, NewCommit, NewRepository, Repository, RepositoryName, Setting};
use crate::kernel::clock::{Clock, SystemClock};
use crate::kernel::tree::Tree;
use crate::ports::PortError;

/// The folder for what belongs to no repository. No owner can be called so.
const OWN_FOLDER: &str = ".slipway";
/// How many clones, fetches and pushes are served at once. Each costs some processes and, for a
/// large repository, some hundred megabytes; more than this wait for their turn.
const SERVED_AT_ONCE: usize = 16;

/// The code host in the portal's own data folder. Cloning it is cheap and gives the same host.
#[derive(Debug, Clone)]
pub struct LocalHost {
    root: PathBuf,
    base_url: String,
    host: String,
    git: Git,
    hooks: PathBuf,
    locks: Locks,
    serving: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl LocalHost {
    /// Opens the host on a data folder, which is made if it is not there, and removes what a
    /// process left behind that died in the middle of making or deleting a repository.
    ///
    /// `base_url` is where people reach the portal; `host` is how the host is called in addresses
    /// (`github.com`, where templates written for GitHub are to work unchanged). Blocks: for boot.
    ///
    /// # Errors
    /// [`PortError::Unavailable`] if `git` (2.38 or newer, with its HTTP backend) is missing, if
    /// the folder cannot be used, or if programs in it cannot be started.
    #[expect(clippy::needless_pass_by_value, reason = "the host owns what it is opened with")]
    pub fn open(root: PathBuf, base_url: Url, host: String) -> Result<Self, PortError> {
        std::fs::create_dir_all(&root).map_err(errors::disk("making the folder of repositories"))?;
        let root = root.canonicalize().map_err(errors::disk("opening the folder of repositories"))?;
        let (home, hooks) = (root.join(OWN_FOLDER).join("home"), root.join(OWN_FOLDER).join("hooks"));
        for folder in [&home, &hooks] {
            std::fs::create_dir_all(folder).map_err(errors::disk("making the folder of the host itself"))?;
        }
        let git = Git::find(home)?;
        hook::install(&hooks)?;
        let opened = Self {
            base_url: String::from(base_url).trim_end_matches('/').to_owned(),
            root,
            host,
            git,
            hooks,
            locks: Locks::new(),
            serving: Arc::new(Semaphore::new(SERVED_AT_ONCE)),
            clock: Arc::new(SystemClock),
        };
        sweep::sweep(&opened.root).map_err(errors::disk("sweeping the folder of repositories"))?;
        Ok(opened)
    }

    /// The same host by another clock, which dates commits, repositories and proposals.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where a repository lies, or would lie.
    fn path(&self, name: &RepositoryName) -> Result<PathBuf, PortError> {
        names::check(&self.host, name)?;
        Ok(self.root.join(&name.owner).join(format!("{}.git", name.name)))
    }

    /// Where a repository lies that must be there.
    async fn existing(&self, name: &RepositoryName) -> Result<PathBuf, PortError> {
        let path = self.path(name)?;
        if tokio::fs::try_exists(&path).await.map_err(errors::disk("looking for the repository"))? {
            Ok(path)
        } else {
            Err(errors::not_found(name.to_string()))
        }
    }

    /// The right to change a repository that must be there.
    async fn lock(&self, repository: &Path) -> Result<Guard, PortError> {
        self.locks.lock(repository.to_owned()).await
    }

    fn objects(&self, repository: &Path) -> Result<Objects, PortError> {
        Objects::open(&self.git, repository)
    }
}

#[async_trait]
impl CodeHost for LocalHost {
    fn host(&self) -> &str {
        &self.host
    }

    async fn find(&self, name: &RepositoryName) -> Result<Option<Repository>, PortError> {
        self.find_repository(name).await
    }

    async fn create(&self, new: &NewRepository) -> Result<Repository, PortError> {
        let (host, new) = (self.clone(), new.clone());
        carry_through(async move { host.create_repository(&new).await }).await
    }

    async fn delete(&self, name: &RepositoryName) -> Result<(), PortError> {
        let path = self.path(name)?;
        disk::blocking(move || disk::remove(&path)).await
    }

    async fn commit(&self, name: &RepositoryName, commit: &NewCommit) -> Result<String, PortError> {
        let (host, name, commit) = (self.clone(), name.clone(), commit.clone());
        carry_through(async move { host.commit_files(&name, &commit).await }).await
    }

    async fn configure(&self, name: &RepositoryName, setting: &Setting) -> Result<Configured, PortError> {
        let (host, name, setting) = (self.clone(), name.clone(), setting.clone());
        carry_through(async move { host.change_setting(&name, &setting).await }).await?;
        Ok(Configured::Done)
    }

    async fn read_file(
        &self,
        name: &RepositoryName,
        at: &str,
        path: &str,
        known: Option<&str>,
    ) -> Result<Fetched, PortError> {
        let repository = self.existing(name).await?;
        let mut objects = self.objects(&repository)?;
        git::in_time("cat-file", objects::read_file(&mut objects, at, path, known)).await
    }

    async fn read_tree(&self, name: &RepositoryName, at: &str, folder: &str) -> Result<Tree, PortError> {
        let repository = self.existing(name).await?;
        let mut objects = self.objects(&repository)?;
        git::in_time("ls-tree", async {
            let commit = objects.resolve(at).await?;
            let tree = objects::folder(&mut objects, &commit, folder).await?;
            let lines = objects::list(&self.git, &repository, &tree, true)?;
            objects::read_tree(&mut objects, lines).await
        })
        .await
    }

    async fn repositories(&self, owner: &str) -> Result<Vec<Repository>, PortError> {
        self.list_repositories(owner).await
    }
}
