//! Reading a stream of YAML documents as Backstage does (npm `yaml` 2.9, core schema, no merge
//! keys), with positions for every value and hard limits on what a file may cost us.
//! It owns bytes to values; it deliberately does not know what an entity is. Syntax comes from
//! `granit-parser`; the meaning of scalars, keys, tags and aliases is ours.

mod build;
mod diagnose;
mod node;
mod place;
mod problem;
mod scalar;
mod scan;
mod source;
mod stray;
mod stream;

use serde_json::Value;

pub use place::Position;
pub use problem::{YamlFault, YamlProblem};

/// Bytes of a file: 5 MB. Backstage knows no limit; the largest real descriptors are below 1 MB.
pub const MAX_FILE_BYTES: usize = 5 * 1024 * 1024;
/// Documents in a file. The largest real files hold a few hundred entities.
pub const MAX_DOCUMENTS: usize = 10_000;
/// Nested lists and mappings. JSON readers (ours and the database's) stop at 128, and a stored
/// entity is wrapped in a few more levels when it is shown.
pub const MAX_DEPTH: usize = 120;
/// Values that aliases may add to one document by repetition.
pub const MAX_ALIASED_VALUES: usize = 100_000;
/// Bytes of text that aliases may add to one document by repetition.
pub const MAX_ALIASED_BYTES: usize = 5 * 1024 * 1024;
/// How often an anchor may be repeated, counted through anchors inside it: npm `yaml` refuses
/// more than a hundred as an attack.
pub const MAX_ALIAS_COUNT: u64 = 100;

/// What a file may cost. The default is the constants of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// See [`MAX_FILE_BYTES`].
    pub file_bytes: usize,
    /// See [`MAX_DOCUMENTS`].
    pub documents: usize,
    /// See [`MAX_DEPTH`].
    pub depth: usize,
    /// See [`MAX_ALIASED_VALUES`].
    pub aliased_values: usize,
    /// See [`MAX_ALIASED_BYTES`].
    pub aliased_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: MAX_FILE_BYTES,
            documents: MAX_DOCUMENTS,
            depth: MAX_DEPTH,
            aliased_values: MAX_ALIASED_VALUES,
            aliased_bytes: MAX_ALIASED_BYTES,
        }
    }
}

/// One document of a stream that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its value; numbers that JSON lacks are `null`.
    pub value: Value,
    /// The line where its value starts.
    pub line: u64,
    places: place::Place,
}

impl Document {
    /// Where the value that a JSON pointer names stands in the file. What is missing is shown at
    /// its nearest ancestor that exists.
    pub fn position(&self, pointer: &str) -> Position {
        self.places.find(&self.value, pointer)
    }
}

/// What a file holds: its documents, empty ones left out, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The documents and the faults, in the order of the file. A broken document is one fault,
    /// its first; reading goes on at the next `---`.
    pub items: Vec<Result<Document, YamlProblem>>,
}

impl Reading {
    /// The documents that could be read.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.items.iter().filter_map(|item| item.as_ref().ok())
    }

    /// What is wrong, in the order of the file.
    pub fn problems(&self) -> impl Iterator<Item = &YamlProblem> {
        self.items.iter().filter_map(|item| item.as_ref().err())
    }

    fn stopped(problem: YamlProblem) -> Self {
        Self { items: vec![Err(problem)] }
    }
}

/// Reads all documents of a file. Bytes that are not UTF-8 become U+FFFD, as in the original.
pub fn read_stream(bytes: &[u8], limits: &Limits) -> Reading {
    if bytes.len() > limits.file_bytes {
        return Reading::stopped(YamlProblem::limit(
            Position { line: 1, column: 1 },
            format!("The file has {} bytes; at most {} are read.", bytes.len(), limits.file_bytes),
        ));
    }
    let text = String::from_utf8_lossy(bytes);
    let source = source::Source::new(text.strip_prefix('\u{feff}').unwrap_or(&text));
    stream::read(&source, limits)
}
