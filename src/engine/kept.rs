//! Values kept in memory for a while, by key. Bounded; when full it starts over, which costs a query
//! per key and no memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most keys that are kept.
const MOST: usize = 10_000;

/// Values kept for a while.
#[derive(Debug)]
pub struct Kept<K, V>(Mutex<HashMap<K, (V, Instant)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    /// The value of a key, if it is younger than the given age.
    pub fn get(&self, key: &K, age: Duration) -> Option<V> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(key).filter(|(_, at)| at.elapsed() < age).map(|(value, _)| value.clone())
    }

    /// Keeps a value.
    pub fn put(&self, key: K, value: V) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MOST {
            map.clear();
        }
        map.insert(key, (value, Instant::now()));
    }

    /// Forgets the keys for which the test holds.
    pub fn forget(&self, mut test: impl FnMut(&K, &V) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|k, (v, _)| !test(k, v));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
