//! What sort of question a schema asks. Drawing a form and reading it back both follow this,
//! so that they cannot disagree.

use serde_json::Value;

use super::effective::{LIST, NOTES};
use super::ui::{texts, ui, ui_text};
use super::upstream::{equal, text};

/// The sort of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value is allowed, and it is given.
    Constant,
    /// Carried along unseen.
    Hidden,
    /// A text.
    Text,
    /// A number; `true` for a whole one.
    Number(bool),
    /// Yes or no, as a box to tick.
    Check,
    /// One of several given values.
    Options,
    /// Any number of several given values.
    Many,
    /// Named parts, with rows that the person names where the schema allows them.
    Object,
    /// Any number of the same, or a few different things in order.
    List,
    /// A text nobody may read over a shoulder, kept among the answers.
    Password,
    /// The same, kept apart from the answers.
    Secret,
    /// One entity of the catalog.
    Entity,
    /// Several entities.
    Entities,
    /// Tags of entities.
    Tags,
    /// The address of a repository.
    Repo,
}

/// Fields that are pickers of one entity.
const ENTITY_FIELDS: &[&str] = &[
    "EntityPicker",
    "OwnerPicker",
    "OwnedEntityPicker",
    "MyGroupsPicker",
    "OwnedGroupsPicker",
    "OwnershipEntityRefPicker",
];
/// Fields that are plain text with rules of their own.
const TEXT_FIELDS: &[&str] = &["EntityNamePicker", "RepoBranchPicker", "RepoOwnerPicker", "AccordionField"];

/// The sort of question that a resolved schema asks.
pub(super) fn shape(schema: &Value) -> Shape {
    if ui_text(schema, "widget") == Some("hidden") {
        return Shape::Hidden;
    }
    match ui_text(schema, "field") {
        Some("Secret") => return Shape::Secret,
        Some("MultiEntityPicker") => return Shape::Entities,
        Some("EntityTagsPicker") => return Shape::Tags,
        Some("RepoUrlPicker") => return Shape::Repo,
        Some(field) if ENTITY_FIELDS.contains(&field) => return Shape::Entity,
        _ => {}
    }
    if is_consent(schema) {
        return Shape::Check;
    }
    if schema.get("const").is_some() {
        return Shape::Constant;
    }
    by_type(schema)
}

/// A box that must be ticked, such as "I have read the rules". It is never ticked for the person.
fn is_consent(schema: &Value) -> bool {
    let only_true =
        schema.get("const") == Some(&Value::Bool(true)) || schema.get("enum") == Some(&serde_json::json!([true]));
    only_true && schema.get("type").and_then(Value::as_str) == Some("boolean")
}

fn by_type(schema: &Value) -> Shape {
    let types = types(schema);
    let has = |name: &str| types.iter().any(|kind| kind == name);
    if has("array") {
        let items = schema.get("items");
        let listed = items.is_some_and(|items| items.get("enum").is_some());
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let widget = matches!(ui_text(schema, "widget"), Some("checkboxes" | "select"));
        return if listed && (unique || widget) { Shape::Many } else { Shape::List };
    }
    if schema.get("enum").is_some() {
        return Shape::Options;
    }
    if has("object") {
        return Shape::Object;
    }
    if has("boolean") {
        return if matches!(ui_text(schema, "widget"), Some("radio" | "select")) {
            Shape::Options
        } else {
            Shape::Check
        };
    }
    if ui_text(schema, "widget") == Some("password") {
        return Shape::Password;
    }
    match (has("string"), has("integer"), has("number")) {
        (false, _, true) => Shape::Number(false),
        (false, true, false) => Shape::Number(true),
        _ if types == ["null"] => Shape::Hidden,
        _ => Shape::Text,
    }
}

