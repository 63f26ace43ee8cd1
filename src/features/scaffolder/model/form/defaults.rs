//! What is answered before anybody has answered: `default` and `const`.

use serde_json::{Map, Value};

use super::MAX_ROUNDS;
use super::effective::{Variants, resolve};
use super::page::Page;
use super::shape::{Shape, shape};

impl Page {
    /// The answers with the defaults of this page put in where there is none yet. Meant for the first
    /// time a page is shown: later an empty answer is one that somebody has emptied.
    #[must_use]
    pub fn start(&self, answers: &Value, flags: &[String]) -> Value {
        let mut out = if answers.is_object() { answers.clone() } else { Value::Object(Map::new()) };
        for _ in 0..MAX_ROUNDS {
            // A default may bring up questions that have defaults themselves.
            let schema = resolve(&self.schema, &out, flags, &Variants::new());
            let filled = fill(&schema, Some(&out)).unwrap_or_else(|| out.clone());
            if filled == out {
                break;
            }
            out = filled;
        }
        out
    }
}

/// A value with defaults where it has gaps. `None` when there is neither value nor default.
pub(super) fn fill(schema: &Value, value: Option<&Value>) -> Option<Value> {
    let given = value.filter(|value| !value.is_null()).or_else(|| schema.get("default")).cloned();
    let constant = || schema.get("const").filter(|_| shape(schema) == Shape::Constant).cloned();
    match given.or_else(constant) {
        Some(Value::Object(map)) => Some(Value::Object(fill_parts(schema, map))),
        Some(other) => Some(other),
        None => Some(fill_parts(schema, Map::new())).filter(|map| !map.is_empty()).map(Value::Object),
    }
}

fn fill_parts(schema: &Value, mut map: Map<String, Value>) -> Map<String, Value> {
    for (key, part) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(filled) = fill(part, map.get(key)) {
            map.insert(key.clone(), filled);
        }
    }
    map
}
