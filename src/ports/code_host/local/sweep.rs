//! Removes, when the host is opened, what processes left behind that died at their work: folders
//! half made or half deleted, locks that nobody holds, files that were to become packs. Other
//! processes may be at work in the same folder, so only what is certainly dead is touched.

use std::fs::DirEntry;
use std::path::Path;
use std::time::Duration;

use super::{disk, names};

/// How old a lock of Git must be to count as left behind. Git holds the lock of a ref for
/// milliseconds; one that stays blocks its branch for ever.
const DEAD_LOCK: Duration = Duration::from_mins(10);
/// How old an unfinished pack must be. A slow push of the largest size takes hours.
const DEAD_PACK: Duration = Duration::from_hours(24);
/// How deep folders are searched for locks: the parts of the longest branch name that is sensible.
const DEPTH: usize = 20;

/// Sweeps the whole data folder. One repository that cannot be swept does not keep the others.
pub(super) fn sweep(root: &Path) -> std::io::Result<()> {
    for owner in std::fs::read_dir(root)? {
        let owner = owner?;
        if owner.file_type()?.is_dir() && names::is_owner(&owner.file_name().to_string_lossy()) {
            for entry in std::fs::read_dir(owner.path())? {
                sweep_entry(&entry?);
            }
        }
    }
    Ok(())
}

fn sweep_entry(entry: &DirEntry) {
    let (name, path) = (entry.file_name(), entry.path());
    let name = name.to_string_lossy();
    if disk::is_abandoned(&name, &path) {
        remove(&path);
    } else if name.ends_with(".git") && path.is_dir() {
        for lock in ["HEAD.lock", "config.lock", "packed-refs.lock"] {
            remove_if_older(&path.join(lock), DEAD_LOCK);
        }
        sweep_locks(&path.join("refs"), DEPTH);
        sweep_unfinished(&path.join("objects"), "tmp_objdir-");
        sweep_unfinished(&path.join("objects/pack"), "tmp_");
    }
}

fn sweep_locks(folder: &Path, depth: usize) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "lock") {
            remove_if_older(&path, DEAD_LOCK);
        } else if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep_locks(&path, depth - 1);
        }
    }
}

fn sweep_unfinished(folder: &Path, prefix: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            remove_if_older(&entry.path(), DEAD_PACK);
        }
    }
}

fn remove_if_older(path: &Path, age: Duration) {
    let modified = std::fs::symlink_metadata(path).and_then(|m| m.modified());
    if modified.is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed > age)) {
        remove(path);
    }
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Ok(()) => tracing::info!(path = %path.display(), "removed what a dead process left behind"),
        Err(e) => tracing::warn!(path = %path.display(), error = %e, "cannot remove what a dead process left behind"),
    }
}
