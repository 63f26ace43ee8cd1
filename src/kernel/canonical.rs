//! One spelling for one JSON value, and the hash of it. Plans, policy inputs and answers are
//! bound by this hash, so it must not depend on the order in which keys were written.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256, as 64 hex digits, over the value with object keys sorted by code point and no spaces.
pub fn hash(value: &Value) -> String {
    let mut hasher = Sha256::new();
    feed(value, &mut hasher);
    hex::encode(hasher.finalize())
}

/// The first eight hex digits in two groups of four, as people compare them ("7c1e 04b9").
pub fn fingerprint(hash: &str) -> String {
    let short: String = hash.chars().take(8).collect();
    if short.len() < 8 { short } else { format!("{} {}", &short[..4], &short[4..]) }
}

fn feed(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            hasher.update(b"{");
            for key in keys {
                hasher.update(Value::String(key.clone()).to_string().as_bytes());
                hasher.update(b":");
                feed(&map[key], hasher);
                hasher.update(b",");
            }
            hasher.update(b"}");
        }
        Value::Array(list) => {
            hasher.update(b"[");
            for item in list {
                feed(item, hasher);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        scalar => hasher.update(scalar.to_string().as_bytes()),
    }
}