/// The types a schema names, or the one its other keywords tell of.
pub(super) fn types(schema: &Value) -> Vec<String> {
    let named = schema.get("type").map(texts).unwrap_or_default();
    if !named.is_empty() {
        return named;
    }
    let has = |key: &str| schema.get(key).is_some();
    let guess = match () {
        () if has("properties") || has("additionalProperties") || has("patternProperties") => "object",
        () if has("items") || has(LIST) => "array",
        () if has("minimum") || has("maximum") || has("multipleOf") => "number",
        () => "string",
    };
    vec![guess.to_owned()]
}

/// Whether the field named by `ui:field` is one that this portal draws.
pub(super) fn is_known_field(field: &str) -> bool {
    ENTITY_FIELDS.contains(&field)
        || TEXT_FIELDS.contains(&field)
        || matches!(field, "Secret" | "MultiEntityPicker" | "EntityTagsPicker" | "RepoUrlPicker")
}

/// The schema of rows that the person names, if the object may have any.
pub(super) fn row_schema(schema: &Value) -> Option<Value> {
    match schema.get("additionalProperties") {
        Some(values @ Value::Object(_)) => Some(values.clone()),
        Some(Value::Bool(true)) => Some(serde_json::json!({ "type": "string" })),
        _ => schema.get("patternProperties")?.as_object()?.values().next().cloned(),
    }
}

/// The schema of the item at `index`, and whether it is one of a fixed row of different items.
pub(super) fn item_schema(schema: &Value, index: usize) -> (Value, bool) {
    let grows = schema.get(LIST).is_some();
    let none = || Value::Object(serde_json::Map::new());
    match schema.get("items") {
        Some(Value::Array(each)) => match each.get(index) {
            Some(item) => (item.clone(), !grows),
            None => {
                (schema.get("additionalItems").filter(|more| more.is_object()).cloned().unwrap_or_else(none), false)
            }
        },
        Some(every) => (every.clone(), false),
        None => (none(), false),
    }
}

/// How many items the list always shows, because each has its own schema.
pub(super) fn fixed_items(schema: &Value) -> usize {
    match schema.get("items") {
        Some(Value::Array(each)) if schema.get(LIST).is_none() => each.len(),
        _ => 0,
    }
}

/// Whether items may be added to the list by the person.
pub(super) fn can_grow(schema: &Value) -> bool {
    let allowed = ui(schema, "addable") != Some(&Value::Bool(false));
    let open = fixed_items(schema) == 0
        || schema.get("additionalItems").is_some_and(|more| more.is_object() || more == &Value::Bool(true));
    allowed && open
}

/// One of several given values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Opt {
    pub value: Value,
    /// What its control sends.
    pub code: String,
    pub label: String,
    pub note: String,
    pub disabled: bool,
}

/// The values to choose from, with their names.
pub(super) fn options(schema: &Value) -> Vec<Opt> {
    let yes_or_no = [Value::Bool(true), Value::Bool(false)];
    let values = match schema.get("enum").and_then(Value::as_array) {
        Some(values) => values.as_slice(),
        None => &yes_or_no,
    };
    let names = list(schema.get("enumNames").or_else(|| ui(schema, "enumNames")));
    let notes = list(schema.get(NOTES).or_else(|| ui(schema, "enumDescriptions")));
    let disabled = list(ui(schema, "enumDisabled"));
    let plain = values.iter().all(|value| value.as_str().is_some_and(|text| !text.is_empty()));
    let entry = |(index, value): (usize, &Value)| Opt {
        value: value.clone(),
        code: if plain { text(value) } else { value.to_string() },
        label: names.get(index).and_then(Value::as_str).map_or_else(|| default_label(value), str::to_owned),
        note: notes.get(index).and_then(Value::as_str).unwrap_or_default().to_owned(),
        disabled: disabled.iter().any(|other| equal(other, value)),
    };
    values.iter().enumerate().map(entry).collect()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn default_label(value: &Value) -> String {
    match value {
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::Null => "None".to_owned(),
        Value::String(text) if text.is_empty() => "Empty".to_owned(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
        other => text(other),
    }
}
