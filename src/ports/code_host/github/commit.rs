//! Commits through the Git data calls: blobs, one tree, one commit, one move of the branch.
//!
//! A commit's id holds the time at which GitHub wrote it, so the same commit sent twice has two
//! ids. What makes a repetition harmless is looking first: a branch whose head already is this
//! commit (same tree, message and parents) stays as it is, and that head is the answer.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::{NewCommit, RepositoryName};
use super::client::Call;
use super::repositories::settle;
use super::wire::{Commit, Listing, Ref, Sha};
use super::{GitHub, names, settings, tree};
use crate::ports::PortError;

/// What GitHub writes when it makes a repository with `auto_init`.
const INITIAL_MESSAGE: &str = "Initial commit";
const INITIAL_FILE: &str = "README.md";

/// One repository's Git data calls.
pub(super) struct Git<'a> {
    /// The adapter.
    pub github: &'a GitHub,
    /// The repository.
    pub name: &'a RepositoryName,
    /// `/repos/{owner}/{name}`
    pub path: String,
}

/// Commits and moves the branch.
pub(super) async fn commit(github: &GitHub, name: &RepositoryName, new: &NewCommit) -> Result<String, PortError> {
    let git = Git { github, name, path: names::repository(github, name)? };
    if new.files.is_empty() {
        return Err(github.client.invalid("GitHub takes no commit without a file".to_owned()));
    }
    names::branch(github, &new.branch)?;
    settle(github, name).await?;
    match &new.parent {
        None => git.first(new).await,
        Some(parent) => git.next(new, parent).await,
    }
}

