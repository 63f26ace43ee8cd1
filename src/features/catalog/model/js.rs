//! The few habits of JavaScript that show in Backstage's answers: how it prints a number, in which
//! order it walks an object, what it trims. It owns those habits and nothing of the catalog.

use serde_json::{Map, Number, Value};

/// A number as JavaScript prints it.
pub fn number_text(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    number.as_f64().map_or_else(|| number.to_string(), float_text)
}

/// A floating point number as JavaScript prints it: shortest digits, an exponent only for what
/// is very large or very small.
pub fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    let size = number.abs();
    if (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if exponent.starts_with('-') => format!("{digits}e{exponent}"),
        Some((digits, exponent)) => format!("{digits}e+{exponent}"),
        None => text,
    }
}

/// A scalar as `String(value)` prints it; lists and objects as JSON.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => json_text(other),
    }
}

/// A value as `JSON.stringify` prints it.
pub fn json_text(value: &Value) -> String {
    match value {
        Value::Number(number) => number_text(number),
        Value::Array(items) => format!("[{}]", items.iter().map(json_text).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| format!("{}:{}", Value::from(key.as_str()), json_text(value));
            format!("{{{}}}", entries(map).into_iter().map(pair).collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// What `typeof` says of a value.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        Value::Null | Value::Array(_) | Value::Object(_) => "object",
    }
}

/// The entries of an object in the order in which JavaScript walks them: keys that are array
/// indices first, by size, then the others as they were written.
pub fn entries(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut indices: Vec<(u32, (&String, &Value))> = Vec::new();
    let mut named = Vec::with_capacity(map.len());
    for entry in map {
        match array_index(entry.0) {
            Some(index) => indices.push((index, entry)),
            None => named.push(entry),
        }
    }
    indices.sort_by_key(|(index, _)| *index);
    indices.into_iter().map(|(_, entry)| entry).chain(named).collect()
}

fn array_index(key: &str) -> Option<u32> {
    let canonical = key == "0" || (key.starts_with(|c: char| ('1'..='9').contains(&c)));
    if !canonical || !key.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    key.parse::<u32>().ok().filter(|&index| index != u32::MAX)
}

/// The text without JavaScript's white space at both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| {
        matches!(c, '\u{9}'..='\u{d}' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}'
            | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
    })
}

/// Whether the text would run a script if it were the address of a link. The spellings are those
/// that browsers accept: control characters in front and line ends between the letters.
pub fn is_script_address(text: &str) -> bool {
    let mut rest = text.trim_start_matches(|c: char| c <= ' ');
    for letter in "javascript".chars() {
        let Some(found) = rest.chars().next() else { return false };
        if !found.eq_ignore_ascii_case(&letter) {
            return false;
        }
        rest = rest[found.len_utf8()..].trim_start_matches(['\r', '\n', '\t']);
    }
    rest.starts_with(':')
}
