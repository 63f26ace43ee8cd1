//! A value with its place and weight, and the ways in which values become keys and entries of
//! mappings. It owns keys: when two are the same, what text they have, what a merge does.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::place::{Place, Position};
use super::scalar::Scalar;

/// What a value weighs, for the limits on aliases.
#[derive(Debug, Clone, Default)]
pub(super) struct Weight {
    /// Values, itself included.
    pub(super) values: usize,
    /// Bytes of text and keys.
    pub(super) bytes: usize,
    /// Whether something in it is no alias.
    pub(super) leaf: bool,
    /// The anchors that aliases in it repeat.
    pub(super) aliases: HashSet<usize>,
}

impl Weight {
    pub(super) fn absorb(&mut self, mut inner: Self) {
        self.values += inner.values;
        self.bytes += inner.bytes;
        self.leaf |= inner.leaf;
        // The smaller set goes into the larger, or a long list of aliases would cost its square.
        if self.aliases.len() < inner.aliases.len() {
            std::mem::swap(&mut self.aliases, &mut inner.aliases);
        }
        self.aliases.extend(inner.aliases);
    }
}

/// A finished value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
    /// What a scalar is as a key; lists and mappings have none.
    pub(super) scalar: Option<Scalar>,
    pub(super) weight: Weight,
    /// Whether it was written as a plain `<<`.
    pub(super) is_merge: bool,
}

pub(super) fn scalar_node(scalar: Scalar, at: Position) -> Node {
    let bytes = if let Scalar::Text(text) = &scalar { text.len() } else { 0 };
    let weight = Weight { values: 1, bytes, leaf: true, aliases: HashSet::new() };
    Node { value: scalar.clone().into_json(), place: Place::leaf(at), scalar: Some(scalar), weight, is_merge: false }
}

/// By what two keys of one mapping are the same: kind and value. `1` and `"1"` differ, lists and
/// mappings never are the same, and neither are aliases.
pub(super) fn key_identity(node: &Node) -> Option<String> {
    if !node.weight.leaf {
        return None;
    }
    match node.scalar.as_ref()? {
        Scalar::Text(text) => Some(format!("text {text}")),
        Scalar::Number(number) if number.is_nan() => None,
        other => Some(format!("other {}", other.key_text())),
    }
}

/// The text of a key: scalars as JavaScript prints them, lists and mappings as YAML on one line.
pub(super) fn key_text(node: &Node) -> String {
    node.scalar.as_ref().map_or_else(|| flow_text(&node.value), Scalar::key_text)
}

/// A value as YAML on one line, in the spacing of npm `yaml`. An approximation: texts that would
/// need quotes get none. It only ever names a key that nobody wrote on purpose, as
/// `{{ values.name }}` outside quotes does.
pub(super) fn flow_text(value: &Value) -> String {
    match value {
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => format!("[ {} ]", items.iter().map(flow_text).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| match value {
                Value::Null => key.clone(),
                value => format!("{key}: {}", flow_text(value)),
            };
            format!("{{ {} }}", map.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        scalar => super::super::js::value_text(scalar),
    }
}

/// Sets a key; a key that has the same text as one before takes its place in the order.
pub(super) fn put(
    map: &mut Map<String, Value>,
    places: &mut Vec<(Position, Place)>,
    key: String,
    at: Position,
    value: Value,
    place: Place,
) {
    if map.contains_key(&key) {
        if let Some(slot) = map.keys().position(|known| *known == key).and_then(|index| places.get_mut(index)) {
            *slot = (at, place);
        }
    } else {
        places.push((at, place));
    }
    map.insert(key, value);
}

/// The merge of YAML 1.1: what is there already stays. False when the source is no mapping.
pub(super) fn merge(map: &mut Map<String, Value>, places: &mut Vec<(Position, Place)>, key: &Node, from: Node) -> bool {
    let sources = match from.value {
        Value::Array(items) => items,
        other => vec![other],
    };
    for source in sources {
        let Value::Object(source) = source else { return false };
        for (name, value) in source {
            if !map.contains_key(&name) {
                put(map, places, name, key.place.at, value, Place::leaf(from.place.at));
            }
        }
    }
    true
}
