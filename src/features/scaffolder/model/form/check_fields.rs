//! Rules that fields have beyond their schema: names of entities, tags, addresses of repositories.

use serde_json::Value;

use super::path::Path;
use super::pick::Context;
use super::read_value::is_allowed_host;
use super::repo::{Address, parts};
use super::shape::{Shape, item_schema, shape};
use super::ui::ui_text;
use crate::kernel::fault::FieldFault;

/// The longest name of an entity, and the longest tag.
const MAX_NAME: usize = 63;

/// What breaks the rules of the fields in a schema.
pub(super) fn own_rules(schema: &Value, value: &Value, context: &Context) -> Vec<FieldFault> {
    let mut out = Vec::new();
    object(schema, value, &Path::root(), context, &mut out);
    out
}

fn object(schema: &Value, value: &Value, path: &Path, context: &Context, out: &mut Vec<FieldFault>) {
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(value) = value.get(key) {
            field(property, value, &path.key(key), context, out);
        }
    }
}

fn field(schema: &Value, value: &Value, path: &Path, context: &Context, out: &mut Vec<FieldFault>) {
    let name = || path.name();
    let mut tell = |field: String, message: String| out.push(FieldFault { field, message });
    match (shape(schema), value) {
        (Shape::Object, _) => object(schema, value, path, context, out),
        (Shape::List, Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                field(&item_schema(schema, index).0, item, &path.item(index), context, out);
            }
        }
        (Shape::Tags, Value::Array(tags)) => {
            if let Some(bad) = tags.iter().filter_map(Value::as_str).find(|tag| !is_tag(tag)) {
                tell(
                    name(),
                    format!(
                        "“{bad}” cannot be a tag. Use lower-case letters, digits, + and #, with single hyphens between them."
                    ),
                );
            }
        }
        (Shape::Repo, Value::String(text)) => {
            for (part, message) in address(schema, text, context) {
                tell(path.part(part), message);
            }
        }
        (Shape::Text, Value::String(text))
            if ui_text(schema, "field") == Some("EntityNamePicker") && !is_entity_name(text) =>
        {
            tell(name(), format!("Use letters and digits, with - _ or . between them, at most {MAX_NAME} characters."));
        }
        _ => {}
    }
}

/// The rule for names of entities.
fn is_entity_name(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    text.len() <= MAX_NAME && letters && edge(text.chars().next()) && edge(text.chars().next_back())
}

/// The rule for tags.
fn is_tag(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'#');
    text.len() <= MAX_NAME && text.split('-').all(|part| !part.is_empty() && part.bytes().all(letter))
}

/// Which parts of an address are missing or not allowed.
fn address(schema: &Value, text: &str, context: &Context) -> Vec<(&'static str, String)> {
    let address = Address::read(text);
    let mut out = Vec::new();
    if address.host.is_empty() {
        out.push(("host", "Say on which host.".to_owned()));
    } else if !is_allowed_host(schema, context, &address.host) {
        out.push(("host", "Choose one of the hosts.".to_owned()));
    }
    for part in parts(schema, &address.host) {
        let value = address.part(part.key);
        if value.is_empty() && part.required {
            out.push((part.key, "Fill this in.".to_owned()));
        } else if !value.is_empty() && !part.allowed.is_empty() && !part.allowed.iter().any(|one| one == value) {
            out.push((part.key, "Choose one of the options.".to_owned()));
        } else if part.key == "repo" && !is_repo_name(value) {
            out.push((part.key, "Use letters, digits, hyphens, underscores and dots.".to_owned()));
        }
    }
    out
}

fn is_repo_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
