//! Paging by key: a page is asked for by the last row of the one before, so that it costs the same
//! wherever it is, and rows that come and go meanwhile shift nothing.

use base64::Engine as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many rows a page of a list shows.
pub const PAGE: i64 = 25;
/// How many rows an API page may hold.
pub const MOST: i64 = 500;

/// A cursor: the key of the last row, as text that nobody should read.
pub fn encode<T: Serialize>(key: &T) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

/// Reads a cursor. One that is not ours reads as none: the first page.
pub fn decode<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}