impl Git<'_> {
    /// A commit without parent, in the place of what `auto_init` made.
    async fn first(&self, new: &NewCommit) -> Result<String, PortError> {
        let (default_branch, initial) = self.initial().await?;
        let head = if default_branch == new.branch { Some(initial) } else { self.head(&new.branch).await? };
        let sha = match head {
            None => self.commit_to_new_branch(new, None).await?,
            Some(head) => self.replace(new, &head).await?,
        };
        if default_branch != new.branch {
            self.patiently(settings::default_branch(&self.path, self.name, &new.branch)).await?;
        }
        self.drop_initial_branches(&new.branch).await?;
        Ok(sha)
    }

    /// Puts a first commit in the place of another, unless that other is somebody's work.
    async fn replace(&self, new: &NewCommit, head: &str) -> Result<String, PortError> {
        let there = self.commit_at(head).await?;
        let replaceable = self.is_initial(&there).await?;
        let maybe_ours = there.parents.is_empty() && same_message(&there, new);
        if !replaceable && !maybe_ours {
            return Err(self.in_the_way(&new.branch, head));
        }
        let tree = tree::write(self, &new.files).await?;
        if maybe_ours && there.tree.sha == tree {
            return Ok(head.to_owned());
        }
        if !replaceable {
            return Err(self.in_the_way(&new.branch, head));
        }
        let sha = self.write_commit(new, &tree, None).await?;
        self.move_branch(&new.branch, &sha, true).await?;
        Ok(sha)
    }

    /// A commit on top of another.
    async fn next(&self, new: &NewCommit, parent: &str) -> Result<String, PortError> {
        let Some(head) = self.head(&new.branch).await? else {
            return self.commit_to_new_branch(new, Some(parent)).await;
        };
        if head != parent {
            let there = self.commit_at(&head).await?;
            let on_parent = matches!(there.parents.as_slice(), [only] if only.sha == parent);
            if !on_parent || !same_message(&there, new) {
                return Err(self.in_the_way(&new.branch, &head));
            }
            let tree = tree::write(self, &new.files).await?;
            return if there.tree.sha == tree { Ok(head) } else { Err(self.in_the_way(&new.branch, &head)) };
        }
        let tree = tree::write(self, &new.files).await?;
        let sha = self.write_commit(new, &tree, Some(parent)).await?;
        self.move_branch(&new.branch, &sha, false).await?;
        Ok(sha)
    }

    async fn commit_to_new_branch(&self, new: &NewCommit, parent: Option<&str>) -> Result<String, PortError> {
        let tree = tree::write(self, &new.files).await?;
        let sha = self.write_commit(new, &tree, parent).await?;
        let body = json!({ "ref": format!("refs/heads/{}", new.branch), "sha": sha });
        self.patiently(self.call(Method::POST, "/git/refs").body(body)).await?;
        Ok(sha)
    }

    async fn write_commit(&self, new: &NewCommit, tree: &str, parent: Option<&str>) -> Result<String, PortError> {
        let parents: Vec<&str> = parent.into_iter().collect();
        let mut body = json!({ "message": new.message, "tree": tree, "parents": parents });
        if let Some((name, email)) = &new.author {
            body["author"] = json!({ "name": name, "email": email });
        }
        let made: Sha = self.post("/git/commits", body).await?;
        Ok(made.sha)
    }

    async fn move_branch(&self, branch: &str, sha: &str, force: bool) -> Result<(), PortError> {
        let path = format!("/git/refs/heads/{}", names::parts(branch));
        let call = self.call(Method::PATCH, &path).body(json!({ "sha": sha, "force": force }));
        // Patiently, since moving a branch to where it is has no effect.
        self.patiently(call).await.map(|_| ())
    }

    /// Where a branch is; `None` if there is no such branch.
    async fn head(&self, branch: &str) -> Result<Option<String>, PortError> {
        let call = self.call(Method::GET, &format!("/git/ref/heads/{}", names::parts(branch)));
        match self.github.client.json::<Ref>(&call).await {
            Ok(found) => Ok(Some(found.object.sha)),
            Err(PortError::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The default branch and where it is. A new repository can be in sight before its first commit
    /// is there (409, or 404 for the branch), so this looks several times at a new one.
    async fn initial(&self) -> Result<(String, String), PortError> {
        let call = self.call(Method::GET, "");
        let found: super::wire::Repo = self.github.client.json(&call).await?;
        let branch = found.into_repository(&self.github.host).default_branch;
        let call = self.call(Method::GET, &format!("/git/ref/heads/{}", names::parts(&branch)));
        match self.patiently(call).await {
            Ok(answer) => {
                let found: Ref = self.github.client.parse(&answer.body)?;
                Ok((branch, found.object.sha))
            }
            Err(PortError::NotFound { .. }) => {
                Err(self.github.client.conflict(format!("{} has no commit yet to start from", self.name)))
            }
            Err(other) => Err(other),
        }
    }

    async fn commit_at(&self, sha: &str) -> Result<Commit, PortError> {
        self.github.client.json(&self.call(Method::GET, &format!("/git/commits/{sha}"))).await
    }

    /// Whether a commit is the one that GitHub makes with `auto_init`, and nobody's work: no
    /// parent, GitHub's message, and no file but the README.
    async fn is_initial(&self, commit: &Commit) -> Result<bool, PortError> {
        if !commit.parents.is_empty() || commit.message.trim_end() != INITIAL_MESSAGE {
            return Ok(false);
        }
        let call = self.call(Method::GET, &format!("/git/trees/{}", commit.tree.sha));
        let listing: Listing = self.github.client.json(&call).await?;
        Ok(!listing.truncated && listing.tree.iter().all(|e| e.path == INITIAL_FILE))
    }

    /// Takes away what `auto_init` made, if the first commit went to another branch. Also done when
    /// that branch is the default one already: the call before may have come just so far.
    async fn drop_initial_branches(&self, keep: &str) -> Result<(), PortError> {
        let refs: Vec<Ref> = self.github.client.json(&self.call(Method::GET, "/git/matching-refs/heads")).await?;
        for other in refs {
            let Some(branch) = other.name.strip_prefix("refs/heads/") else { continue };
            if branch == keep || !self.is_initial(&self.commit_at(&other.object.sha).await?).await? {
                continue;
            }
            let path = format!("/git/refs/heads/{}", names::parts(branch));
            match self.github.client.send(&self.call(Method::DELETE, &path)).await {
                // "Reference does not exist" is a 422: it is gone already.
                Ok(_) | Err(PortError::NotFound { .. } | PortError::Invalid { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn in_the_way(&self, branch: &str, head: &str) -> PortError {
        let short = head.get(..7).unwrap_or(head);
        self.github.client.conflict(format!("the branch {branch} of {} is at {short}, with other content", self.name))
    }

    /// A call below the repository.
    pub fn call(&self, method: Method, below: &str) -> Call {
        Call::new(method, format!("{}{below}", self.path), format!("the repository {}, or part of it", self.name))
    }

    /// Posts a Git object. Objects are named by their content, so this has no other effect.
    pub async fn post<T: serde::de::DeserializeOwned>(&self, below: &str, body: Value) -> Result<T, PortError> {
        let answer = self.patiently(self.call(Method::POST, below).body(body)).await?;
        self.github.client.parse(&answer.body)
    }

    /// Sends a call; for a repository that we have just made, again while GitHub does not know it,
    /// thinks it empty, or has not yet heard of the branch that we have just made. All three answers
    /// say for certain that nothing was done.
    async fn patiently(&self, call: Call) -> Result<super::client::Answer, PortError> {
        let mut pauses = self.github.fresh.pauses(self.name);
        loop {
            let error = match self.github.client.send(&call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let not_yet = match &error {
                PortError::NotFound { .. } => true,
                PortError::Conflict { what, .. } => what.contains("Repository is empty"),
                PortError::Invalid { why, .. } => why.contains("Please push that ref first"),
                _ => false,
            };
            match pauses.next().filter(|_| not_yet) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }
}

/// GitHub keeps messages as they are, but Git's own tools add a line break at the end.
fn same_message(there: &Commit, new: &NewCommit) -> bool {
    there.message.trim_end() == new.message.trim_end()
}
