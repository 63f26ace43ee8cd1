//! Writes commits and moves refs. A commit is imported whole to a ref of our own and only then put
//! in its place by compare-and-swap, so nobody ever sees half of one. Reads no files.

use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;

use super::errors::{conflict, half_done, invalid, unavailable};
use super::metadata::Metadata;
use super::objects::{Commit, Objects};
use super::{LocalHost, disk, git, names};
use crate::kernel::tree::{Tree, TreePath};
use crate::ports::PortError;
use crate::ports::code_host::{NewCommit, RepositoryName};

/// Where a commit waits until it is put in its place. Used under the repository's lock, and
/// written over by the next commit if we die before that.
const WAITING: &str = "refs/slipway/import";
/// The longest message of a commit, in bytes: far above what anybody reads.
const MAX_MESSAGE: usize = 64 << 10;
/// Who we are in a commit, where nobody else is.
const OURSELVES: (&str, &str) = ("Slipway", "slipway@localhost");

/// How files become the content of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The files are the whole content; whatever else its parent had is gone.
    Whole,
    /// The files are laid over the content of its parent, after some are taken away.
    Over {
        /// Files and folders of the parent that are to go.
        removed: Vec<TreePath>,
    },
}

/// A commit to be written.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) parent: Option<&'a str>,
    pub(super) message: &'a str,
    pub(super) author: Option<(&'a str, &'a str)>,
    pub(super) files: &'a Tree,
    pub(super) change: &'a Change,
}

impl LocalHost {
    pub(super) async fn commit_files(&self, name: &RepositoryName, commit: &NewCommit) -> Result<String, PortError> {
        let repository = self.existing(name).await?;
        let branch = names::branch(&commit.branch)?;
        let _guard = self.lock(&repository).await?;
        let mut objects = self.objects(&repository)?;
        let head = git::in_time("cat-file", objects.head(&branch)).await?;
        let parent = commit.parent.as_deref();
        let moved = || conflict(format!("{name}: {} is not at the commit that was expected", commit.branch));
        // A repetition stands on the parent of the head and not on the head.
        let repeats = head.as_ref().is_some_and(|head| head.parents.iter().map(String::as_str).eq(parent));
        let stands = parent.is_none() || head.as_ref().map(|head| head.id.as_str()) == parent;
        if !stands && !repeats {
            return Err(moved());
        }
        let author = commit.author.as_ref().map(|(name, email)| (name.as_str(), email.as_str()));
        let draft = Draft { parent, message: &commit.message, author, files: &commit.files, change: &Change::Whole };
        let made = self.import(&repository, &mut objects, &draft).await?;
        let id = match &head {
            Some(head) if (repeats || stands && parent.is_some()) && is_same(head, &made) => {
                self.move_refs(&repository, format!("delete {WAITING} {}\n", made.id)).await?;
                head.id.clone()
            }
            _ if !stands => return Err(moved()),
            head => {
                let old = head.as_ref().map(|head| head.id.as_str());
                let lines = format!("{}delete {WAITING} {}\n", moving(&branch, &made.id, old), made.id);
                self.move_refs(&repository, lines).await?;
                made.id
            }
        };
        self.settle_head(&repository, &mut objects, &commit.branch).await.map_err(half_done)?;
        Ok(id)
    }

    /// Writes a commit to the ref where it waits, and reads it back.
    pub(super) async fn import(
        &self,
        repository: &Path,
        objects: &mut Objects,
        draft: &Draft<'_>,
    ) -> Result<Commit, PortError> {
        check(draft)?;
        // Only we write this ref, one at a time: whoever locked it is dead.
        let _ = tokio::fs::remove_file(repository.join(format!("{WAITING}.lock"))).await;
        let stream = stream(draft, self.clock.now().timestamp());
        let call = self.git.call(repository, "fast-import").args(["--quiet", "--force", "--date-format=raw"]);
        let output = call.input(stream).run().await?;
        if output.code != Some(0) {
            let folder = repository.to_owned();
            let clean = move || {
                remove_crash_reports(&folder);
                Ok(())
            };
            disk::blocking(clean).await?;
        }
        if output.errors.to_lowercase().contains("invalid path") {
            return Err(invalid(output.errors.trim()));
        }
        let id = output.line()?;
        if !names::is_id(&id) {
            return Err(unavailable(format!("git fast-import said “{id}”")));
        }
        git::in_time("cat-file", objects.commit(&id)).await
    }

    /// Changes refs, all of them or none. A ref that is not where it was expected is a conflict.
    pub(super) async fn move_refs(&self, repository: &Path, lines: String) -> Result<(), PortError> {
        let call = self.git.call(repository, "update-ref").args(["--stdin"]);
        let output = call.input(vec![lines.into()]).acts().run().await?;
        if output.errors.contains("cannot lock ref") {
            return Err(conflict(output.errors.trim().to_owned()));
        }
        output.ok().map(drop)
    }

