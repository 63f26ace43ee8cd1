//! Tokens for scripts and agents: made once, shown once, kept as a hash, always ending.

use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

use crate::kernel::secret::Secret;

/// What every token starts with, so that scanners for leaked secrets can know it.
pub const PREFIX: &str = "slw_";
/// Random characters after the prefix: 40 of 62 are more than 230 bits.
const LENGTH: usize = 40;
/// The longest life of a token, in days.
pub const LONGEST_DAYS: i64 = 366;

/// A new token and what is kept of it.
#[derive(Debug)]
pub struct NewToken {
    /// Shown once.
    pub secret: Secret,
    /// Kept.
    pub hash: Vec<u8>,
    /// Kept, to tell tokens apart.
    pub hint: String,
}

/// Makes a token.
pub fn generate() -> NewToken {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    let mut text = String::from(PREFIX);
    for _ in 0..LENGTH {
        text.push(char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]));
    }
    NewToken { hash: hash(&text), hint: text.chars().take(PREFIX.len() + 4).collect(), secret: Secret::new(text) }
}

/// What is kept of a token, and what a presented one is compared by.
pub fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
