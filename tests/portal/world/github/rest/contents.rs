//! Files as people see them: contents, commits, archives.

use serde_json::{Value, json};

use super::super::git::{Entry, Kind};
use super::super::reply::{Outcome, Reply, not_found, refuse, unprocessable};
use super::super::shapes::{self, Base};
use super::super::state::{Level, Repo, State};
use super::Ask;
use super::git_data::lines;

/// Files up to this size are in the JSON; larger ones only raw (REST, "Get repository content").
const MAX_JSON: usize = 1 << 20;
/// Files over this size are not given at all.
const MAX_RAW: usize = 100 << 20;

/// REST, "Get a commit".
pub fn commit(ask: &mut Ask<'_>) -> Outcome {
    let (at, only_sha, base) = (ask.param("ref"), ask.wants("sha"), ask.base.clone());
    let repo = ask.repo_with_commits(Level::Read)?;
    let Some(sha) = repo.git.resolve(&at) else {
        // An unknown name and an unknown id read alike here.
        return Err(refuse(422, &format!("No commit found for SHA: {at}")));
    };
    if only_sha {
        return Ok(Reply::bytes("application/vnd.github.sha; charset=utf-8", sha.into_bytes()));
    }
    let commit = repo.git.commit(&sha).ok_or_else(not_found)?;
    Ok(Reply::json(200, &shapes::commit(&base, repo, &sha, &commit)))
}

/// REST, "Get repository content".
pub fn get(ask: &mut Ask<'_>) -> Outcome {
    let path = ask.param("path");
    let at = ask.query("ref").map(str::to_owned);
    let (raw, base) = (ask.wants("raw"), ask.base.clone());
    let repo = ask.repo(Level::Read)?;
    if repo.git.refs.is_empty() || repo.ready_at > std::time::Instant::now() {
        return Err(refuse(404, "This repository is empty."));
    }
    let at = at.unwrap_or_else(|| repo.default_branch.clone());
    let sha = repo.git.resolve(&at).ok_or_else(|| refuse(404, &format!("No commit found for the ref {at}")))?;
    let root = repo.git.commit(&sha).ok_or_else(not_found)?.tree;
    let all = repo.git.walk(&root);
    let path = path.trim_matches('/').to_owned();
    let entry = all.iter().find(|e| e.name == path).ok_or_else(not_found)?;
    if entry.is_tree() {
        // A folder is listed, whatever form was asked for.
        let inside = all.iter().filter(|e| e.name.rsplit_once('/').is_some_and(|(above, _)| above == path));
        let listed: Vec<Value> = inside.map(|e| description(&base, repo, &at, e, None)).collect();
        return Ok(Reply::json(200, &Value::Array(listed)));
    }
    let entry = follow(repo, &all, entry).unwrap_or(entry).clone();
    let content = repo.git.get(Kind::Blob, &entry.sha).ok_or_else(not_found)?;
    if content.len() > MAX_RAW {
        return Err(too_large());
    }
    if raw {
        return Ok(Reply::bytes("application/vnd.github.raw+json; charset=utf-8", content.to_vec()));
    }
    let shown = Entry { name: path, ..entry.clone() };
    Ok(Reply::json(200, &description(&base, repo, &at, &shown, Some(content))))
}

/// "If the content is a symlink and the symlink's target is a normal file in the repository, then
/// the API responds with the content of the file."
fn follow<'a>(repo: &Repo, all: &'a [Entry], entry: &Entry) -> Option<&'a Entry> {
    if entry.mode != "120000" {
        return None;
    }
    let target = String::from_utf8_lossy(repo.git.get(Kind::Blob, &entry.sha)?).into_owned();
    let folder = entry.name.rsplit_once('/').map_or("", |(above, _)| above);
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let target = parts.join("/");
    all.iter().find(|e| e.name == target && e.mode.starts_with("100"))
}

fn too_large() -> Reply {
    let errors = json!([{ "resource": "Blob", "field": "data", "code": "too_large" }]);
    let mut reply = unprocessable("This API returns blobs up to 100 MB in size.", &errors);
    reply.status = 403;
    reply
}

