//! What is wrong with a YAML file, twice: in the words that Backstage's users know, and in a
//! sentence for the person who opened our page. It owns the form; finding the words is elsewhere.

use super::place::Position;
use crate::features::catalog::model::location::LocationRef;

/// The sort of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YamlFault {
    /// The text is not YAML, or a mapping repeats a key. Other documents of the file are still read.
    Syntax,
    /// An alias has no anchor or repeats too much. Reading stops there.
    Reference,
    /// The file costs more than we allow. Reading stops there.
    Limit,
}

/// One fault of a YAML file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {sentence}", .position.line, .position.column)]
pub struct YamlProblem {
    /// The sort of fault.
    pub fault: YamlFault,
    /// Where it is.
    pub position: Position,
    /// What is wrong, for a person, without the position.
    pub sentence: String,
    /// The original's error as JavaScript prints it, without the file's address in front.
    words: String,
}

impl YamlProblem {
    /// A syntax fault with the original's message, its place included.
    pub(super) fn syntax(position: Position, message: &str, sentence: String) -> Self {
        Self { fault: YamlFault::Syntax, position, sentence, words: format!("YAMLParseError: {message}") }
    }

    /// A fault of an alias.
    pub(super) fn reference(position: Position, message: &str, sentence: String) -> Self {
        Self { fault: YamlFault::Reference, position, sentence, words: message.to_owned() }
    }

    /// A limit of ours.
    pub(super) fn limit(position: Position, sentence: String) -> Self {
        Self { fault: YamlFault::Limit, position, words: sentence.clone(), sentence }
    }

    /// The error as JavaScript prints it (`YAMLParseError: …`, `ReferenceError: …`), for texts
    /// that quote it, such as those of placeholders.
    pub fn words(&self) -> String {
        match self.fault {
            YamlFault::Syntax => self.words.clone(),
            YamlFault::Reference => format!("ReferenceError: {}", self.words),
            YamlFault::Limit => format!("Error: {}", self.words),
        }
    }

    /// The message of the error that Backstage reports for the file that was read from `location`.
    pub fn message_at(&self, location: &LocationRef) -> String {
        /// How much of a message about an address is kept.
        const SHOWN_UNITS: usize = 5000;
        match self.fault {
            YamlFault::Syntax | YamlFault::Limit => format!("YAML error at {location}, {}", self.words()),
            YamlFault::Reference if location.kind == "url" => {
                let message = format!("Unable to read url, {}", self.words);
                message.chars().take(SHOWN_UNITS).collect()
            }
            YamlFault::Reference => {
                format!("{} {} could not be read, {}", location.kind, location.target, self.words())
            }
        }
    }
}
