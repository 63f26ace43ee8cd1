//! Remembers which repositories this process has just made, or may have made. GitHub answers 404
//! for a new repository for up to some seconds (`PyGithub` issue 2457; terraform-provider-github pull
//! request 3060), and that 404 must not be taken for "there is none": a second creation or a lost
//! mark would follow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::RepositoryName;

/// How long a repository counts as new.
const YOUTH: Duration = Duration::from_mins(1);

/// How long to wait before each further look, 7.5 s together.
const PAUSES: [u64; 7] = [100, 200, 400, 800, 1_500, 2_000, 2_500];

#[derive(Debug, Clone, Copy)]
struct Birth {
    at: Instant,
    seen: bool,
}

/// The new repositories of this process.
#[derive(Debug, Default)]
pub(super) struct Fresh(Mutex<HashMap<String, Birth>>);

impl Fresh {
    /// A repository of this name is about to be made.
    pub fn announce(&self, name: &RepositoryName) {
        let mut births = self.lock();
        births.retain(|_, birth| birth.at.elapsed() < YOUTH);
        births.insert(key(name), Birth { at: Instant::now(), seen: false });
    }

    /// It was certainly not made, or never came into sight.
    pub fn forget(&self, name: &RepositoryName) {
        self.lock().remove(&key(name));
    }

    /// It is in sight now.
    pub fn saw(&self, name: &RepositoryName) {
        if let Some(birth) = self.lock().get_mut(&key(name)) {
            birth.seen = true;
        }
    }

    /// Whether it may exist without being in sight.
    pub fn unseen(&self, name: &RepositoryName) -> bool {
        self.lock().get(&key(name)).is_some_and(|b| !b.seen && b.at.elapsed() < YOUTH)
    }

    /// The pauses that a look at this repository is worth: none if it is not new.
    pub fn pauses(&self, name: &RepositoryName) -> impl Iterator<Item = Duration> + Send + use<> {
        let young = self.lock().get(&key(name)).is_some_and(|b| b.at.elapsed() < YOUTH);
        let count = if young { PAUSES.len() } else { 0 };
        PAUSES.into_iter().take(count).map(Duration::from_millis)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Birth>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// GitHub's names do not tell upper and lower case apart.
fn key(name: &RepositoryName) -> String {
    format!("{}/{}", name.owner, name.name).to_ascii_lowercase()
}
