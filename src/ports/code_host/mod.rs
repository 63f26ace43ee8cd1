//! Where does code live? Repositories, their files, and the settings that a new one gets.
//! Adapters: `github` (octocrab) and `local` (bare Git repositories under the data folder).

pub mod github;
pub mod local;

use async_trait::async_trait;

use super::PortError;
use crate::kernel::tree::Tree;

/// Which repository: the host is part of the name, since one portal may know several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct RepositoryName {
    /// Host as people write it, for example `github.com`.
    pub host: String,
    /// Organization or person.
    pub owner: String,
    /// Name within the owner.
    pub name: String,
}

impl std::fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// A repository as the host describes it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Repository {
    /// Its name.
    pub name: RepositoryName,
    /// The host's own stable id.
    pub id: String,
    /// Where people look at it.
    pub web_url: String,
    /// What `git clone` takes.
    pub clone_url: String,
    /// The branch that a clone checks out.
    pub default_branch: String,
    /// One sentence.
    pub description: String,
    /// The address shown beside it. While a run makes it, the run's address: our mark.
    pub homepage: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether it is read-only for good.
    pub archived: bool,
    /// Topics, lower case.
    pub topics: Vec<String>,
}

/// Who may see a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Those who were given access.
    Private,
    /// Everybody in the enterprise.
    Internal,
    /// Everybody.
    Public,
}

/// A repository to be made. The mark travels in the creating call, never in a second one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewRepository {
    /// Its name.
    pub name: RepositoryName,
    /// One sentence.
    pub description: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// The address of the run that makes it, kept as its homepage until the run is done.
    pub mark: String,
    /// Issues, projects and wiki, each on or off; `None` leaves the host's default.
    pub has_issues: Option<bool>,
    /// As above.
    pub has_projects: Option<bool>,
    /// As above.
    pub has_wiki: Option<bool>,
    /// Which ways of merging are allowed.
    pub allow_merge_commit: bool,
    /// As above.
    pub allow_squash_merge: bool,
    /// As above.
    pub allow_rebase_merge: bool,
    /// Whether a merged branch is deleted.
    pub delete_branch_on_merge: bool,
}

/// A commit that replaces the whole content of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// The branch, made if it is not there.
    pub branch: String,
    /// What the branch must stand on: `None` for a first commit without parent, which replaces
    /// whatever the host put there when it made the repository.
    pub parent: Option<String>,
    /// The message.
    pub message: String,
    /// Name and address of the author; `None` for the host's own idea of us.
    pub author: Option<(String, String)>,
    /// All files of the commit.
    pub files: Tree,
}

/// A setting of a repository, one outside call each.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Replaces all topics.
    Topics(Vec<String>),
    /// Replaces homepage and description; takes our mark away.
    About {
        /// One sentence.
        description: String,
        /// Address, may be empty.
        homepage: String,
    },
    /// The branch that a clone checks out.
    DefaultBranch(String),
    /// Gives a team of the owner access.
    TeamAccess {
        /// The team's slug.
        team: String,
        /// `pull`, `triage`, `push`, `maintain`, `admin`, or a custom role.
        permission: String,
    },
    /// Gives a person access.
    UserAccess {
        /// The person's login.
        login: String,
        /// As above.
        permission: String,
    },
    /// Protects a branch.
    Protection {
        /// Which branch.
        branch: String,
        /// How.
        rules: Protection,
    },
}

/// How a branch is protected.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Protection {
    /// Approving reviews that a change needs, 0 to 6.
    pub approvals: u8,
    /// Whether owners of the code must be among them.
    pub code_owners: bool,
    /// Whether a new push drops the approvals.
    pub dismiss_stale: bool,
    /// Whether administrators are bound too.
    pub enforce_admins: bool,
    /// Status checks that must pass.
    pub checks: Vec<String>,
    /// Whether the branch must be up to date before a merge.
    pub up_to_date: bool,
    /// Whether all conversations must be resolved.
    pub conversation_resolution: bool,
    /// Whether history must be linear.
    pub linear_history: bool,
}

/// What became of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configured {
    /// It is set.
    Done,
    /// The host does not offer it here (its plan, its rules): a warning, in the host's words.
    NotOffered(String),
}

/// A file as it was read, with what lets the next reading be cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It has not changed since the version that the caller knows.
    NotModified,
    /// Its bytes, and the tag to send next time.
    Content {
        /// The bytes.
        bytes: bytes::Bytes,
        /// The host's tag for this version, if it gave one.
        etag: Option<String>,
    },
}

/// The largest single file that is read, in bytes. GitHub's contents API gives files up to
/// 100 MB in raw form (REST, "Get repository content"); nothing we read needs a tenth of that.
pub const MAX_FILE: usize = 10 << 20;

/// Where code lives. Every method is one question or one act; none repeats itself: only the run
/// engine repeats, after looking.
#[async_trait]
pub trait CodeHost: Send + Sync + std::fmt::Debug {
    /// The host as people write it in addresses, for example `github.com`.
    fn host(&self) -> &str;

    /// The repository of that name, or `None`.
    ///
    /// # Errors
    /// See [`PortError`].
    async fn find(&self, name: &RepositoryName) -> Result<Option<Repository>, PortError>;

    /// Makes a repository. Its mark is on it from its first moment.
    ///
    /// # Errors
    /// [`PortError::Conflict`] if the name is taken; else see [`PortError`].
    async fn create(&self, new: &NewRepository) -> Result<Repository, PortError>;

    /// Deletes a repository. One that is gone already is no error.
    ///
    /// # Errors
    /// See [`PortError`].
    async fn delete(&self, name: &RepositoryName) -> Result<(), PortError>;

    /// Commits and moves the branch to it. Returns the commit's id. The commit's id depends only
    /// on its content, message, author and date, so that repeating it changes nothing.
    ///
    /// # Errors
    /// [`PortError::Conflict`] if the branch is not at `parent`; else see [`PortError`].
    async fn commit(&self, name: &RepositoryName, commit: &NewCommit) -> Result<String, PortError>;

    /// Sets one setting. Setting it twice is setting it once.
    ///
    /// # Errors
    /// See [`PortError`].
    async fn configure(&self, name: &RepositoryName, setting: &Setting) -> Result<Configured, PortError>;

    /// One file at a branch, tag or commit. `known` is the tag of the version that the caller has.
    ///
    /// # Errors
    /// [`PortError::NotFound`], [`PortError::Invalid`] above [`MAX_FILE`]; else see [`PortError`].
    async fn read_file(
        &self,
        name: &RepositoryName,
        at: &str,
        path: &str,
        known: Option<&str>,
    ) -> Result<Fetched, PortError>;

    /// All files under a folder at a branch, tag or commit, with paths relative to the folder.
    ///
    /// # Errors
    /// As [`CodeHost::read_file`], and the limits of [`Tree`].
    async fn read_tree(&self, name: &RepositoryName, at: &str, folder: &str) -> Result<Tree, PortError>;

    /// The repositories of an owner, ordered by name, archived ones left out.
    ///
    /// # Errors
    /// See [`PortError`].
    async fn repositories(&self, owner: &str) -> Result<Vec<Repository>, PortError>;
}
