//! Proposals: a branch that somebody wants in another, with a title and a discussion's beginning;
//! what GitHub calls a pull request. Owns the files `proposals/{number}.json` in a repository and
//! how a proposal is made and closed; merging is in `merge.rs`.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::commits::{Draft, identity, moving};
use super::errors::{conflict, disk as disk_error, half_done, invalid, not_found, unavailable};
use super::history::Difference;
use super::lock::carry_through;
use super::objects::Objects;
use super::{Change, LocalHost, disk, git, names};
use crate::kernel::tree::Tree;
use crate::ports::PortError;
use crate::ports::code_host::RepositoryName;

/// The folder in a repository that holds its proposals.
pub(super) const FOLDER: &str = "proposals";
/// The longest title, in characters: GitHub's limit.
pub const MAX_TITLE: usize = 256;
/// The longest body, in characters: GitHub's limit.
pub const MAX_BODY: usize = 65_536;
/// The most proposals that are listed: their bodies are read with them.
const MAX_LISTED: usize = 200;
/// The largest file of a proposal, in bytes: every character of its body escaped in JSON.
const MAX_FILE: u64 = 1 << 20;

/// A person, as commits name one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// A proposal to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProposal {
    /// One line, also the message of its commit; at most [`MAX_TITLE`] characters.
    pub title: String,
    /// Markdown, at most [`MAX_BODY`] characters.
    pub body: String,
    /// The branch that is made for it; it must not be there yet.
    pub branch: String,
    /// The branch on which it stands and into which it is to go.
    pub base: String,
    /// Whose change it is; `None` for our own.
    pub author: Option<Person>,
    /// The files of its commit.
    pub files: Tree,
    /// How the files become the content of the commit.
    pub change: Change,
    /// By this the proposal is found again: making it twice with one mark is making it once.
    pub mark: String,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProposalState {
    /// Nobody has decided.
    Open,
    /// It is in its base.
    Merged,
    /// It was turned down.
    Closed,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number in the repository, from 1; never used again.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch that it wants merged.
    pub branch: String,
    /// The branch into which it is to go.
    pub base: String,
    /// The commit that the portal made for it. The branch may have moved on since.
    pub commit: String,
    /// The commit of the base on which it was made.
    pub base_commit: String,
    /// Whose change it is.
    pub author: Person,
    /// The mark of what made it.
    pub mark: String,
    /// What became of it.
    pub state: ProposalState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was merged or closed.
    pub settled_at: Option<DateTime<Utc>>,
    /// Who merged it.
    pub merged_by: Option<Person>,
    /// The commit of the base by which it got there.
    pub merge_commit: Option<String>,
}

impl LocalHost {
    /// Makes a proposal: its branch with one commit on top of the base, and its number.
    ///
    /// # Errors
    /// [`PortError::Conflict`] if the branch is there already; [`PortError::NotFound`] without
    /// such a repository or base; [`PortError::Invalid`]; else see [`PortError`].
    pub async fn propose(&self, name: &RepositoryName, new: &NewProposal) -> Result<Proposal, PortError> {
        check(new)?;
        let (host, name, new) = (self.clone(), name.clone(), new.clone());
        carry_through(async move { host.propose_locked(&name, &new).await }).await
    }

    async fn propose_locked(&self, name: &RepositoryName, new: &NewProposal) -> Result<Proposal, PortError> {
        let repository = self.existing(name).await?;
        let _guard = self.lock(&repository).await?;
        let (folder, mark) = (repository.clone(), new.mark.clone());
        let (found, number) = disk::blocking(move || find_mark(&folder, &mark)).await?;
        if let Some(found) = found {
            return Ok(found);
        }
        let mut objects = self.objects(&repository)?;
        let (commit, base_commit) = self.branch_off(&repository, &mut objects, new).await?;
        let (author, email) = identity(author(new));
        let proposal = Proposal {
            number,
            title: new.title.clone(),
            body: new.body.clone(),
            branch: new.branch.clone(),
            base: new.base.clone(),
            commit,
            base_commit,
            author: Person { name: author, email },
            mark: new.mark.clone(),
            state: ProposalState::Open,
            created_at: self.clock.now(),
            settled_at: None,
            merged_by: None,
            merge_commit: None,
        };
        store_proposal(&repository, &proposal).await.map_err(half_done)?;
        Ok(proposal)
    }

