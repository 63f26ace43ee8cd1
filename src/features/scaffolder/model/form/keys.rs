//! Which properties a schema names, and in what order.

use serde_json::{Map, Value};

use super::MAX_DEPTH;
use super::upstream::resolve as resolve_ref;

/// The keys in the order that `ui:order` asks for; `*` stands for all that it does not name.
pub(super) fn ordered(properties: &Map<String, Value>, order: Option<&Value>) -> Vec<String> {
    let names: Vec<&str> = order.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut rest: Vec<String> = properties.keys().filter(|key| !names.contains(&key.as_str())).cloned().collect();
    let mut out = Vec::new();
    for name in names {
        if name == "*" {
            out.append(&mut rest);
        } else if properties.contains_key(name) && !out.iter().any(|key| key == name) {
            out.push(name.to_owned());
        }
    }
    // Without a `*` upstream refuses to draw the page; we put the rest at the end.
    out.append(&mut rest);
    out
}

/// Whether the schema of an item reads differently for different items.
pub(super) fn has_conditions(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| {
            matches!(key.as_str(), "$ref" | "if" | "allOf" | "oneOf" | "anyOf" | "dependencies" | "dependentSchemas")
                || has_conditions(value)
        }),
        Value::Array(items) => items.iter().any(has_conditions),
        _ => false,
    }
}

/// The properties that a condition looks at.
pub(super) fn names_in_condition(test: &Value) -> Vec<String> {
    let Some(map) = test.as_object() else { return Vec::new() };
    let mut out: Vec<String> =
        map.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect();
    out.extend(
        map.get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    for part in ["allOf", "anyOf", "oneOf"] {
        out.extend(map.get(part).and_then(Value::as_array).into_iter().flatten().flat_map(names_in_condition));
    }
    out.extend(map.get("not").into_iter().flat_map(names_in_condition));
    out.dedup();
    out
}

/// Every property that a schema may ask for under any condition.
pub(super) fn own_keys(schema: &Value) -> Vec<String> {
    let mut out = Vec::new();
    collect_keys(schema, schema, &mut out, MAX_DEPTH);
    out
}

fn collect_keys(root: &Value, schema: &Value, out: &mut Vec<String>, depth: usize) {
    let (Some(map), Some(depth)) = (schema.as_object(), depth.checked_sub(1)) else { return };
    for key in map.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        if !out.contains(key) {
            out.push(key.clone());
        }
    }
    if let Some(found) = map.get("$ref").and_then(Value::as_str).and_then(|target| resolve_ref(root, target)) {
        collect_keys(root, found, out, depth);
    }
    let parts = ["allOf", "oneOf", "anyOf"].iter().filter_map(|key| map.get(*key)?.as_array()).flatten();
    let branches = ["then", "else"].iter().filter_map(|key| map.get(*key));
    let dependent =
        ["dependencies", "dependentSchemas"].iter().filter_map(|key| map.get(*key)?.as_object()).flat_map(Map::values);
    for part in parts.chain(branches).chain(dependent) {
        collect_keys(root, part, out, depth);
    }
}
