//! Documents on this machine. Tags are the file's size and time of change.

use std::path::{Path, PathBuf};

use super::MAX_DOCUMENT;
use crate::kernel::tree::{File, Mode, Tree, TreeError, TreePath};
use crate::ports::PortError;
use crate::ports::code_host::Fetched;

/// How many files one pattern may name.
const MOST_FILES: usize = 50_000;

/// Reads a file.
///
/// # Errors
/// Not there, not readable, too large.
pub fn read(path: &Path, known: Option<&str>) -> Result<Fetched, PortError> {
    let failed = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => {
            PortError::NotFound { system: "This machine".to_owned(), what: path.display().to_string() }
        }
        _ => PortError::Refused { system: "This machine".to_owned(), why: format!("{}: {e}", path.display()) },
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.len() > MAX_DOCUMENT as u64 {
        return Err(too_large(&path.display().to_string(), metadata.len()));
    }
    let changed =
        metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
    let etag = format!("{}-{changed}", metadata.len());
    if known == Some(etag.as_str()) {
        return Ok(Fetched::NotModified);
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    Ok(Fetched::Content { bytes: bytes.into(), etag: Some(etag) })
}

/// The files of a folder whose path below it matches a pattern, sorted. Git's own folders are passed over.
///
/// # Errors
/// The folder cannot be read, the pattern is none, or there are too many files.
pub fn list(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, PortError> {
    let invalid = |why: String| PortError::Invalid { system: "This machine".to_owned(), why };
    let glob = globset::GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|e| invalid(e.to_string()))?
        .compile_matcher();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(dir) = folders.pop() {
        let entries = std::fs::read_dir(&dir).map_err(|e| PortError::NotFound {
            system: "This machine".to_owned(),
            what: format!("{}: {e}", dir.display()),
        })?;
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if entry.file_name() != ".git" {
                    folders.push(path);
                }
            } else if path.strip_prefix(folder).is_ok_and(|below| glob.is_match(below)) {
                found.push(path);
                if found.len() > MOST_FILES {
                    return Err(invalid(format!(
                        "{} holds more than {MOST_FILES} files for {pattern}",
                        folder.display()
                    )));
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

/// All files under a folder. Links are kept as links, never followed.
///
/// # Errors
/// The folder cannot be read, or holds more than a tree does.
pub fn tree(folder: &Path) -> Result<Tree, PortError> {
    use std::os::unix::ffi::OsStringExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    let invalid = |e: TreeError| PortError::Invalid { system: "This machine".to_owned(), why: e.to_string() };
    let mut tree = Tree::new();
    for path in list(folder, "**")? {
        let failed = |e: std::io::Error| PortError::NotFound {
            system: "This machine".to_owned(),
            what: format!("{}: {e}", path.display()),
        };
        let metadata = std::fs::symlink_metadata(&path).map_err(failed)?;
        let below = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy();
        let (content, mode) = if metadata.is_symlink() {
            (std::fs::read_link(&path).map_err(failed)?.into_os_string().into_vec(), Mode::Symlink)
        } else {
            let executable = metadata.permissions().mode() & 0o111 != 0;
            (std::fs::read(&path).map_err(failed)?, if executable { Mode::Executable } else { Mode::Regular })
        };
        tree.insert(TreePath::new(&below).map_err(invalid)?, File { content: content.into(), mode })
            .map_err(invalid)?;
    }
    Ok(tree)
}

/// The words for a document that is too large.
pub fn too_large(what: &str, bytes: u64) -> PortError {
    PortError::Invalid {
        system: "The reader".to_owned(),
        why: format!("{what} is {} MB; descriptors of at most {} MB are read", bytes >> 20, MAX_DOCUMENT >> 20),
    }
}
