//! An entity flattened to rows of key and value: what filters, facets, sorting and search see.
//! It owns the flattening; the rules are those of Backstage's stitcher.

use std::collections::HashSet;

use serde_json::Value;

use super::js;
use crate::kernel::entity_ref::DEFAULT_NAMESPACE;

/// Keys longer than this, in UTF-16 units, are left out.
pub const MAX_KEY_UNITS: usize = 200;
/// Values longer than this, in UTF-16 units, only exist: they cannot be compared.
pub const MAX_VALUE_UNITS: usize = 200;

/// Paths that are not walked into; name, namespace and uid come back on their own.
const SKIPPED: [&str; 7] =
    ["attachments", "relations", "status", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.etag"];

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRow {
    /// The path in small letters, `metadata.labels.tier`.
    pub key: String,
    /// The value in small letters; none for `null` and for what is too long.
    pub value: Option<String>,
    /// The value as it was written, for facets.
    pub original: Option<String>,
}

/// The rows of an entity as it is shown, relations and uid included, without repetitions.
pub fn search_rows(entity: &Value) -> impl Iterator<Item = SearchRow> {
    let mut seen = HashSet::new();
    raw_rows(entity)
        .into_iter()
        .filter_map(|(key, value)| {
            let key = key.to_lowercase();
            if key.encode_utf16().count() > MAX_KEY_UNITS {
                return None;
            }
            let lower = value.as_ref().map(|value| value.to_lowercase());
            let fits = lower.as_ref().is_some_and(|lower| lower.encode_utf16().count() <= MAX_VALUE_UNITS);
            Some(if fits {
                SearchRow { key, value: lower, original: value }
            } else {
                SearchRow { key, value: None, original: None }
            })
        })
        .filter(move |row| seen.insert((row.key.clone(), row.value.clone())))
}

/// The keys that differ from another only in their case, in small letters; none if all differ.
pub(super) fn clashing_keys(entity: &Value) -> Option<Vec<String>> {
    let mut spellings = HashSet::new();
    let mut lower = HashSet::new();
    let mut clashes = Vec::new();
    for (key, _) in raw_rows(entity) {
        let small = key.to_lowercase();
        if spellings.insert(key) && !lower.insert(small.clone()) {
            clashes.push(small);
        }
    }
    (!clashes.is_empty()).then_some(clashes)
}

type Raw = (String, Option<String>);

fn raw_rows(entity: &Value) -> Vec<Raw> {
    let mut rows = Vec::new();
    walk("", entity, &mut HashSet::new(), &mut rows);
    let metadata = &entity["metadata"];
    let text = |value: &Value| (!value.is_null()).then(|| js::value_text(value));
    rows.push(("metadata.name".to_owned(), text(&metadata["name"])));
    let namespace = text(&metadata["namespace"]);
    let has_namespace = namespace.as_ref().is_some_and(|namespace| !namespace.is_empty());
    rows.push(("metadata.namespace".to_owned(), namespace));
    rows.push(("metadata.uid".to_owned(), text(&metadata["uid"])));
    if !has_namespace {
        rows.push(("metadata.namespace".to_owned(), Some(DEFAULT_NAMESPACE.to_owned())));
    }
    for relation in entity["relations"].as_array().into_iter().flatten() {
        let kind = relation["type"].as_str().unwrap_or_default();
        rows.push((format!("relations.{kind}"), text(&relation["targetRef"])));
    }
    rows
}

/// Scalars become rows; a text in a list also becomes a key of its own with the value `true`.
fn walk(path: &str, value: &Value, seen: &mut HashSet<String>, rows: &mut Vec<Raw>) {
    if SKIPPED.contains(&path) {
        return;
    }
    match value {
        Value::Null => rows.push((path.to_owned(), None)),
        Value::Array(items) => {
            for item in items {
                walk(path, item, seen, rows);
                if let Value::String(text) = item {
                    let key = format!("{path}.{text}");
                    if seen.insert(key.to_lowercase()) {
                        rows.push((key, Some("true".to_owned())));
                    }
                }
            }
        }
        Value::Object(map) => {
            for (key, inner) in js::entries(map) {
                let inner_path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(&inner_path, inner, seen, rows);
            }
        }
        scalar => rows.push((path.to_owned(), Some(js::value_text(scalar)))),
    }
}
