//! A descriptor file as a whole: its documents admitted one by one, and everything that is wrong
//! with it. It owns what makes a file as a whole fail; single entities are `check`'s.

use serde_json::Value;

use super::check;
use super::js;
use super::location::Place;
use super::refusal::{ErrorBody, Problem};
use super::rules::Rules;
use super::yaml::{self, Document, Limits, Position};

/// One entity of a file, before its own checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// The entity with the annotations of its place; `placeholder::substitute` and then
    /// `check::check` come next.
    pub entity: Value,
    /// The document as it stands in the file, with positions.
    pub document: Document,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// For the interface.
    pub error: ErrorBody,
    /// Where in the file.
    pub position: Position,
    /// For our page; its pointer is within the document at that position.
    pub problem: Problem,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// The entities that could be admitted, in the order of the file.
    pub entities: Vec<Admitted>,
    /// What is wrong, in the order of the file. With any of these none of the entities is taken
    /// over: what an earlier reading gave stays as it is.
    pub errors: Vec<FileError>,
}

/// Reads a descriptor file from a place.
pub fn read(bytes: &[u8], place: &Place, rules: &Rules) -> Descriptor {
    let mut descriptor = Descriptor { entities: Vec::new(), errors: Vec::new() };
    let reading = yaml::read_stream(bytes, &Limits::default());
    for item in reading.items {
        match item {
            Ok(document) => match admit(&document, place) {
                Ok(entity) => descriptor.entities.push(Admitted { entity, document }),
                Err(error) => descriptor.errors.push(*error),
            },
            Err(problem) => descriptor.errors.push(FileError {
                error: ErrorBody::new("Error", problem.message_at(&place.location)),
                position: problem.position,
                problem: Problem::new("", problem.sentence, "The whole file is left out until this is corrected."),
            }),
        }
    }
    // Backstage looks at the rules only after all documents were read, and stops at the first.
    let refused = descriptor.entities.iter().find_map(|admitted| {
        let refusal = rules.enforce(&admitted.entity, place).err()?;
        let position = admitted.document.position(&refusal.problem.pointer);
        Some(FileError { error: refusal.error, position, problem: refusal.problem })
    });
    descriptor.errors.extend(refused);
    descriptor
}

fn admit(document: &Document, place: &Place) -> Result<Value, Box<FileError>> {
    if !document.value.is_object() {
        let found = js::type_of(&document.value);
        let problem = Problem::new(
            "",
            "The document is not a mapping.",
            "Write one entity per document, with `---` between them.",
        );
        let error = ErrorBody::new("Error", format!("Expected object at root, got {found}"));
        return Err(Box::new(FileError { error, position: document.position(""), problem }));
    }
    check::admit(&document.value, place).map_err(|refusal| {
        let position = document.position(&refusal.problem.pointer);
        Box::new(FileError { error: refusal.error, position, problem: refusal.problem })
    })
}
