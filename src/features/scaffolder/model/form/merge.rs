//! Laying one schema over another, as when a condition adds questions to a page.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::upstream::equal;

/// Where added properties go: behind the property that called for them, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Anchors(BTreeMap<String, String>);

/// Lays `over` onto `base`. What both say is combined so that both hold; where that cannot be
/// expressed, `over` wins. New properties follow `after` when it is given.
pub(super) fn merge(
    base: &mut Map<String, Value>,
    over: &Map<String, Value>,
    after: Option<&str>,
    anchors: &mut Anchors,
) {
    for (keyword, new) in over {
        match base.get_mut(keyword) {
            None if keyword == "properties" => {
                base.insert(keyword.clone(), Value::Object(Map::new()));
                merge_properties(base, new, after, anchors);
            }
            Some(_) if keyword == "properties" => merge_properties(base, new, after, anchors),
            None => {
                base.insert(keyword.clone(), new.clone());
            }
            Some(old) => combine(keyword, old, new),
        }
    }
}

fn merge_properties(base: &mut Map<String, Value>, new: &Value, after: Option<&str>, anchors: &mut Anchors) {
    let (Some(Value::Object(properties)), Value::Object(new)) = (base.get_mut("properties"), new) else { return };
    for (key, schema) in new {
        match (properties.get_mut(key), schema) {
            (Some(Value::Object(old)), Value::Object(over)) => merge(old, over, None, &mut Anchors::default()),
            (Some(old), _) => *old = schema.clone(),
            (None, _) => insert_after(properties, after, key, schema, anchors),
        }
    }
}

fn insert_after(
    properties: &mut Map<String, Value>,
    after: Option<&str>,
    key: &str,
    schema: &Value,
    anchors: &mut Anchors,
) {
    let place = after.and_then(|name| {
        let last = anchors.0.get(name).map_or(name, String::as_str);
        properties.keys().position(|known| known == last)
    });
    match (place, after) {
        (Some(index), Some(name)) => {
            properties.shift_insert(index + 1, key.to_owned(), schema.clone());
            anchors.0.insert(name.to_owned(), key.to_owned());
        }
        _ => {
            properties.insert(key.to_owned(), schema.clone());
        }
    }
}

fn combine(keyword: &str, old: &mut Value, new: &Value) {
    match (keyword, &mut *old, new) {
        ("required" | "allOf", Value::Array(old), Value::Array(new)) => {
            for item in new {
                if !old.contains(item) {
                    old.push(item.clone());
                }
            }
        }
        ("enum", Value::Array(old), Value::Array(new)) => {
            let both: Vec<Value> =
                old.iter().filter(|value| new.iter().any(|other| equal(value, other))).cloned().collect();
            // Nothing in common means that one list replaces the other, not that nothing is allowed.
            *old = if both.is_empty() { new.clone() } else { both };
        }
        (
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties",
            Value::Number(a),
            Value::Number(b),
        ) => {
            if b.as_f64() > a.as_f64() {
                *old = new.clone();
            }
        }
        (
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties",
            Value::Number(a),
            Value::Number(b),
        ) => {
            if b.as_f64() < a.as_f64() {
                *old = new.clone();
            }
        }
        _ => *old = new.clone(),
    }
}
