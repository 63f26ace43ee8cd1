//! The few careful ways in which this host touches the disk: files that are replaced whole, locks
//! that other processes respect, folders that appear whole or not at all. Knows nothing of Git.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::errors::{conflict, disk, not_found, unavailable};
use super::git::TIME;
use crate::ports::PortError;

/// How often a lock that another process holds is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// Folders under this prefix are being made. No repository's folder looks so: those end in `.git`.
const MAKING: &str = ".making-";
/// Folders under this prefix have been deleted and are being removed.
const GONE: &str = ".gone-";

/// Runs blocking work where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PortError> + Send + 'static,
) -> Result<T, PortError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(unavailable(format!("disk work was lost: {e}"))))
}

/// Replaces a file whole: a reader and a crash see the old or the new content, nothing between.
/// The caller holds the lock under which this file is written, so one name for the new file is
/// enough, and what a crash left there is written over.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), PortError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let write = || {
        let mut file = File::create(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        sync_parent(path)
    };
    write().map_err(disk("writing"))
}

/// A file up to a limit; `None` if it is not there.
pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, PortError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(disk("reading")(e)),
    };
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content).map_err(disk("reading"))?;
    if content.len() as u64 > limit {
        return Err(unavailable(format!("{} is larger than {limit} bytes", path.display())));
    }
    Ok(Some(content))
}

/// Makes a change of names in a folder outlast a loss of power.
pub(super) fn sync_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Locks a folder against other processes. The lock goes when the file that is returned is
/// dropped, also when its process dies.
pub(super) async fn lock_folder(folder: PathBuf) -> Result<File, PortError> {
    let attempt = async {
        loop {
            let folder = folder.clone();
            if let Some(file) = blocking(move || try_lock(&folder)).await? {
                return Ok(file);
            }
            tokio::time::sleep(RETRY).await;
        }
    };
    let busy = || unavailable(format!("the repository was busy for {} s", TIME.as_secs()));
    tokio::time::timeout(TIME, attempt).await.unwrap_or_else(|_| Err(busy()))
}

fn try_lock(folder: &Path) -> Result<Option<File>, PortError> {
    let file = File::open(folder).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => not_found("the repository"),
        _ => disk("locking")(e),
    })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(e)) => return Err(disk("locking")(e)),
    }
    // While we waited, the folder may have been deleted and made anew: then this is the lock of
    // something that is gone.
    let ours = file.metadata().map_err(disk("locking"))?;
    match std::fs::metadata(folder) {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(_) => Err(not_found("the repository")),
    }
}

/// A folder in the making. Dropped before it is put in place, it is removed.
#[derive(Debug)]
pub(super) struct Making {
    path: PathBuf,
    // Tells a sweeping process that somebody is at work here.
    _lock: File,
    placed: bool,
}

impl Making {
    /// An empty folder beside where it is to go.
    pub(super) fn beside(target: &Path) -> Result<Self, PortError> {
        let parent = target.parent().ok_or_else(|| unavailable("a repository needs a folder around it"))?;
        std::fs::create_dir_all(parent).map_err(disk("making a folder"))?;
        let path = parent.join(format!("{MAKING}{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).map_err(disk("making a folder"))?;
        let lock = File::open(&path).map_err(disk("making a folder"))?;
        lock.lock().map_err(disk("locking"))?;
        Ok(Self { path, _lock: lock, placed: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in place, unless something is there: a folder that holds something is never
    /// replaced by a rename, so of two only one gets the place.
    pub(super) fn place(mut self, target: &Path) -> Result<(), PortError> {
        use std::io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
        match std::fs::rename(&self.path, target) {
            Ok(()) => self.placed = true,
            Err(e) if matches!(e.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory) => {
                return Err(conflict("the name is taken"));
            }
            Err(e) => return Err(disk("putting a folder in place")(e)),
        }
        // It is there for everybody now, so this must not turn into an error.
        if let Err(e) = sync_parent(target) {
            tracing::warn!(error = %e, "a new repository may not outlast a loss of power");
        }
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if !self.placed {
            // What stays behind is swept when the host is opened the next time.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes a folder, seen from outside at once. One that is gone already is no error.
pub(super) fn remove(target: &Path) -> Result<(), PortError> {
    let Some(parent) = target.parent() else { return Ok(()) };
    let gone = parent.join(format!("{GONE}{}", uuid::Uuid::new_v4().simple()));
    match std::fs::rename(target, &gone) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(disk("deleting")(e)),
    }
    // The repository is deleted; what cannot be removed now is swept later.
    if let Err(e) = std::fs::remove_dir_all(&gone) {
        tracing::warn!(error = %e, folder = %gone.display(), "a deleted repository still takes up space");
    }
    Ok(())
}

/// Whether an entry of an owner's folder was left behind by a process that died while it made or
/// removed a folder. What a living process is making is locked by it.
pub(super) fn is_abandoned(name: &str, path: &Path) -> bool {
    name.starts_with(GONE) || name.starts_with(MAKING) && File::open(path).is_ok_and(|f| f.try_lock().is_ok())
}