    /// The branch of a proposal: its commit and the commit below. The branch appears together with
    /// a ref of our own that is named after the mark, so that after a crash we know it as ours.
    async fn branch_off(
        &self,
        repository: &Path,
        objects: &mut Objects,
        new: &NewProposal,
    ) -> Result<(String, String), PortError> {
        let (branch, base) = (names::branch(&new.branch)?, names::branch(&new.base)?);
        let marked = format!("refs/slipway/marks/{}", hex::encode(Sha256::digest(&new.mark)));
        let looked =
            async { Ok((objects.head(&marked).await?, objects.head(&branch).await?, objects.head(&base).await?)) };
        let (made, taken, base) = git::in_time("cat-file", looked).await?;
        if let Some(made) = made {
            let below = made.parents.into_iter().next();
            return below.map(|below| (made.id, below)).ok_or_else(|| unavailable("a marked commit has no parent"));
        }
        if taken.is_some() {
            return Err(conflict(format!("there is a branch “{}” already", new.branch)));
        }
        let base = base.ok_or_else(|| not_found(format!("the branch “{}”", new.base)))?;
        let draft = Draft {
            parent: Some(&base.id),
            message: &new.title,
            author: author(new),
            files: &new.files,
            change: &new.change,
        };
        let commit = self.import(repository, objects, &draft).await?;
        let moves = moving(&branch, &commit.id, None) + &moving(&marked, &commit.id, None);
        self.move_refs(repository, moves).await?;
        Ok((commit.id, base.id))
    }

    /// The proposals of a repository, newest first, at most 200.
    ///
    /// # Errors
    /// [`PortError::NotFound`] without such a repository; else see [`PortError`].
    pub async fn proposals(&self, name: &RepositoryName) -> Result<Vec<Proposal>, PortError> {
        let repository = self.existing(name).await?;
        let read = move || {
            let numbers = numbers(&repository)?.into_iter().rev().take(MAX_LISTED);
            numbers.filter_map(|number| load(&repository, number).transpose()).collect()
        };
        disk::blocking(read).await
    }

    /// One proposal.
    ///
    /// # Errors
    /// [`PortError::NotFound`]; else see [`PortError`].
    pub async fn proposal(&self, name: &RepositoryName, number: u64) -> Result<Proposal, PortError> {
        let repository = self.existing(name).await?;
        load_proposal(repository, number).await
    }

    /// What a proposal would change, or has changed: how its branch differs from where it left
    /// its base. Of a proposal that is settled, its own commit.
    ///
    /// # Errors
    /// [`PortError::NotFound`], also if a branch of an open one is gone; else see [`PortError`].
    pub async fn changes(&self, name: &RepositoryName, number: u64) -> Result<Difference, PortError> {
        let repository = self.existing(name).await?;
        let proposal = load_proposal(repository.clone(), number).await?;
        if proposal.state != ProposalState::Open {
            return self.compare(&repository, &[&proposal.base_commit, &proposal.commit]).await;
        }
        let mut objects = self.objects(&repository)?;
        let (base, branch) = (names::branch(&proposal.base)?, names::branch(&proposal.branch)?);
        let heads = async { Ok((objects.head(&base).await?, objects.head(&branch).await?)) };
        let (Some(base), Some(head)) = git::in_time("cat-file", heads).await? else {
            return Err(not_found(format!("a branch of proposal {number}")));
        };
        let left = self.common(&repository, &base.id, &head.id).await?;
        // Nothing in common: the base was replaced since.
        self.compare(&repository, &[&left.unwrap_or(proposal.base_commit), &head.id]).await
    }

