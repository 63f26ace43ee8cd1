//! Reading the `ui:…` keys of a schema, in either of the places where authors write them.

use serde_json::Value;

/// The value of `ui:<key>`, or of `<key>` inside `ui:options`.
pub(super) fn ui<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let inline =
        schema.as_object()?.iter().find_map(|(name, value)| (name.strip_prefix("ui:") == Some(key)).then_some(value));
    inline.or_else(|| schema.get("ui:options")?.get(key)).filter(|value| !value.is_null())
}

/// The same, as text.
pub(super) fn ui_text<'a>(schema: &'a Value, key: &str) -> Option<&'a str> {
    ui(schema, key)?.as_str().filter(|text| !text.is_empty())
}

/// Whether `ui:<key>` is `true`.
pub(super) fn ui_flag(schema: &Value, key: &str) -> bool {
    ui(schema, key) == Some(&Value::Bool(true))
}

/// The texts of `ui:<key>`, which may be one text or a list.
pub(super) fn ui_texts(schema: &Value, key: &str) -> Vec<String> {
    ui(schema, key).map(texts).unwrap_or_default()
}

/// One text, or the texts of a list.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Whether nobody may change the answer in this form.
pub(super) fn is_locked(schema: &Value) -> bool {
    ui_flag(schema, "disabled") || ui_flag(schema, "readonly") || schema.get("readOnly") == Some(&Value::Bool(true))
}

/// Whether the object that holds it demands this property.
pub(super) fn is_required(object: &Value, key: &str) -> bool {
    object.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|name| name == key))
}
