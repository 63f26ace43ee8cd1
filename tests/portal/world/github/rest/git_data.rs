//! The Git data calls, but for trees.

use base64::Engine as _;
use serde_json::{Value, json};

use super::super::git::{Commit, Kind, Signature};
use super::super::reply::{Outcome, Reply, not_found, refuse};
use super::super::shapes;
use super::super::state::Level;
use super::Ask;

/// REST, "Get a reference".
pub fn get_ref(ask: &mut Ask<'_>) -> Outcome {
    let name = format!("refs/{}", ask.param("ref"));
    let base = ask.base.clone();
    let repo = ask.repo_with_commits(Level::Read)?;
    let sha = repo.git.refs.get(&name).ok_or_else(not_found)?;
    Ok(Reply::json(200, &shapes::git_ref(&base, repo, &name, sha)))
}

/// REST, "List matching references": by how the name begins.
pub fn matching_refs(ask: &mut Ask<'_>) -> Outcome {
    let prefix = format!("refs/{}", ask.param("ref"));
    let base = ask.base.clone();
    let repo = ask.repo_with_commits(Level::Read)?;
    let found = repo.git.refs.iter().filter(|(name, _)| name.starts_with(&prefix));
    let found: Vec<Value> = found.map(|(name, sha)| shapes::git_ref(&base, repo, name, sha)).collect();
    Ok(Reply::json(200, &Value::Array(found)))
}

/// REST, "Create a reference".
pub fn create_ref(ask: &mut Ask<'_>) -> Outcome {
    let (name, sha) = (ask.text("ref").unwrap_or_default().to_owned(), ask.text("sha").unwrap_or_default().to_owned());
    let base = ask.base.clone();
    let repo = ask.repo_with_commits(Level::Write)?;
    let last = name.splitn(3, '/').nth(2).unwrap_or_default();
    let whole = name.starts_with("refs/") && !last.is_empty() && !last.ends_with('/') && !last.contains("..");
    if !whole || last.contains([' ', '~', '^', ':', '?', '*', '[', '\\']) {
        // LasyIsLazy/github-upload-action issue 13.
        return Err(refuse(422, &format!("{name} is not a valid ref name.")));
    }
    if repo.git.get(Kind::Commit, &sha).is_none() {
        return Err(refuse(422, "Object does not exist"));
    }
    if repo.git.refs.contains_key(&name) {
        // renovatebot/renovate issue 20281's trace.
        return Err(refuse(422, "Reference already exists"));
    }
    // Git itself cannot have `a` beside `a/b`.
    let clash = |other: &String| other.starts_with(&format!("{name}/")) || name.starts_with(&format!("{other}/"));
    if repo.git.refs.keys().any(clash) {
        return Err(refuse(422, "Reference update failed"));
    }
    repo.git.refs.insert(name.clone(), sha.clone());
    Ok(Reply::json(201, &shapes::git_ref(&base, repo, &name, &sha)))
}

/// REST, "Update a reference".
pub fn update_ref(ask: &mut Ask<'_>) -> Outcome {
    let name = format!("refs/{}", ask.param("ref"));
    let (sha, force) = (ask.text("sha").unwrap_or_default().to_owned(), ask.body["force"] == true);
    let base = ask.base.clone();
    let repo = ask.repo_with_commits(Level::Write)?;
    // Mergifyio/mergify pull request 2906.
    let old = repo.git.refs.get(&name).cloned().ok_or_else(|| refuse(422, "Reference does not exist"))?;
    if repo.git.get(Kind::Commit, &sha).is_none() {
        return Err(refuse(422, "Object does not exist"));
    }
    if !force && !repo.git.stands_on(&sha, &old) {
        // philschatz/octokit.js issue 21.
        return Err(refuse(422, "Update is not a fast forward"));
    }
    repo.git.refs.insert(name.clone(), sha.clone());
    Ok(Reply::json(200, &shapes::git_ref(&base, repo, &name, &sha)))
}

/// REST, "Delete a reference". The words for the default branch are assumed: no source was found.
pub fn delete_ref(ask: &mut Ask<'_>) -> Outcome {
    let name = format!("refs/{}", ask.param("ref"));
    let repo = ask.repo_with_commits(Level::Write)?;
    if name == format!("refs/heads/{}", repo.default_branch) {
        return Err(refuse(422, "Cannot delete the default branch"));
    }
    if repo.git.refs.remove(&name).is_none() {
        return Err(refuse(422, "Reference does not exist"));
    }
    Ok(Reply::nothing())
}