    /// Turns a proposal down. Its branch stays. Closing it twice is closing it once.
    ///
    /// # Errors
    /// [`PortError::Conflict`] if it is merged; [`PortError::NotFound`]; else see [`PortError`].
    pub async fn close(&self, name: &RepositoryName, number: u64) -> Result<Proposal, PortError> {
        let (host, name) = (self.clone(), name.clone());
        carry_through(async move { host.close_locked(&name, number).await }).await
    }

    async fn close_locked(&self, name: &RepositoryName, number: u64) -> Result<Proposal, PortError> {
        let repository = self.existing(name).await?;
        let _guard = self.lock(&repository).await?;
        let mut proposal = load_proposal(repository.clone(), number).await?;
        match proposal.state {
            ProposalState::Merged => return Err(conflict(format!("proposal {number} is merged"))),
            ProposalState::Closed => return Ok(proposal),
            ProposalState::Open => {}
        }
        proposal.state = ProposalState::Closed;
        proposal.settled_at = Some(self.clock.now());
        store_proposal(&repository, &proposal).await?;
        Ok(proposal)
    }
}

fn check(new: &NewProposal) -> Result<(), PortError> {
    let title = new.title.trim();
    if title.is_empty() || title.chars().count() > MAX_TITLE || title.contains(['\n', '\r']) {
        return Err(invalid(format!("the title of a proposal is one line of at most {MAX_TITLE} characters")));
    }
    if new.body.chars().count() > MAX_BODY {
        return Err(invalid(format!("the body of a proposal has at most {MAX_BODY} characters")));
    }
    if new.mark.is_empty() {
        return Err(invalid("a proposal needs a mark"));
    }
    if new.branch == new.base {
        return Err(invalid("a proposal needs a branch of its own"));
    }
    Ok(())
}

fn author(new: &NewProposal) -> Option<(&str, &str)> {
    new.author.as_ref().map(|person| (person.name.as_str(), person.email.as_str()))
}

/// One proposal that must be there.
pub(super) async fn load_proposal(repository: PathBuf, number: u64) -> Result<Proposal, PortError> {
    let found = disk::blocking(move || load(&repository, number)).await?;
    found.ok_or_else(|| not_found(format!("proposal {number}")))
}

/// Writes a proposal, whole.
pub(super) async fn store_proposal(repository: &Path, proposal: &Proposal) -> Result<(), PortError> {
    let path = file(repository, proposal.number);
    let content = serde_json::to_vec_pretty(proposal).map_err(|e| invalid(e.to_string()))?;
    disk::blocking(move || disk::replace(&path, &content)).await
}

fn file(repository: &Path, number: u64) -> PathBuf {
    repository.join(FOLDER).join(format!("{number}.json"))
}

fn load(repository: &Path, number: u64) -> Result<Option<Proposal>, PortError> {
    let Some(content) = disk::read(&file(repository, number), MAX_FILE)? else { return Ok(None) };
    serde_json::from_slice(&content).map(Some).map_err(|e| unavailable(format!("proposal {number} is broken: {e}")))
}

/// The numbers of all proposals, ascending.
fn numbers(repository: &Path) -> Result<Vec<u64>, PortError> {
    let entries = std::fs::read_dir(repository.join(FOLDER)).map_err(disk_error("listing proposals"))?;
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(disk_error("listing proposals"))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The proposal with a mark, and the number that the next one gets. One at a time is in memory.
fn find_mark(repository: &Path, mark: &str) -> Result<(Option<Proposal>, u64), PortError> {
    let numbers = numbers(repository)?;
    // Files of proposals are never removed, so the highest number tells which were given.
    let next = numbers.last().map_or(1, |last| last + 1);
    for number in numbers.into_iter().rev() {
        if let Some(found) = load(repository, number)?.filter(|proposal| proposal.mark == mark) {
            return Ok((Some(found), next));
        }
    }
    Ok((None, next))
}
