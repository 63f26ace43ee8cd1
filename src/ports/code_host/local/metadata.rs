//! What is known of a repository beside its commits: the file `slipway.json` inside it. Owns its
//! shape and how a setting changes it; takes no locks and knows nothing of refs.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::errors::{invalid, unavailable};
use super::{disk, names};
use crate::ports::PortError;
use crate::ports::code_host::{NewRepository, Protection, Setting, Visibility};

const FILE: &str = "slipway.json";
/// The list of protected branches as the update hook reads it: one full ref a line.
pub(super) const PROTECTED: &str = "slipway.protected";
/// The largest such file, in bytes: some thousands of topics, teams and protected branches.
const MAX_METADATA: u64 = 1 << 20;
/// Where HEAD of a new repository points until its first commit.
pub(super) const FIRST_BRANCH: &str = "main";

/// What is known of a repository beside its commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Its id, for good.
    pub id: Uuid,
    /// One sentence.
    pub description: String,
    /// The address shown beside it, or the mark of the run that makes it.
    pub homepage: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Topics, lower case.
    pub topics: Vec<String>,
    /// The branch that a clone checks out.
    pub default_branch: String,
    /// How branches are protected, by branch.
    #[serde(default)]
    pub protection: BTreeMap<String, Protection>,
    /// Permissions of teams, by slug.
    #[serde(default)]
    pub teams: BTreeMap<String, String>,
    /// Permissions of people, by login.
    #[serde(default)]
    pub users: BTreeMap<String, String>,
    /// Whether the branch of a merged proposal is deleted.
    #[serde(default)]
    pub delete_branch_on_merge: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Metadata {
    /// Of a repository that is about to be made.
    pub(super) fn new(new: &NewRepository, now: DateTime<Utc>) -> Self {
        Self {
            id: Uuid::new_v4(),
            description: new.description.clone(),
            homepage: new.mark.clone(),
            visibility: new.visibility,
            topics: Vec::new(),
            default_branch: FIRST_BRANCH.to_owned(),
            protection: BTreeMap::new(),
            teams: BTreeMap::new(),
            users: BTreeMap::new(),
            delete_branch_on_merge: new.delete_branch_on_merge,
            created_at: now,
        }
    }

    /// Changes it as a setting says.
    pub(super) fn apply(&mut self, setting: &Setting) -> Result<(), PortError> {
        match setting {
            Setting::Topics(topics) => self.topics = topics.iter().map(|topic| topic.to_lowercase()).collect(),
            Setting::About { description, homepage } => {
                self.description.clone_from(description);
                self.homepage.clone_from(homepage);
            }
            Setting::DefaultBranch(branch) => {
                names::branch(branch)?;
                self.default_branch.clone_from(branch);
            }
            Setting::TeamAccess { team, permission } => {
                self.teams.insert(team.clone(), permission.clone());
            }
            Setting::UserAccess { login, permission } => {
                self.users.insert(login.clone(), permission.clone());
            }
            Setting::Protection { branch, rules } => {
                names::branch(branch)?;
                self.protection.insert(branch.clone(), rules.clone());
            }
        }
        Ok(())
    }

    /// Reads it; `None` if there is no such repository.
    pub(super) fn load(repository: &Path) -> Result<Option<Self>, PortError> {
        let Some(content) = disk::read(&repository.join(FILE), MAX_METADATA)? else { return Ok(None) };
        let broken = |e| unavailable(format!("{} is broken: {e}", repository.join(FILE).display()));
        serde_json::from_slice(&content).map(Some).map_err(broken)
    }

    /// Writes it, whole. The caller holds the repository's lock.
    pub(super) fn store(&self, repository: &Path) -> Result<(), PortError> {
        let mut content = serde_json::to_vec_pretty(self).map_err(|e| invalid(e.to_string()))?;
        content.push(b'\n');
        if content.len() as u64 > MAX_METADATA {
            return Err(invalid("the settings of the repository take up too much room"));
        }
        // The protected branches first: should we die between the two, rather a branch too many.
        let mut protected = String::new();
        for branch in self.protection.keys() {
            protected.push_str(&names::branch(branch)?);
            protected.push('\n');
        }
        disk::replace(&repository.join(PROTECTED), protected.as_bytes())?;
        disk::replace(&repository.join(FILE), &content)
    }
}
