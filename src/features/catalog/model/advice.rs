//! Sentences for people: what is wrong with a field and what to write instead. It owns wording for
//! our pages; the words of the interface are elsewhere and not ours to choose.

use serde_json::Value;

use super::kinds::KINDS;
use super::refusal::Problem;
use super::schema::{Rule, Type, Violation};

/// A JSON pointer as people write the path of a field.
fn path(pointer: &str) -> String {
    if pointer.is_empty() {
        return "the document".to_owned();
    }
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    format!("`{}`", parts.join("."))
}

/// What a value is, in words.
fn what(value: Option<&Value>) -> &'static str {
    match value {
        None => "missing",
        Some(Value::Null) => "empty",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "a mapping",
    }
}

/// A violation of a shape.
pub(super) fn of_violation(violation: &Violation, document: &Value) -> Problem {
    let pointer = violation.pointer();
    let field = path(&pointer);
    let (sentence, hint) = match &violation.rule {
        Rule::Missing(_) => (format!("{} is missing.", upper_first(&field)), for_field(&pointer)),
        Rule::Empty => (format!("{} is empty.", upper_first(&field)), "Write a value, or remove the line.".to_owned()),
        Rule::Unknown(name) => return of_root_field(name),
        Rule::OneOf(values) => {
            let values = values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ");
            (format!("{} has a value that is not known.", upper_first(&field)), format!("Write {values}."))
        }
        Rule::Word => (format!("{} is not one word.", upper_first(&field)), "Use letters, digits and `_`.".to_owned()),
        Rule::Alternatives(_) => (format!("{} has the wrong shape.", upper_first(&field)), for_field(&pointer)),
        Rule::Type(types) => {
            let found = document.pointer(&violation.at);
            let sentence = format!("{} must be {}, but it is {}.", upper_first(&field), wanted(types), what(found));
            (sentence, for_type(types, found))
        }
    };
    Problem::new(pointer, sentence, hint)
}

fn upper_first(text: &str) -> String {
    if text == "the document" { "The document".to_owned() } else { text.to_owned() }
}

fn wanted(types: &[Type]) -> &'static str {
    match types {
        [Type::Text] => "text",
        [Type::List] => "a list",
        [Type::Object] => "a mapping",
        [Type::Boolean] => "true or false",
        _ => "text or true or false",
    }
}

fn for_type(types: &[Type], found: Option<&Value>) -> String {
    match (types, found) {
        (_, Some(Value::Null)) => "Write a value, or remove the line.".to_owned(),
        ([Type::Text, ..], Some(Value::Number(_) | Value::Bool(_))) => "Put the value in quotes.".to_owned(),
        ([Type::Text], Some(Value::Object(map))) if map.len() == 1 && map.values().all(Value::is_null) => {
            "Put the value in quotes: `{{ … }}` without quotes is a mapping in YAML.".to_owned()
        }
        ([Type::List], Some(Value::String(text))) => format!("Write it as a list: `[{text}]`."),
        ([Type::List], _) => "Write `- ` in front of each item.".to_owned(),
        ([Type::Object], _) => "Write `name: value` lines under it.".to_owned(),
        _ => "Write plain text.".to_owned(),
    }
}

/// What to write into a field that is missing or misshapen.
fn for_field(pointer: &str) -> String {
    match pointer {
        "/apiVersion" => "Write `apiVersion: backstage.io/v1alpha1` at the top.",
        "/kind" => "Write what it is, for example `kind: Component`.",
        "/metadata" => "Write `metadata:` with a `name:` under it.",
        "/metadata/name" => "Give it a name under `metadata:`, for example `name: my-service`.",
        "/spec" => "Write `spec:` with the fields of its kind under it.",
        "/spec/owner" => "Name the team that owns it, for example `owner: group:default/payments`.",
        "/spec/type" => "Say which sort it is, for example `type: service`.",
        "/spec/lifecycle" => "Say how far it is: `experimental`, `production` or `deprecated`.",
        "/spec/definition" => {
            "Write the interface's definition, or point to it: `definition: {$text: ./openapi.yaml}`."
        }
        "/spec/children" => "A group lists the groups under it; write `children: []` if there are none.",
        "/spec/memberOf" => "A user lists the groups it is in; write `memberOf: []` if there are none.",
        "/spec/steps" => "A template lists its steps, each with an `action`.",
        "/spec/parameters" => "Write one form as a mapping, or a list of forms.",
        _ if pointer.ends_with("/action") => "Each step names its action, for example `action: fetch:template`.",
        _ if pointer.ends_with("/url") => "Each link has an address: `url: https://example.com`.",
        _ => "Add it.",
    }
    .to_owned()
}

/// A field at the root that is not for authors.
pub(super) fn of_root_field(field: &str) -> Problem {
    let hint = match field {
        "status" | "relations" => "The catalog writes it itself. Remove it.",
        _ => "Only `apiVersion`, `kind`, `metadata` and `spec` stand there. Move it under `spec` or remove it.",
    };
    Problem::new(format!("/{}", super::schema::escape(field)), format!("`{field}` is not a field of an entity."), hint)
}

/// A kind or version that nobody knows.
pub(super) fn of_unknown_kind(entity: &Value) -> Problem {
    let kind = entity["kind"].as_str().unwrap_or_default();
    let version = entity["apiVersion"].as_str().unwrap_or_default();
    if let Some(known) = KINDS.iter().find(|known| known.name == kind) {
        return Problem::new(
            "/apiVersion",
            format!("The kind {kind} is not known in the version `{version}`."),
            format!("Write `apiVersion: {}`.", known.versions.first().copied().unwrap_or_default()),
        );
    }
    let hint = match KINDS.iter().find(|known| known.name.eq_ignore_ascii_case(kind)) {
        Some(close) => format!("Write `kind: {}`.", close.name),
        None => format!("Known kinds: {}.", KINDS.iter().map(|known| known.name).collect::<Vec<_>>().join(", ")),
    };
    Problem::new("/kind", format!("The kind `{kind}` is not known."), hint)
}
