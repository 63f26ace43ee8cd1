//! Single files, and what a branch, tag or commit stands for.

use reqwest::header::{CONTENT_TYPE, ETAG};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::super::{Fetched, MAX_FILE, RepositoryName};
use super::client::{Answer, Call, RAW, SHA};
use super::commit::Git;
use super::repositories::settle;
use super::{GitHub, names};
use crate::kernel::tree::TreePath;
use crate::ports::PortError;

/// How long a commit's id is.
const SHA_HEX: usize = 40;

/// One file at a branch, tag or commit.
pub(super) async fn file(
    github: &GitHub,
    name: &RepositoryName,
    at: &str,
    path: &str,
    known: Option<&str>,
) -> Result<Fetched, PortError> {
    let repository = names::repository(github, name)?;
    let path = TreePath::new(path).map_err(|e| github.client.invalid(e.to_string()))?;
    settle(github, name).await?;
    let what = format!("{path} in {name} at {at}");
    let address = format!("{repository}/contents/{}?ref={}", names::parts(path.as_str()), names::part(at));
    let answer = github.client.send(&Call::get(address, &what).form(RAW, MAX_FILE).unless(known)).await?;
    if answer.status == StatusCode::NOT_MODIFIED {
        return Ok(Fetched::NotModified);
    }
    if is_description(&answer) {
        return Err(github.client.not_found(format!("{what}, as a file,")));
    }
    let etag = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    Ok(Fetched::Content { bytes: answer.body, etag })
}

/// Whether the answer describes a folder or a submodule: for those GitHub sends JSON, whatever was
/// asked for. A JSON file of a repository has the raw media type, and is not a list of entries.
fn is_description(answer: &Answer) -> bool {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return false;
    }
    let entry = |v: &Value| ["type", "sha", "path", "_links"].iter().all(|key| v.get(key).is_some());
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Array(entries)) => entries.iter().all(entry),
        Ok(other) => entry(&other),
        Err(_) => false,
    }
}

/// The id of the commit that a branch, tag or commit id stands for.
pub(super) async fn commit_id(git: &Git<'_>, at: &str) -> Result<String, PortError> {
    let address = format!("{}/commits/{}", git.path, names::parts(at));
    let call = Call::new(Method::GET, address, format!("{at} in {}", git.name)).form(SHA, MAX_FILE);
    let answer = git.github.client.send(&call).await?;
    let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
    if text.len() == SHA_HEX && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err(git.github.client.invalid(format!("{at} in {} did not lead to a commit", git.name)))
}
