//! Values as JavaScript writes and compares them.

use serde_json::{Map, Value};

/// `String(value)`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .map(|item| if item.is_null() { String::new() } else { text(item) })
            .collect::<Vec<_>>()
            .join(","),
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Number(number) => number_text(number),
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}

fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        // JavaScript knows no 1.0.
        Some(float) if number.is_f64() && float.abs() < 1e21 => float.to_string(),
        _ => number.to_string(),
    }
}

/// A list joined as in a template string.
pub(super) fn joined(items: &[Value]) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(",")
}

/// `a === b` for JSON: numbers by value, everything else part by part.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// The keys of an object in JavaScript's order: whole numbers first, ascending.
pub(super) fn keys(map: &Map<String, Value>) -> Vec<&String> {
    let index = |key: &str| key.parse::<u32>().ok().filter(|n| n.to_string() == key);
    let mut keys: Vec<&String> = map.keys().collect();
    // The sort is stable: names keep the order in which they were written.
    keys.sort_by_key(|key| index(key).map_or((1, 0), |n| (0, n)));
    keys
}

/// How a step is written after the name of what contains it.
pub(super) fn suffix(key: &str) -> String {
    let plain = !key.contains(['.', '[', ']']) && !key.contains(char::is_whitespace);
    if plain && !key.starts_with(|c: char| c.is_ascii_digit()) {
        return format!(".{key}");
    }
    if !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) {
        return format!("[{key}]");
    }
    format!("[{}]", Value::from(key))
}

/// Whether `value` is a whole multiple of `step`, with decimal fractions taken as they are written.
pub(super) fn is_multiple(value: f64, step: f64) -> bool {
    let decimals = |number: f64| number.to_string().split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let factor = 10_f64.powi(i32::try_from(decimals(value).max(decimals(step))).unwrap_or(0));
    let (value, step) = ((value * factor).round(), (step * factor).round());
    // A step of 0 gives NaN, which is not 0: nothing is a multiple of it.
    value % step == 0.0
}
