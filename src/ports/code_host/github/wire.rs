//! GitHub's JSON, as far as it is used. Fields that some endpoints leave out are optional.

use serde::Deserialize;

use super::super::{Repository, RepositoryName, Visibility};

/// A repository: `full-repository`, `minimal-repository` or `repository`.
#[derive(Debug, Deserialize)]
pub(super) struct Repo {
    id: u64,
    name: String,
    owner: Account,
    html_url: String,
    clone_url: Option<String>,
    default_branch: Option<String>,
    description: Option<String>,
    homepage: Option<String>,
    private: bool,
    visibility: Option<String>,
    archived: Option<bool>,
    topics: Option<Vec<String>>,
}

impl Repo {
    /// In our words.
    pub fn into_repository(self, host: &str) -> Repository {
        let visibility = match (self.visibility.as_deref(), self.private) {
            (Some("internal"), _) => Visibility::Internal,
            (_, true) => Visibility::Private,
            (_, false) => Visibility::Public,
        };
        Repository {
            clone_url: self.clone_url.unwrap_or_else(|| format!("{}.git", self.html_url)),
            name: RepositoryName { host: host.to_owned(), owner: self.owner.login, name: self.name },
            id: self.id.to_string(),
            web_url: self.html_url,
            default_branch: self.default_branch.unwrap_or_else(|| "main".to_owned()),
            description: self.description.unwrap_or_default(),
            homepage: self.homepage.unwrap_or_default(),
            visibility,
            archived: self.archived.unwrap_or(false),
            topics: self.topics.unwrap_or_default(),
        }
    }
}

/// A person or an organization.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    /// Its name.
    pub login: String,
    /// `User`, `Organization`, or another sort.
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A team.
#[derive(Debug, Deserialize)]
pub(super) struct Team {
    /// Its name in addresses.
    pub slug: String,
}

/// An app's installation.
#[derive(Debug, Deserialize)]
pub(super) struct Installation {
    /// Its number.
    pub id: u64,
}

/// A branch or tag and what it points to.
#[derive(Debug, Deserialize)]
pub(super) struct Ref {
    /// `refs/heads/…`
    #[serde(rename = "ref")]
    pub name: String,
    /// What it points to.
    pub object: Sha,
}

/// Anything with an id.
#[derive(Debug, Deserialize)]
pub(super) struct Sha {
    /// The id.
    pub sha: String,
}

/// A commit of the Git data API.
#[derive(Debug, Deserialize)]
pub(super) struct Commit {
    /// Its message.
    pub message: String,
    /// Its files.
    pub tree: Sha,
    /// What it stands on.
    pub parents: Vec<Sha>,
}

/// A listing of a tree.
#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    /// Its entries, with paths relative to it.
    pub tree: Vec<Entry>,
    /// Whether GitHub left entries out.
    #[serde(default)]
    pub truncated: bool,
}

/// An entry of a tree.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    /// Relative to the tree.
    pub path: String,
    /// Git's octal spelling.
    pub mode: String,
    /// `blob`, `tree` or `commit`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object's id.
    pub sha: String,
    /// The size of a blob.
    pub size: Option<usize>,
}
