//! Trees of files, written and read.

use std::collections::HashMap;
use std::io::Read as _;

use base64::Engine as _;
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::RepositoryName;
use super::client::{Call, RAW};
use super::commit::Git;
use super::repositories::settle;
use super::wire::{Entry, Listing, Sha};
use super::{GitHub, names, read};
use crate::kernel::tree::{File, MAX_BYTES, MAX_FILES, Mode, Tree, TreeError, TreePath};
use crate::ports::PortError;

/// The largest text that is sent inside the tree call; larger ones are sent as blobs.
const MAX_INLINE: usize = 512 << 10;
/// How many files, and how many bytes of text, one tree call carries. GitHub gives up after ten
/// seconds ("Consider building the tree incrementally"), which people have met from about 200 files
/// or 2.5 MB on (codesandbox-client issue 8614, ir-engine pull request 647).
const CHUNK_FILES: usize = 100;
const CHUNK_BYTES: usize = 1 << 20;
/// Up to so many files are fetched one by one; more of them as one archive.
const FEW: usize = 30;
/// How many of them at a time (docs, "Best practices": no great concurrency).
const AT_A_TIME: usize = 4;
/// How many files are fetched one by one at most where the archive does not help: a tenth of what
/// GitHub lets us ask in an hour.
const MANY: usize = 500;
/// How much of an unpacked archive is gone through. It is the whole repository, while we may want
/// only a folder, so it may be larger than what we keep; nothing of it is kept.
const MAX_UNPACKED: u64 = 1 << 30;
/// Where workflows live. Writing there needs a permission of its own.
const WORKFLOWS: &str = ".github/workflows/";

/// Writes the files as one tree and returns its id.
pub(super) async fn write(git: &Git<'_>, files: &Tree) -> Result<String, PortError> {
    let mut blobs: HashMap<Bytes, String> = HashMap::new();
    let mut chunk: Vec<Value> = Vec::new();
    let (mut bytes, mut left) = (0, files.len());
    let mut base: Option<String> = None;
    for (path, file) in files.iter() {
        let mut entry = json!({ "path": path.as_str(), "mode": file.mode.git(), "type": "blob" });
        match inline(file) {
            Some(text) => {
                entry["content"] = json!(text);
                bytes += text.len();
            }
            None => entry["sha"] = json!(blob(git, &mut blobs, &file.content).await?),
        }
        chunk.push(entry);
        left -= 1;
        if left == 0 || chunk.len() >= CHUNK_FILES || bytes >= CHUNK_BYTES {
            let made = write_chunk(git, std::mem::take(&mut chunk), base.as_deref()).await;
            base = Some(made.map_err(|e| explain_workflows(git, files, e))?);
            bytes = 0;
        }
    }
    base.ok_or_else(|| git.github.client.invalid("GitHub takes no tree without a file".to_owned()))
}

/// The text that can be sent inside the tree call. An empty file goes as a blob, since GitHub may
/// take an empty `content` for a missing one.
fn inline(file: &File) -> Option<&str> {
    file.text().filter(|text| !text.is_empty() && text.len() <= MAX_INLINE)
}

async fn blob(git: &Git<'_>, known: &mut HashMap<Bytes, String>, content: &Bytes) -> Result<String, PortError> {
    if let Some(sha) = known.get(content) {
        return Ok(sha.clone());
    }
    let body = json!({ "content": base64::prelude::BASE64_STANDARD.encode(content), "encoding": "base64" });
    let made: Sha = git.post("/git/blobs", body).await?;
    known.insert(content.clone(), made.sha.clone());
    Ok(made.sha)
}

async fn write_chunk(git: &Git<'_>, entries: Vec<Value>, base: Option<&str>) -> Result<String, PortError> {
    let mut body = json!({ "tree": entries });
    if let Some(base) = base {
        body["base_tree"] = json!(base);
    }
    let made: Sha = git.post("/git/trees", body).await?;
    Ok(made.sha)
}

/// GitHub answers a plain 404 when a token without the `workflow` scope writes a workflow (octokit
/// rest.js issue 368). Nobody could guess that from "not found".
fn explain_workflows(git: &Git<'_>, files: &Tree, error: PortError) -> PortError {
    let has_workflow = files.iter().any(|(path, _)| path.as_str().starts_with(WORKFLOWS));
    match error {
        PortError::NotFound { what, .. } if has_workflow => git.github.client.refused(format!(
            "{what} was not found; since there are files in {WORKFLOWS}, the token may lack the “workflow” \
             scope (an app: the “Workflows” permission)"
        )),
        other => other,
    }
}

/// All files under a folder at a branch, tag or commit.
pub(super) async fn read(github: &GitHub, name: &RepositoryName, at: &str, folder: &str) -> Result<Tree, PortError> {
    let git = Git { github, name, path: names::repository(github, name)? };
    settle(github, name).await?;
    let folder = folder.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/");
    let commit = read::commit_id(&git, at).await?;
    let root: super::wire::Commit =
        github.client.json(&git.call(Method::GET, &format!("/git/commits/{commit}"))).await?;
    let top = descend(&git, root.tree.sha, &folder).await?;
    let wanted = listing(&git, &top).await?;
    let mut tree = Tree::new();
    if wanted.len() > FEW {
        tree = from_archive(&git, &commit, &folder, &wanted).await?;
    }
    one_by_one(&git, tree, wanted).await
}