/// REST, "Create a blob".
pub fn create_blob(ask: &mut Ask<'_>) -> Outcome {
    let content = ask.text("content").unwrap_or_default().to_owned();
    let content = match ask.text("encoding").unwrap_or("utf-8") {
        "utf-8" => content.into_bytes(),
        // The words are assumed: no source was found.
        "base64" => base64::prelude::BASE64_STANDARD
            .decode(content.replace('\n', ""))
            .map_err(|_| refuse(422, "content is not valid Base64"))?,
        other => return Err(refuse(422, &format!("{other} is not a supported encoding"))),
    };
    let api = ask.base.api.clone();
    let repo = ask.repo_with_commits(Level::Write)?;
    let sha = repo.git.put(Kind::Blob, content);
    let url = format!("{api}/repos/{}/git/blobs/{sha}", repo.full_name());
    Ok(Reply::json(201, &json!({ "sha": sha, "url": url })))
}

/// REST, "Get a blob": base64 in lines of sixty, or raw.
pub fn get_blob(ask: &mut Ask<'_>) -> Outcome {
    let (sha, raw, api) = (ask.param("file_sha"), ask.wants("raw"), ask.base.api.clone());
    let repo = ask.repo_with_commits(Level::Read)?;
    let content = repo.git.get(Kind::Blob, &sha).ok_or_else(not_found)?;
    if raw {
        return Ok(Reply::bytes("application/vnd.github.raw+json; charset=utf-8", content.to_vec()));
    }
    Ok(Reply::json(
        200,
        &json!({
            "sha": sha, "node_id": shapes::node_id("Blob", &sha), "size": content.len(),
            "url": format!("{api}/repos/{}/git/blobs/{sha}", repo.full_name()),
            "content": lines(content), "encoding": "base64",
        }),
    ))
}

/// Base64 as GitHub breaks it.
pub fn lines(content: &[u8]) -> String {
    let text = base64::prelude::BASE64_STANDARD.encode(content);
    let lines: Vec<_> = text.as_bytes().chunks(60).map(String::from_utf8_lossy).collect();
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// REST, "Create a commit".
pub fn create_commit(ask: &mut Ask<'_>) -> Outcome {
    let body = ask.body.clone();
    let author = signature(ask, &body["author"]);
    // "By default, `committer` will use the information set in `author`."
    let committer = if body["committer"].is_object() { signature(ask, &body["committer"]) } else { author.clone() };
    let parents: Vec<String> =
        body["parents"].as_array().into_iter().flatten().filter_map(|p| p.as_str().map(str::to_owned)).collect();
    let base = ask.base.clone();
    let repo = ask.repo_with_commits(Level::Write)?;
    let tree = body["tree"].as_str().unwrap_or_default().to_owned();
    if repo.git.get(Kind::Tree, &tree).is_none() {
        // osunyorg/admin issue 4384.
        return Err(refuse(422, "Tree SHA does not exist"));
    }
    if parents.iter().any(|p| repo.git.get(Kind::Commit, p).is_none()) {
        return Err(refuse(422, "Parent SHA does not exist or is not a commit object"));
    }
    let message = body["message"].as_str().unwrap_or_default().to_owned();
    let commit = Commit { tree, parents, author, committer, message };
    let sha = repo.git.put_commit(&commit);
    Ok(Reply::json(201, &shapes::git_commit(&base, repo, &sha, &commit)))
}

fn signature(ask: &Ask<'_>, given: &Value) -> Signature {
    let own = ask.caller.login().unwrap_or("app[bot]");
    let text = |key: &str| given[key].as_str().map(str::to_owned);
    let time = text("date").and_then(|d| chrono::DateTime::parse_from_rfc3339(&d).ok());
    Signature {
        name: text("name").unwrap_or_else(|| own.to_owned()),
        email: text("email").unwrap_or_else(|| format!("{own}@users.noreply.example")),
        time: time.map_or_else(|| chrono::Utc::now().timestamp(), |t| t.timestamp()),
    }
}

/// REST, "Get a commit object".
pub fn get_commit(ask: &mut Ask<'_>) -> Outcome {
    let (sha, base) = (ask.param("commit_sha"), ask.base.clone());
    let repo = ask.repo_with_commits(Level::Read)?;
    let commit = repo.git.commit(&sha).ok_or_else(not_found)?;
    Ok(Reply::json(200, &shapes::git_commit(&base, repo, &sha, &commit)))
}
