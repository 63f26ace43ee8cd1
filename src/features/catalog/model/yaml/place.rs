//! Where the parts of a document stand in its file, so that a page can point at a line.
//! It owns positions only; values are beside it in the same shape.

use serde_json::Value;

/// A point in a file, both counted from one; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The character within the line.
    pub column: u64,
}

/// The position of a value and of what is inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: Position,
    pub(super) inside: Inside,
}

/// Positions inside a value, in the order of its items or entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inside {
    Nothing,
    List(Vec<Place>),
    Map(Vec<(Position, Place)>),
}

impl Place {
    /// A value without inner positions.
    pub(super) fn leaf(at: Position) -> Self {
        Self { at, inside: Inside::Nothing }
    }

    /// The position of what a JSON pointer names. What is missing is looked for as far as its
    /// nearest ancestor that exists: a missing `spec.owner` is at the key `spec`.
    pub(super) fn find(&self, value: &Value, pointer: &str) -> Position {
        let (mut place, mut value, mut best) = (self, value, self.at);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let step = match (&place.inside, value) {
                (Inside::List(places), Value::Array(items)) => token
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| Some((places.get(index)?.at, places.get(index)?, items.get(index)?))),
                (Inside::Map(places), Value::Object(map)) => map
                    .iter()
                    .position(|(key, _)| *key == token)
                    .and_then(|index| places.get(index))
                    .and_then(|(key_at, place)| Some((*key_at, place, map.get(&token)?))),
                _ => None,
            };
            let Some((at, inner, inner_value)) = step else { break };
            (best, place, value) = (at, inner, inner_value);
        }
        best
    }
}
