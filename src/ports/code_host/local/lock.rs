//! One change of a repository at a time, over all tasks and processes that share the data folder.
//! Guards what this host itself writes; a push over HTTP does not wait here, Git's own locks and
//! compare-and-swap of refs keep it apart.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::Instrument as _;

use super::disk;
use super::errors::{unavailable, unknown};
use super::git::TIME;
use crate::ports::PortError;

/// How many locks there are within the process. Two repositories may share one, which only costs
/// a wait; a lock for each repository would grow without end.
const LOCKS: usize = 64;

/// The locks of this process.
#[derive(Debug, Clone)]
pub(super) struct Locks(Arc<[Arc<Mutex<()>>]>);

/// The right to change a repository, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Guard {
    // The file first: fields are dropped in this order, so the next task of this process finds
    // the folder unlocked.
    _folder: std::fs::File,
    _task: OwnedMutexGuard<()>,
}

impl Locks {
    pub(super) fn new() -> Self {
        Self((0..LOCKS).map(|_| Arc::default()).collect())
    }

    /// Waits for the right to change a repository, which must exist.
    pub(super) async fn lock(&self, repository: PathBuf) -> Result<Guard, PortError> {
        let busy = || unavailable(format!("the repository was busy for {} s", TIME.as_secs()));
        let mut hasher = DefaultHasher::new();
        repository.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        // It is below LOCKS, so there is one.
        let lock = self.0.get(index).ok_or_else(busy)?;
        let task = tokio::time::timeout(TIME, Arc::clone(lock).lock_owned()).await.map_err(|_| busy())?;
        let folder = disk::lock_folder(repository).await?;
        Ok(Guard { _folder: folder, _task: task })
    }
}

/// Carries an act through, even if whoever asked for it goes away before its end: a web request
/// that breaks off must not end a `git` that has just locked a ref.
pub(super) async fn carry_through<T: Send + 'static>(
    act: impl Future<Output = Result<T, PortError>> + Send + 'static,
) -> Result<T, PortError> {
    #[expect(clippy::disallowed_methods, reason = "it is waited for below; only the asker may go away")]
    let act = tokio::spawn(act.instrument(tracing::Span::current()));
    act.await.unwrap_or_else(|e| Err(unknown(format!("the work was lost: {e}"))))
}