    /// After the first commit of a repository: its branch is the one that a clone checks out.
    async fn settle_head(&self, repository: &Path, objects: &mut Objects, branch: &str) -> Result<(), PortError> {
        if git::in_time("cat-file", objects.info("HEAD")).await?.is_some() {
            return Ok(());
        }
        let (folder, default_branch) = (repository.to_owned(), branch.to_owned());
        let store = move || {
            let Some(mut metadata) = Metadata::load(&folder)? else { return Ok(()) };
            metadata.default_branch = default_branch;
            metadata.store(&folder)
        };
        // HEAD last: as long as it points nowhere, the same commit once more comes by here again.
        disk::blocking(store).await?;
        self.point_head(repository, &names::branch(branch)?).await
    }
}

/// Where `git fast-import` fails it writes a report into the repository. What it says is in the
/// error already; the reports would only pile up.
fn remove_crash_reports(repository: &Path) {
    for entry in std::fs::read_dir(repository).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("fast_import_crash_") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The line for `update-ref` that moves a ref from where it must be.
pub(super) fn moving(full_ref: &str, new: &str, old: Option<&str>) -> String {
    match old {
        Some(old) => format!("update {full_ref} {new} {old}\n"),
        None => format!("create {full_ref} {new}\n"),
    }
}

/// A name and address as Git takes them: without what would end them early.
pub(super) fn identity(who: Option<(&str, &str)>) -> (String, String) {
    let clean = |text: &str, otherwise: &str| {
        let kept: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
        let kept = kept.trim();
        if kept.is_empty() { otherwise.to_owned() } else { kept.to_owned() }
    };
    let (name, email) = who.unwrap_or(OURSELVES);
    (clean(name, OURSELVES.0), clean(email, OURSELVES.1))
}

/// Whether two commits differ at most in their dates and in what they stand on.
fn is_same(one: &Commit, other: &Commit) -> bool {
    one.tree == other.tree && one.message == other.message && one.author == other.author
}

/// Refuses what Git would take in another sense than it is meant.
fn check(draft: &Draft<'_>) -> Result<(), PortError> {
    if draft.message.len() > MAX_MESSAGE {
        return Err(invalid(format!("the message of a commit is longer than {} kB", MAX_MESSAGE >> 10)));
    }
    for (path, _) in draft.files.iter() {
        if path.as_str().split('/').any(names::is_git_folder) {
            return Err(invalid(format!("“{path}” is Git's own folder to some systems, which refuse to check it out")));
        }
        // A path cannot be a file and a folder: Git would silently drop the one that comes first.
        for (slash, _) in path.as_str().match_indices('/') {
            let folder = TreePath::new(path.as_str().split_at(slash).0).map_err(|e| invalid(e.to_string()))?;
            if draft.files.get(&folder).is_some() {
                return Err(invalid(format!("“{folder}” is a file, and a folder in “{path}”")));
            }
        }
    }
    Ok(())
}

/// What `git fast-import` reads. Contents are handed on as they are, not copied together.
fn stream(draft: &Draft<'_>, now: i64) -> Vec<Bytes> {
    let mut pieces: Vec<Bytes> = Vec::with_capacity(draft.files.len() * 2 + 2);
    let mut text = format!("feature done\ncommit {WAITING}\nmark :1\n");
    for (role, who) in [("author", draft.author), ("committer", None)] {
        let (name, email) = identity(who);
        put(&mut text, format_args!("{role} {name} <{email}> {now} +0000\n"));
    }
    let message = format!("{}\n", draft.message.replace('\0', "").trim_end());
    put(&mut text, format_args!("data {}\n{message}\n", message.len()));
    if let Some(parent) = draft.parent {
        put(&mut text, format_args!("from {parent}\n"));
    }
    match draft.change {
        Change::Whole => text.push_str("deleteall\n"),
        Change::Over { removed } => {
            for path in removed {
                put(&mut text, format_args!("D {}\n", quoted(path)));
            }
        }
    }
    for (path, file) in draft.files.iter() {
        let (mode, size) = (file.mode.git(), file.content.len());
        put(&mut text, format_args!("M {mode} inline {}\ndata {size}\n", quoted(path)));
        pieces.push(std::mem::take(&mut text).into());
        pieces.push(file.content.clone());
        text.push('\n');
    }
    // The empty line ends the commit; only then does its mark exist.
    text.push_str("\nget-mark :1\ndone\n");
    pieces.push(text.into());
    pieces
}

/// Writing to text cannot fail.
fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

/// A path in Git's quotes. All bytes but these three stand for themselves.
fn quoted(path: &TreePath) -> String {
    let mut out = String::with_capacity(path.as_str().len() + 2);
    out.push('"');
    for c in path.as_str().chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
