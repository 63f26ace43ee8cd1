//! What a page about a repository shows: its branches, the entries of a folder, how large it is.
//! Everything is bounded. History and differences are in `history.rs`.

use super::errors::unavailable;
use super::objects::{TreeLine, folder as find_folder, list, next_line};
use super::{LocalHost, git};
use crate::kernel::tree::Mode;
use crate::ports::PortError;
use crate::ports::code_host::RepositoryName;

/// The most branches that are listed.
const MAX_BRANCHES: usize = 1_000;
/// The most entries of one folder that are listed. GitHub's contents API gives up to 1,000 and
/// its pages cut there as well.
const MAX_ENTRIES: usize = 1_000;

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name, for example `main`.
    pub name: String,
    /// The commit that it is at.
    pub commit: String,
    /// Whether a clone checks it out.
    pub is_default: bool,
    /// Whether pushing to it is refused.
    pub is_protected: bool,
}

/// What stands in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Folders first, then the others, each in Git's order.
    pub entries: Vec<Entry>,
    /// Whether the folder holds more than is listed (1,000 entries).
    pub truncated: bool,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; what is not UTF-8 in it is replaced.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes; 0 for what is not a file or link.
    pub size: u64,
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link.
    Link,
    /// Another repository that is pinned here.
    Submodule,
}

impl LocalHost {
    /// The branches, ordered by name, at most 1,000.
    ///
    /// # Errors
    /// [`PortError::NotFound`] without such a repository; else see [`PortError`].
    pub async fn branches(&self, name: &RepositoryName) -> Result<Vec<Branch>, PortError> {
        let repository = self.existing(name).await?;
        let metadata = self.metadata(name).await?;
        let count = format!("--count={MAX_BRANCHES}");
        let call = self.git.call(&repository, "for-each-ref");
        let call = call.args([&count, "--format=%(objectname) %(refname:lstrip=2)", "refs/heads"]);
        let said = call.run().await?.ok()?;
        // The name of a branch holds neither a space nor a newline.
        let said = String::from_utf8_lossy(&said);
        let lines = said.lines().filter_map(|line| line.split_once(' '));
        let branches = lines.map(|(commit, branch)| Branch {
            name: branch.to_owned(),
            commit: commit.to_owned(),
            is_default: branch == metadata.default_branch,
            is_protected: metadata.protection.contains_key(branch),
        });
        Ok(branches.collect())
    }

    /// The entries of a folder (`""` for the topmost) at a branch, tag or commit.
    ///
    /// # Errors
    /// [`PortError::NotFound`], also without such a folder; [`PortError::Invalid`] for a path that
    /// climbs out; else see [`PortError`].
    pub async fn entries(&self, name: &RepositoryName, at: &str, folder: &str) -> Result<Folder, PortError> {
        let repository = self.existing(name).await?;
        let mut objects = self.objects(&repository)?;
        let read = async {
            let commit = objects.resolve(at).await?;
            let tree = find_folder(&mut objects, &commit, folder).await?;
            let mut lines = list(&self.git, &repository, &tree, false)?;
            let mut found = Folder { entries: Vec::new(), truncated: false };
            while let Some(line) = next_line(&mut lines).await? {
                if found.entries.len() == MAX_ENTRIES {
                    found.truncated = true;
                    break;
                }
                found.entries.extend(entry(&line));
            }
            found.entries.sort_by_key(|entry| entry.kind != EntryKind::Folder);
            Ok(found)
        };
        git::in_time("ls-tree", read).await
    }

    /// How much room its objects take up on the disk, in bytes.
    ///
    /// # Errors
    /// [`PortError::NotFound`] without such a repository; else see [`PortError`].
    pub async fn size(&self, name: &RepositoryName) -> Result<u64, PortError> {
        let repository = self.existing(name).await?;
        let said = self.git.call(&repository, "count-objects").args(["-v"]).run().await?.line()?;
        let kilobytes = |key: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            line.and_then(|number| number.parse::<u64>().ok())
                .ok_or_else(|| unavailable(format!("git count-objects did not say “{key}”")))
        };
        Ok(kilobytes("size")?.saturating_add(kilobytes("size-pack")?).saturating_mul(1024))
    }
}

fn entry(line: &TreeLine) -> Option<Entry> {
    let kind = match (line.object.kind.as_str(), Mode::from_git(&line.mode)) {
        ("tree", _) => EntryKind::Folder,
        ("commit", _) => EntryKind::Submodule,
        (_, Some(Mode::Symlink)) => EntryKind::Link,
        (_, Some(Mode::Executable)) => EntryKind::Executable,
        (_, Some(Mode::Regular)) => EntryKind::File,
        (_, None) => return None,
    };
    Some(Entry { name: String::from_utf8_lossy(&line.path).into_owned(), kind, size: line.object.size })
}
