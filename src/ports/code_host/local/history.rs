//! What happened in a repository: its commits, and how two of them differ. Everything is bounded.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::errors::{not_found, unavailable};
use super::objects::Records;
use super::{LocalHost, git};
use crate::ports::PortError;
use crate::ports::code_host::RepositoryName;

/// The most commits that one call gives.
pub const MAX_HISTORY: usize = 200;
/// The largest difference that is given, in bytes; a person reads far less.
pub const MAX_DIFFERENCE: usize = 1 << 20;
/// One commit a group of fields, each ended by a NUL. Names and subjects are cut (and filled up)
/// to a width, since a commit may hold a subject of megabytes.
const FORMAT: &str = "--format=%H%x00%<(200,trunc)%an%x00%<(200,trunc)%ae%x00%at%x00%<(300,trunc)%s";

/// A commit in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its id.
    pub id: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// When the author says to have made it.
    pub date: DateTime<Utc>,
    /// The first line of its message, cut at 300 characters.
    pub subject: String,
}

/// How two commits differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// A unified diff, as `git diff` writes it; what is not UTF-8 in it is replaced.
    pub text: String,
    /// Whether the difference is larger than [`MAX_DIFFERENCE`]; the text then ends with the last
    /// line that fitted.
    pub truncated: bool,
}

impl LocalHost {
    /// The commits that led to a branch, tag or commit, newest first: at most `limit` (and at most
    /// [`MAX_HISTORY`]), from the one after the commit `after` (a full id of this same history).
    ///
    /// # Errors
    /// [`PortError::NotFound`], also if `after` is not in the history; else see [`PortError`].
    pub async fn history(
        &self,
        name: &RepositoryName,
        at: &str,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Vec<HistoryEntry>, PortError> {
        let repository = self.existing(name).await?;
        let mut objects = self.objects(&repository)?;
        let read = async {
            let from = objects.resolve(at).await?;
            let call = self.git.call(&repository, "log").args(["-z", FORMAT, "--end-of-options", &from, "--"]);
            page(Records::open(call, "log")?, limit.min(MAX_HISTORY), after).await
        };
        git::in_time("log", read).await
    }

    /// How the content at `to` differs from the content at `from`; each a branch, tag or commit.
    ///
    /// # Errors
    /// [`PortError::NotFound`]; else see [`PortError`].
    pub async fn difference(&self, name: &RepositoryName, from: &str, to: &str) -> Result<Difference, PortError> {
        let repository = self.existing(name).await?;
        let mut objects = self.objects(&repository)?;
        let ends = async { Ok((objects.resolve(from).await?, objects.resolve(to).await?)) };
        let (from, to) = git::in_time("cat-file", ends).await?;
        self.compare(&repository, &[&from, &to]).await
    }

    /// The difference between commits, given as `git diff` takes them.
    pub(super) async fn compare(&self, repository: &Path, ends: &[&str]) -> Result<Difference, PortError> {
        let call = self.git.call(repository, "diff");
        let call = call.args(["--no-color", "--no-ext-diff", "--no-textconv", "--find-renames"]).args(ends);
        let output = call.args(["--"]).limit(MAX_DIFFERENCE).run().await?;
        if !output.cut {
            let text = String::from_utf8_lossy(&output.ok()?).into_owned();
            return Ok(Difference { text, truncated: false });
        }
        let mut lines = output.out;
        lines.truncate(lines.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1));
        Ok(Difference { text: String::from_utf8_lossy(&lines).into_owned(), truncated: true })
    }
}

/// Walks from the newest commit, so that a page is right in a history with merges as well: there
/// the commit after `after` is often not its parent.
async fn page(mut records: Records, limit: usize, after: Option<&str>) -> Result<Vec<HistoryEntry>, PortError> {
    let mut waiting = after;
    let mut commits = Vec::new();
    while commits.len() < limit {
        let Some(id) = records.next().await? else {
            records.end().await?;
            return waiting.map_or(Ok(commits), |after| Err(not_found(format!("commit {after} in this history"))));
        };
        let mut fields = [const { String::new() }; 4];
        for field in &mut fields {
            let record = records.next().await?.ok_or_else(|| unavailable("git log ended within a commit"))?;
            String::from_utf8_lossy(&record).trim_end().clone_into(field);
        }
        let id = String::from_utf8_lossy(&id).into_owned();
        match waiting {
            Some(after) if after == id => waiting = None,
            Some(_) => {}
            None => commits.push(entry(id, fields)),
        }
    }
    Ok(commits)
}

/// A date that no calendar holds is shown as the first of all: one odd commit must not hide the
/// others.
fn entry(id: String, [author, email, date, subject]: [String; 4]) -> HistoryEntry {
    let seconds = date.parse().unwrap_or_default();
    HistoryEntry { id, author, email, date: DateTime::from_timestamp(seconds, 0).unwrap_or_default(), subject }
}
