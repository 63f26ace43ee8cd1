//! Trees: the call by which most of a commit goes, and their listings.

use serde_json::{Value, json};

use super::super::access;
use super::super::git::{Entry, Flat, Git, Kind};
use super::super::reply::{Outcome, Reply, not_found, refuse, unprocessable};
use super::super::state::{Level, Repo};
use super::Ask;

const WORKFLOWS: &str = ".github/workflows/";

/// REST, "Create a tree".
pub fn create(ask: &mut Ask<'_>) -> Outcome {
    let entries = ask.body["tree"].as_array().cloned().unwrap_or_default();
    let base = ask.text("base_tree").map(str::to_owned);
    let workflows = access::may_write_workflows(&ask.caller);
    let hidden = if ask.caller.scopes().is_some() { not_found() } else { access::not_accessible(&ask.caller) };
    let (limit, api) = (ask.state.options.inline_limit, ask.base.api.clone());
    let repo = ask.repo_with_commits(Level::Write)?;
    if entries.is_empty() {
        return Err(refuse(422, "Invalid tree info"));
    }
    let touches = |e: &Value| e["path"].as_str().is_some_and(|p| p.starts_with(WORKFLOWS));
    if !workflows && entries.iter().any(touches) {
        // octokit/rest.js issue 368: a 404 for want of the `workflow` scope.
        return Err(hidden);
    }
    let inline: Vec<&str> = entries.iter().filter_map(|e| e["content"].as_str()).collect();
    if inline.len() > limit.0 || inline.iter().map(|c| c.len()).sum::<usize>() > limit.1 {
        // googleapis/code-suggester issue 397.
        let message = "Sorry, your request timed out. It's likely that your input was too large to process. Consider \
                       building the tree incrementally, or building the commits you need in a local clone of the \
                       repository and then pushing them to GitHub.";
        return Err(refuse(422, message));
    }
    let mut flat = match &base {
        None => Flat::new(),
        // sigmavirus24/github3.py issue 522.
        Some(base) => repo.git.flat(base).ok_or_else(|| refuse(422, "base_tree is not a valid tree oid"))?,
    };
    for entry in &entries {
        put(&mut repo.git, &mut flat, entry)?;
    }
    let paths: Vec<&String> = flat.keys().collect();
    if paths.windows(2).any(|pair| pair[1].starts_with(&format!("{}/", pair[0]))) {
        // osunyorg/admin issue 3732: a file where a folder is.
        return Err(refuse(422, "GitRPC::BadObjectState"));
    }
    let sha = repo.git.put_flat(&flat);
    let listed = repo.git.tree(&sha).unwrap_or_default();
    Ok(Reply::json(201, &listing(&api, repo, &sha, &listed, usize::MAX)))
}

/// Puts one entry of the call into the tree. The words for malformed paths and for neither content
/// nor id are assumed: no source was found.
fn put(git: &mut Git, flat: &mut Flat, entry: &Value) -> Result<(), Reply> {
    let path = entry["path"].as_str().unwrap_or_default().to_owned();
    if path.starts_with('/') || path.is_empty() {
        return Err(refuse(422, "tree.path cannot start with a slash"));
    }
    if path.split('/').any(|part| part.is_empty() || part == "." || part == ".." || part.eq_ignore_ascii_case(".git")) {
        return Err(refuse(422, "tree.path contains a malformed path component"));
    }
    let mode = entry["mode"].as_str().unwrap_or("100644").to_owned();
    let sha = match (entry.get("sha"), entry.get("content").and_then(Value::as_str)) {
        (Some(_), Some(_)) => {
            return Err(refuse(422, "Must supply either tree.sha or tree.content, not both"));
        }
        // Ruby calls an empty text blank; whether GitHub does here is not known, so we do.
        (None, None | Some("")) => return Err(refuse(422, "Must supply either tree.sha or tree.content")),
        (None, Some(content)) => git.put(Kind::Blob, content.as_bytes().to_vec()),
        (Some(Value::Null), None) => return delete(flat, &path),
        (Some(sha), None) => sha.as_str().unwrap_or_default().to_owned(),
    };
    let below = format!("{path}/");
    flat.retain(|other, _| *other != path && !other.starts_with(&below));
    if mode == "040000" {
        let tree = git.flat(&sha).ok_or_else(|| refuse(422, &format!("tree.sha {sha} is not a valid tree")))?;
        flat.extend(tree.into_iter().map(|(name, file)| (format!("{below}{name}"), file)));
        return Ok(());
    }
    if mode != "160000" && git.get(Kind::Blob, &sha).is_none() {
        // BetaHuhn/repo-file-sync-action issue 349.
        return Err(refuse(422, &format!("tree.sha {sha} is not a valid blob")));
    }
    flat.insert(path, (mode, sha));
    Ok(())
}

/// "Returns an error if you try to delete a file that does not exist."
fn delete(flat: &mut Flat, path: &str) -> Result<(), Reply> {
    let (before, below) = (flat.len(), format!("{path}/"));
    flat.retain(|other, _| other != path && !other.starts_with(&below));
    if flat.len() == before {
        return Err(unprocessable("GitRPC::BadObjectState", &json!([])));
    }
    Ok(())
}

/// REST, "Get a tree": by id or by reference; recursive if the parameter is there at all.
pub fn get(ask: &mut Ask<'_>) -> Outcome {
    let (at, recursive) = (ask.param("tree_sha"), ask.query("recursive").is_some());
    let (limit, api) = (ask.state.options.tree_limit, ask.base.api.clone());
    let repo = ask.repo_with_commits(Level::Read)?;
    let by_ref = || repo.git.resolve(&at).and_then(|c| repo.git.commit(&c)).map(|c| c.tree);
    let sha = repo.git.get(Kind::Tree, &at).map(|_| at.clone()).or_else(by_ref).ok_or_else(not_found)?;
    let entries = if recursive { repo.git.walk(&sha) } else { repo.git.tree(&sha).unwrap_or_default() };
    Ok(Reply::json(200, &listing(&api, repo, &sha, &entries, limit)))
}

fn listing(api: &str, repo: &Repo, sha: &str, entries: &[Entry], limit: usize) -> Value {
    let at = |kind: &str, sha: &str| format!("{api}/repos/{}/git/{kind}s/{sha}", repo.full_name());
    let shown: Vec<Value> = entries
        .iter()
        .take(limit)
        .map(|e| {
            let kind = if e.is_tree() {
                "tree"
            } else if e.mode == "160000" {
                "commit"
            } else {
                "blob"
            };
            // GitHub writes a folder's mode with six digits, Git with five.
            let mode = format!("{:0>6}", e.mode);
            let mut shown =
                json!({ "path": e.name, "mode": mode, "type": kind, "sha": e.sha, "url": at(kind, &e.sha) });
            if kind == "blob" {
                shown["size"] = json!(repo.git.get(Kind::Blob, &e.sha).map_or(0, <[u8]>::len));
            }
            shown
        })
        .collect();
    json!({ "sha": sha, "url": at("tree", sha), "tree": shown, "truncated": entries.len() > limit })
}
