//! The annotations that say where an entity was read from and where it can be seen and edited.
//! It owns which annotation wins; what an address means is `hosts`'.

use serde_json::{Map, Value};

use super::hosts::CodeHosts;
use super::js;
use super::location::{MANAGED_BY, MANAGED_BY_ORIGIN, Place};

/// Annotation: where the file is looked at.
pub const VIEW_URL: &str = "backstage.io/view-url";
/// Annotation: where the file is edited.
pub const EDIT_URL: &str = "backstage.io/edit-url";
/// Annotation: the folder of the source code.
pub const SOURCE_LOCATION: &str = "backstage.io/source-location";
/// What stands in place of a view or edit address that would run a script.
pub const REJECTED_ADDRESS: &str = "https://backstage.io/annotation-rejected-for-security-reasons";

/// How many digits make a word a commit id rather than a branch.
const COMMIT_DIGITS: usize = 40;

/// A document with its own annotations and the two of its place, which win.
pub(super) fn with_place(document: &Value, own: Map<String, Value>, place: &Place) -> Value {
    let mut annotations = own;
    annotations.insert(MANAGED_BY_ORIGIN.to_owned(), Value::String(place.origin.to_string()));
    annotations.insert(MANAGED_BY.to_owned(), Value::String(place.location.to_string()));
    let mut entity = document.clone();
    if let Some(metadata) = entity.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
    }
    entity
}

/// Adds what can be computed from the place; what the entity has already wins. Computed ones come
/// first in the order.
pub(super) fn add(entity: &mut Value, place: &Place, hosts: &CodeHosts) {
    let mut annotations = Map::new();
    annotations.insert(MANAGED_BY.to_owned(), Value::String(place.location.to_string()));
    annotations.insert(MANAGED_BY_ORIGIN.to_owned(), Value::String(place.origin.to_string()));
    if place.location.kind == "url" {
        let target = &place.location.target;
        annotations.insert(VIEW_URL.to_owned(), Value::String(target.clone()));
        let edit = if has_commit_id(target) { None } else { hosts.edit_address(target) };
        if let Some(edit) = edit {
            annotations.insert(EDIT_URL.to_owned(), Value::String(edit));
        }
        if let Some(folder) = hosts.source_folder(target) {
            annotations.insert(SOURCE_LOCATION.to_owned(), Value::String(format!("url:{folder}")));
        }
    }
    let Some(metadata) = entity.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    match metadata.get("annotations") {
        Some(Value::Object(own)) => annotations.extend(own.clone()),
        None => {}
        Some(_) => return,
    }
    metadata.insert("annotations".to_owned(), Value::Object(annotations));
}

/// Whether an address holds a word of forty or more hexadecimal digits.
fn has_commit_id(address: &str) -> bool {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    address
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .any(|word| word.len() >= COMMIT_DIGITS && word.bytes().all(is_hex))
}

/// Replaces view and edit addresses that would run a script. Done when an entity is shown, after
/// everything else.
pub fn defuse(entity: &mut Value) {
    let Some(annotations) = entity.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else { return };
    for name in [VIEW_URL, EDIT_URL] {
        if let Some(value) = annotations.get_mut(name)
            && value.as_str().is_some_and(js::is_script_address)
        {
            *value = Value::String(REJECTED_ADDRESS.to_owned());
        }
    }
}
