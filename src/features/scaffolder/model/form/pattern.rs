//! `pattern`: the one keyword whose work an author can make endless. Every match is bounded here.
//!
//! Patterns are ECMAScript. The jsonschema crate translates them; look-around works, back
//! references work, `\cX` and the flags that ECMAScript writes outside the pattern do not exist.
//! A pattern that runs into the limit counts as not matched: a slow pattern refuses, it never hangs.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Value, json};

/// The longest pattern that is looked at, in bytes.
pub const MAX_PATTERN: usize = 4_096;
/// How often a match may turn back before it is given up.
pub const MAX_BACKTRACKS: usize = 100_000;
/// How much memory a compiled pattern may take, in bytes.
pub const MAX_PATTERN_SIZE: usize = 1 << 20;

/// What became of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The text fits.
    Yes,
    /// It does not, or finding out took too long.
    No,
    /// The pattern itself cannot be read.
    Unusable,
}

/// Whether `text` fits `pattern`, found in bounded time.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> Match {
    if pattern.len() > MAX_PATTERN {
        return Match::Unusable;
    }
    match bounded(&json!({ "pattern": pattern })) {
        Some(rule) if rule.is_valid(&Value::from(text)) => Match::Yes,
        Some(_) => Match::No,
        None => Match::Unusable,
    }
}

/// Whether a pattern can be used at all.
#[must_use]
pub fn is_usable(pattern: &str) -> bool {
    matches(pattern, "") != Match::Unusable
}

/// A draft 7 validator that reads nothing from outside and gives up on slow patterns.
/// `None` when the schema itself is wrong.
#[must_use]
pub fn bounded(schema: &Value) -> Option<Validator> {
    let patterns = PatternOptions::fancy_regex()
        .backtrack_limit(MAX_BACKTRACKS)
        .size_limit(MAX_PATTERN_SIZE)
        .dfa_size_limit(MAX_PATTERN_SIZE);
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .with_pattern_options(patterns)
        .offline()
        .build(schema)
        .ok()
}