/// A file that is wanted.
struct Wanted {
    mode: Mode,
    size: usize,
    sha: String,
}

type Listed = HashMap<TreePath, Wanted>;

/// The id of the tree of a folder.
async fn descend(git: &Git<'_>, mut tree: String, folder: &str) -> Result<String, PortError> {
    for part in folder.split('/').filter(|p| !p.is_empty()) {
        let level: Listing = git.github.client.json(&git.call(Method::GET, &format!("/git/trees/{tree}"))).await?;
        let below = level.tree.into_iter().find(|e| e.kind == "tree" && e.path == part);
        tree = below.ok_or_else(|| git.github.client.not_found(format!("the folder {folder} in {}", git.name)))?.sha;
    }
    Ok(tree)
}

/// What is in a tree and all below it, checked against the limits before anything is fetched.
/// Folders need no entry, and submodules are not part of the repository.
async fn listing(git: &Git<'_>, tree: &str) -> Result<Listed, PortError> {
    let call = git.call(Method::GET, &format!("/git/trees/{tree}?recursive=1"));
    let listing: Listing = git.github.client.json(&call).await?;
    let invalid = |e: TreeError| git.github.client.invalid(format!("{}: {e}", git.name));
    let blobs: Vec<Entry> = listing.tree.into_iter().filter(|e| e.kind == "blob").collect();
    if listing.truncated || blobs.len() > MAX_FILES {
        return Err(invalid(TreeError::TooMany));
    }
    if blobs.iter().filter_map(|e| e.size).sum::<usize>() > MAX_BYTES {
        return Err(invalid(TreeError::TooLarge));
    }
    let mut wanted = Listed::new();
    for entry in blobs {
        let mode = Mode::from_git(&entry.mode).unwrap_or(Mode::Regular);
        let size = entry.size.unwrap_or_default();
        wanted.insert(TreePath::new(&entry.path).map_err(invalid)?, Wanted { mode, size, sha: entry.sha });
    }
    Ok(wanted)
}

/// What the archive of the whole repository has of the wanted files. It is only a quick way: an
/// archive leaves out what `.gitattributes` marks `export-ignore`, and changes what it marks
/// otherwise, so a file counts only if its size is the listed one. The rest is fetched singly.
async fn from_archive(git: &Git<'_>, commit: &str, folder: &str, wanted: &Listed) -> Result<Tree, PortError> {
    let call = git.call(Method::GET, &format!("/tarball/{commit}")).form("*/*", MAX_BYTES);
    let packed = match git.github.client.send(&call).await {
        Ok(answer) => answer.body,
        // Larger than we take, though the folder is not.
        Err(PortError::Invalid { .. }) => return Ok(Tree::new()),
        Err(other) => return Err(other),
    };
    let expected: HashMap<String, (TreePath, Mode, usize)> = wanted
        .iter()
        .map(|(path, w)| {
            let full = if folder.is_empty() { path.to_string() } else { format!("{folder}/{path}") };
            (full, (path.clone(), w.mode, w.size))
        })
        .collect();
    // Unpacking is work for the processor; the threads that wait for the network do not do it.
    let unpacking = tokio::task::spawn_blocking(move || {
        let mut tree = Tree::new();
        // Of a broken archive, what came before the break is as good as any.
        let _ = unpack(&packed, &expected, &mut tree);
        tree
    });
    Ok(unpacking.await.unwrap_or_default())
}

fn unpack(packed: &[u8], expected: &HashMap<String, (TreePath, Mode, usize)>, tree: &mut Tree) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed).take(MAX_UNPACKED));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let full = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // Everything is under one folder that is named after the commit.
        let Some((path, mode, size)) = full.split_once('/').and_then(|(_, below)| expected.get(below)) else {
            continue;
        };
        let link = entry.header().entry_type() == tar::EntryType::Symlink;
        if link != (*mode == Mode::Symlink) {
            continue;
        }
        let mut content = Vec::new();
        if link {
            content.extend(entry.link_name_bytes().unwrap_or_default().iter());
        } else {
            entry.by_ref().take(*size as u64 + 1).read_to_end(&mut content)?;
        }
        if content.len() == *size {
            let file = File { content: content.into(), mode: *mode };
            tree.insert(path.clone(), file).map_err(std::io::Error::other)?;
        }
    }
    Ok(())
}

/// Adds the files that are not in the tree yet.
async fn one_by_one(git: &Git<'_>, mut tree: Tree, mut wanted: Listed) -> Result<Tree, PortError> {
    wanted.retain(|path, _| tree.get(path).is_none());
    if wanted.len() > MANY {
        return Err(git.github.client.invalid(format!("{} is too large to be read", git.name)));
    }
    let fetched: Vec<(TreePath, File)> = futures::stream::iter(wanted)
        .map(|(path, wanted)| fetch(git, path, wanted))
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    for (path, file) in fetched {
        tree.insert(path, file).map_err(|e| git.github.client.invalid(format!("{}: {e}", git.name)))?;
    }
    Ok(tree)
}

async fn fetch(git: &Git<'_>, path: TreePath, wanted: Wanted) -> Result<(TreePath, File), PortError> {
    let address = format!("{}/git/blobs/{}", git.path, wanted.sha);
    let call = Call::get(address, format!("{path} in {}", git.name)).form(RAW, MAX_BYTES);
    let answer = git.github.client.send(&call).await?;
    Ok((path, File { content: answer.body, mode: wanted.mode }))
}
