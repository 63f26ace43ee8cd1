//! Names on GitHub: which ones can be sent, and how they are written into an address.

use super::super::RepositoryName;
use super::GitHub;
use crate::ports::PortError;

/// The longest name of a repository (docs, "Creating a new repository"; dead-claudia/github-limits).
const MAX_NAME: usize = 100;
/// The longest slug of a team; people's and organizations' names are far shorter.
const MAX_SLUG: usize = 255;

/// `/repos/{owner}/{name}`, once it is sure that the name is one that GitHub takes as it is and
/// that it is meant for this host. GitHub changes other names without a word (`my app` becomes
/// `my-app`), so a name that it would change is refused here, before anything is made.
pub(super) fn repository(github: &GitHub, name: &RepositoryName) -> Result<String, PortError> {
    if !name.host.eq_ignore_ascii_case(&github.host) {
        return Err(github.client.invalid(format!("{} is not on {}", name.host, github.host)));
    }
    owner(github, &name.owner)?;
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let reserved = matches!(name.name.as_str(), "." | "..")
        || [".git", ".wiki"].iter().any(|end| name.name.to_ascii_lowercase().ends_with(end));
    if name.name.is_empty() || name.name.len() > MAX_NAME || !name.name.chars().all(ok) || reserved {
        return Err(github.client.invalid(format!(
            "“{}” cannot be the name of a repository: letters, digits, “-”, “_” and “.”, at most {MAX_NAME}",
            name.name
        )));
    }
    Ok(format!("/repos/{}/{}", name.owner, name.name))
}

/// Checks the name of an organization, a person or a team. Underscores are part of the names in
/// enterprises that manage their people's accounts.
pub(super) fn owner(github: &GitHub, owner: &str) -> Result<(), PortError> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if owner.is_empty() || owner.len() > MAX_SLUG || !owner.chars().all(ok) {
        return Err(github.client.invalid(format!("“{owner}” cannot be the name of an owner or a team")));
    }
    Ok(())
}

/// Checks the name of a branch by Git's rules (`git check-ref-format`), before it becomes part of an
/// address: `..` would lead to another one.
pub(super) fn branch(github: &GitHub, branch: &str) -> Result<(), PortError> {
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let part_ok = |part: &str| !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none();
    let whole_ok = !branch.contains(bad) && !branch.contains("..") && !branch.contains("@{") && !branch.ends_with('.');
    if whole_ok && branch.split('/').all(part_ok) {
        return Ok(());
    }
    Err(github.client.invalid(format!("“{branch}” cannot be the name of a branch")))
}

/// One part of an address: everything but unreserved characters is written as `%XX`, `/` too.
pub(super) fn part(text: &str) -> String {
    encode(text, false)
}

/// Several parts of an address: like [`part`], but `/` stays. References and file paths are sent
/// so; GitHub does not know `%2F` in them (go-github, `refURLEscape`).
pub(super) fn parts(text: &str) -> String {
    encode(text, true)
}

fn encode(text: &str, keep_slash: bool) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
