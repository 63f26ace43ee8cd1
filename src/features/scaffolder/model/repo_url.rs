//! `host?owner=…&repo=…`: how templates name a repository.

use serde_json::{Value, json};

use crate::kernel::address::host_and_port;
use crate::ports::code_host::RepositoryName;

/// Reads a `repoUrl`.
///
/// # Errors
/// What is missing, in Backstage's words.
pub fn parse(text: &str) -> Result<RepositoryName, String> {
    let url = url::Url::parse(&format!("https://{text}"))
        .map_err(|e| format!("Invalid repo URL passed to publisher, got {text}, {e}"))?;
    let get = |name: &str| url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.trim_matches('/').to_owned());
    let required = |name: &str| {
        get(name)
            .filter(|v| !v.is_empty())
            .ok_or_else(|| format!("Invalid repo URL passed to publisher: {text}, missing {name}"))
    };
    let host = host_and_port(&url).unwrap_or_default();
    Ok(RepositoryName { host, owner: required("owner")?, name: required("repo")? })
}

/// As the filter `parseRepoUrl` gives it.
///
/// # Errors
/// As [`parse`].
pub fn to_value(text: &str) -> Result<Value, String> {
    let name = parse(text)?;
    Ok(json!({ "host": name.host, "owner": name.owner, "repo": name.name }))
}