fn description(base: &Base, repo: &Repo, at: &str, entry: &Entry, content: Option<&[u8]>) -> Value {
    let api = format!("{}/repos/{}", base.api, repo.full_name());
    let kind = if entry.is_tree() {
        "dir"
    } else if entry.mode == "120000" {
        "symlink"
    } else {
        "file"
    };
    let size = repo.git.get(Kind::Blob, &entry.sha).map_or(0, <[u8]>::len);
    let url = format!("{api}/contents/{}?ref={at}", entry.name);
    let git_url = format!("{api}/git/{}/{}", if entry.is_tree() { "trees" } else { "blobs" }, entry.sha);
    let html_url = format!("{}/{}/blob/{at}/{}", base.web, repo.full_name(), entry.name);
    let mut shown = json!({
        "type": if content.is_some() { "file" } else { kind }, "size": size,
        "name": entry.name.rsplit('/').next().unwrap_or_default(), "path": entry.name, "sha": entry.sha,
        "url": url, "git_url": git_url, "html_url": html_url,
        "download_url": format!("{}/raw/{}/{at}/{}", base.web, repo.full_name(), entry.name),
        "_links": { "self": url, "git": git_url, "html": html_url },
    });
    if let Some(content) = content {
        let fits = content.len() <= MAX_JSON;
        shown["encoding"] = json!(if fits { "base64" } else { "none" });
        shown["content"] = json!(if fits { lines(content) } else { String::new() });
    }
    shown
}

/// REST, "Download a repository archive (tar)": a redirect to another host.
pub fn tarball(ask: &mut Ask<'_>) -> Outcome {
    let (at, base) = (ask.param("ref"), ask.base.clone());
    let repo = ask.repo(Level::Read)?;
    let sha = repo.git.resolve(&at).ok_or_else(not_found)?;
    let location = format!("{}/{}/legacy.tar.gz/{sha}?token=ARCHIVE", base.codeload, repo.full_name());
    Ok(Reply::redirect(302, &location))
}

/// What `git archive` writes: one folder, named after the commit; nothing that is marked
/// `export-ignore`; the commit's id for `$Format:%H$` where `export-subst` is (gitattributes(5)).
pub fn archive(state: &State, full_name: &str, sha: &str) -> Option<Vec<u8>> {
    let (owner, name) = full_name.split_once('/')?;
    let repo = state.repo(owner, name)?;
    let flat = repo.git.flat(&repo.git.commit(sha)?.tree)?;
    let attributes = flat.get(".gitattributes").and_then(|(_, sha)| repo.git.get(Kind::Blob, sha)).unwrap_or_default();
    let attributes = String::from_utf8_lossy(attributes).into_owned();
    let marked = |path: &str, mark: &str| {
        let with = attributes.lines().filter_map(|l| l.strip_suffix(mark)).map(|p| p.trim_matches(['/', ' ']));
        with.into_iter().any(|p| path == p || path.starts_with(&format!("{p}/")))
    };
    let top = format!("{owner}-{name}-{}", &sha[..7]);
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let comment = format!("52 comment={sha}\n");
    let mut global = tar::Header::new_ustar();
    global.set_entry_type(tar::EntryType::XGlobalHeader);
    global.set_size(comment.len() as u64);
    builder.append_data(&mut global, "pax_global_header", comment.as_bytes()).ok()?;
    for (path, (mode, blob)) in &flat {
        if marked(path, " export-ignore") {
            continue;
        }
        let mut content = repo.git.get(Kind::Blob, blob)?.to_vec();
        if marked(path, " export-subst") {
            content = String::from_utf8_lossy(&content).replace("$Format:%H$", sha).into_bytes();
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(if mode == "100755" { 0o775 } else { 0o664 });
        let path = format!("{top}/{path}");
        if mode == "120000" {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, path, String::from_utf8_lossy(&content).into_owned()).ok()?;
        } else {
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, content.as_slice()).ok()?;
        }
    }
    builder.into_inner().ok()?.finish().ok()
}
