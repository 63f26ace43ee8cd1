//! Which names this host accepts, and how they become paths and refs. Nothing that a person or a
//! request wrote reaches the disk or a `git` call without passing here. Does not look anything up.

use crate::ports::PortError;
use crate::ports::code_host::RepositoryName;

use super::errors::invalid;

/// The longest owner, in bytes: GitHub's limit for a login.
const MAX_OWNER: usize = 39;
/// The longest repository name, in bytes: GitHub's limit.
const MAX_NAME: usize = 100;
/// The longest branch name, in bytes. It becomes a path with `.lock` behind it, and a part of a
/// path may have 255 bytes on the usual file systems; GitHub refuses above 255 as well.
const MAX_BRANCH: usize = 240;
/// The length of a full commit id (SHA-1, in hex): repositories here are made with SHA-1.
const FULL_ID: usize = 40;
/// The shortest abbreviated commit id that is looked up: Git's own default abbreviation.
const SHORT_ID: usize = 7;

/// Letters, digits and hyphens, not starting with a hyphen (it would look like an option).
pub(super) fn is_owner(text: &str) -> bool {
    (1..=MAX_OWNER).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// GitHub's rule for a repository's name.
pub(super) fn is_repository(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends_in_git = text.to_ascii_lowercase().ends_with(".git");
    (1..=MAX_NAME).contains(&bytes.len())
        && text != "."
        && text != ".."
        && !ends_in_git
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Refuses a name that is not for this host or not a name at all.
pub(super) fn check(host: &str, name: &RepositoryName) -> Result<(), PortError> {
    if name.host != host {
        return Err(invalid(format!("{name} is on {}, this host is {host}", name.host)));
    }
    if !is_owner(&name.owner) {
        return Err(invalid(format!("“{}” is not the name of an owner", name.owner)));
    }
    if !is_repository(&name.name) {
        return Err(invalid(format!("“{}” is not the name of a repository", name.name)));
    }
    Ok(())
}

/// Whether a part of a path is, to some file system, Git's own folder: without the characters that
/// macOS passes over, or as Windows shortens it. Git refuses to check such a path out anywhere.
pub(super) fn is_git_folder(part: &str) -> bool {
    let kept = |c: &char| !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = part.chars().filter(kept).collect::<String>().to_ascii_lowercase();
    let seen = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    matches!(seen, ".git" | "git~1")
}

/// Whether it is a full commit id.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == FULL_ID && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The full ref of a branch: `main` becomes `refs/heads/main`.
///
/// A name that looks like a commit id is refused (as GitHub does), so that nobody can put a
/// branch in the place of a commit that others have pinned.
pub(super) fn branch(text: &str) -> Result<String, PortError> {
    if is_ref_part(text) && !is_id(text) {
        Ok(format!("refs/heads/{text}"))
    } else {
        Err(invalid(format!("“{text}” is not the name of a branch")))
    }
}

/// How a branch, tag or commit may be meant, most likely first. A full id is only ever a commit.
pub(super) fn revision(at: &str) -> Result<Vec<String>, PortError> {
    if at == "HEAD" || is_id(at) {
        return Ok(vec![at.to_owned()]);
    }
    if !is_ref_part(at) {
        return Err(invalid(format!("“{at}” is not a branch, tag or commit")));
    }
    let mut meant = vec![format!("refs/heads/{at}"), format!("refs/tags/{at}")];
    if (SHORT_ID..FULL_ID).contains(&at.len()) && at.bytes().all(|b| b.is_ascii_hexdigit()) {
        meant.push(at.to_owned());
    }
    Ok(meant)
}

/// The rules of `git check-ref-format`, and no full ref: those are this host's own business.
fn is_ref_part(text: &str) -> bool {
    let bad = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    (1..=MAX_BRANCH).contains(&text.len())
        && text != "HEAD"
        && text != "@"
        && !text.starts_with("refs/")
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains(bad)
        && !text.contains("..")
        && !text.contains("@{")
        && text
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none())
}

#[cfg(test)]
mod tests {
    use super::is_git_folder;

    #[test]
    fn what_some_system_takes_for_gits_folder_is_known() {
        for bad in [".git", ".GIT", ".git. .", ".git::$INDEX_ALLOCATION", "GIT~1", ".g\u{200c}it"] {
            assert!(is_git_folder(bad), "{bad:?}");
        }
        for good in [".github", ".gitignore", "git", "git~2", "x.git"] {
            assert!(!is_git_folder(good), "{good:?}");
        }
    }
}
