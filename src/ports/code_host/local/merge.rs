//! Merging a proposal, without a working copy: the merged tree, a commit with two parents, and a
//! compare-and-swap of the base. A merge and the note that it happened are one step, so a crash
//! between them and the proposal's own file is made good by merging again.

use std::path::Path;

use super::commits::{identity, moving};
use super::errors::{conflict, half_done, not_found};
use super::lock::carry_through;
use super::metadata::Metadata;
use super::objects::Commit;
use super::proposals::{Person, Proposal, ProposalState, load_proposal, store_proposal};
use super::{LocalHost, disk, git, names};
use crate::ports::PortError;
use crate::ports::code_host::RepositoryName;

/// How many conflicting files an error names.
const NAMED: usize = 20;

impl LocalHost {
    /// Merges a proposal into its base by a commit with two parents, and deletes its branch if the
    /// repository says so. Merging it twice is merging it once. Whether `who` may, and whether
    /// enough people have approved, is for the caller to know.
    ///
    /// # Errors
    /// [`PortError::Conflict`] that names the files which do not go together, or if the proposal is
    /// closed, or if a branch is gone or moved meanwhile; [`PortError::NotFound`]; else see
    /// [`PortError`].
    pub async fn merge(&self, name: &RepositoryName, number: u64, who: &Person) -> Result<Proposal, PortError> {
        let (host, name, who) = (self.clone(), name.clone(), who.clone());
        carry_through(async move { host.merge_locked(&name, number, &who).await }).await
    }

    async fn merge_locked(&self, name: &RepositoryName, number: u64, who: &Person) -> Result<Proposal, PortError> {
        let repository = self.existing(name).await?;
        let _guard = self.lock(&repository).await?;
        let mut proposal = load_proposal(repository.clone(), number).await?;
        match proposal.state {
            ProposalState::Merged => return Ok(proposal),
            ProposalState::Closed => return Err(conflict(format!("proposal {number} is closed"))),
            ProposalState::Open => {}
        }
        let folder = repository.clone();
        let metadata = disk::blocking(move || Metadata::load(&folder)).await?;
        let metadata = metadata.ok_or_else(|| not_found(name.to_string()))?;
        let merged = self.merge_branches(&repository, &proposal, &metadata, who).await?;
        proposal.state = ProposalState::Merged;
        proposal.settled_at = Some(self.clock.now());
        proposal.merged_by = Some(who.clone());
        proposal.merge_commit = Some(merged);
        store_proposal(&repository, &proposal).await.map_err(half_done)?;
        Ok(proposal)
    }

    /// Brings the branch into the base; the commit of the base that holds it.
    async fn merge_branches(
        &self,
        repository: &Path,
        proposal: &Proposal,
        metadata: &Metadata,
        who: &Person,
    ) -> Result<String, PortError> {
        let (base_ref, branch_ref) = (names::branch(&proposal.base)?, names::branch(&proposal.branch)?);
        let done_ref = format!("refs/slipway/merged/{}", proposal.number);
        let mut objects = self.objects(repository)?;
        let looked = async {
            Ok((objects.head(&done_ref).await?, objects.head(&base_ref).await?, objects.head(&branch_ref).await?))
        };
        let (done, base, head) = git::in_time("cat-file", looked).await?;
        if let Some(done) = done {
            return Ok(done.id);
        }
        let gone = |branch: &str| conflict(format!("the branch “{branch}” is gone"));
        let base = base.ok_or_else(|| gone(&proposal.base))?;
        let head = head.ok_or_else(|| gone(&proposal.branch))?;
        let mut moves = String::new();
        let merged = if self.holds(repository, &base.id, &head.id).await? {
            base.id
        } else {
            let merged = self.merge_commit(repository, &base, &head, proposal, who).await?;
            moves.push_str(&moving(&base_ref, &merged, Some(&base.id)));
            merged
        };
        moves.push_str(&moving(&done_ref, &merged, None));
        // Either way the branch must still be at what was merged.
        let deletes = metadata.delete_branch_on_merge && proposal.branch != metadata.default_branch;
        let verb = if deletes { "delete" } else { "verify" };
        moves.extend([verb, " ", &branch_ref, " ", &head.id, "\n"]);
        self.move_refs(repository, moves).await?;
        Ok(merged)
    }

    /// Whether a commit is in the history of another already.
    async fn holds(&self, repository: &Path, whole: &str, part: &str) -> Result<bool, PortError> {
        let output = self.git.call(repository, "merge-base").args(["--is-ancestor", part, whole]).run().await?;
        match output.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(output.failure()),
        }
    }

    /// The newest commit that two have in common in their history, if there is one.
    pub(super) async fn common(&self, repository: &Path, one: &str, other: &str) -> Result<Option<String>, PortError> {
        let output = self.git.call(repository, "merge-base").args(["--end-of-options", one, other]).run().await?;
        if output.code == Some(1) { Ok(None) } else { output.line().map(Some) }
    }

    async fn merge_commit(
        &self,
        repository: &Path,
        base: &Commit,
        head: &Commit,
        proposal: &Proposal,
        who: &Person,
    ) -> Result<String, PortError> {
        let tree = self.merge_trees(repository, base, head).await?;
        let (name, email) = identity(Some((&who.name, &who.email)));
        let date = format!("{} +0000", self.clock.now().timestamp());
        let (our_name, our_email) = identity(None);
        let message = format!("Merge proposal {}: {}\n", proposal.number, proposal.title);
        let call = self.git.call(repository, "commit-tree").args([&tree, "-p", &base.id, "-p", &head.id, "-F", "-"]);
        let call = call.env("GIT_AUTHOR_NAME", name).env("GIT_AUTHOR_EMAIL", email).env("GIT_AUTHOR_DATE", &date);
        let call = call.env("GIT_COMMITTER_NAME", our_name).env("GIT_COMMITTER_EMAIL", our_email);
        let call = call.env("GIT_COMMITTER_DATE", &date);
        call.input(vec![message.into()]).run().await?.line()
    }

    /// The tree that holds both; or which files do not go together.
    async fn merge_trees(&self, repository: &Path, base: &Commit, head: &Commit) -> Result<String, PortError> {
        let call = self.git.call(repository, "merge-tree");
        let call = call.args(["--write-tree", "-z", "--name-only", "--no-messages", &base.id, &head.id]);
        let output = call.run().await?;
        if output.errors.contains("unrelated histories") {
            return Err(conflict("the proposal and its base have no history in common"));
        }
        let mut fields = output.out.split(|&b| b == 0).map(String::from_utf8_lossy).filter(|field| !field.is_empty());
        let tree = fields.next().unwrap_or_default().into_owned();
        match output.code {
            Some(0) if names::is_id(&tree) => Ok(tree),
            Some(1) => Err(conflict(clash(&fields.collect::<Vec<_>>()))),
            _ => Err(output.failure()),
        }
    }
}

fn clash(files: &[std::borrow::Cow<'_, str>]) -> String {
    let named = files.get(..NAMED).unwrap_or(files);
    let more = match files.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("the proposal does not go together with its base in {}{more}", named.join(", "))
}
