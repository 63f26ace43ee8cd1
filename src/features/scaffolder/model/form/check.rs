//! Whether the answers of a page are right, told to the person who gave them.

use serde_json::{Map, Value, json};

use super::check_fields::own_rules;
use super::draw::{Form, Secrets, Typed};
use super::effective::{FLAG, LIST, resolve};
use super::keys::own_keys;
use super::page::Page;
use super::path::Path;
use super::pattern::{bounded, is_usable};
use super::pick::{Choices, Context, Lookup};
use super::say::{say, say_missing};
use super::shape::{Shape, shape};
use super::upstream::failures;
use crate::kernel::fault::FieldFault;

/// Keywords whose value is a number.
const LIMITS: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];

/// A rule that an answer breaks, whoever found it.
struct Broken {
    /// Keys and indices down to the answer.
    place: Vec<String>,
    keyword: String,
    /// The schema that has the rule.
    schema: Value,
    argument: Value,
}

impl Form<'_> {
    /// Everything wrong with the page: what could not be read, then what breaks a rule.
    /// One message for each question, the first that was found.
    #[must_use]
    pub fn check(&self) -> Vec<FieldFault> {
        let mut out = self.faults.to_vec();
        for fault in validate(self.page, self.answers, self.secrets, self.typed, self.context) {
            // A part of an address may be at fault where the whole was named already, and the other way round.
            let told = |known: &FieldFault| {
                known.field == fault.field
                    || known.field.strip_prefix(&fault.field).is_some_and(|rest| rest.starts_with(':'))
            };
            if !out.iter().any(told) {
                out.push(fault);
            }
        }
        out
    }
}

impl Form<'_> {
    /// Choices that are not among those a picker allows. `choices` answers the lookups of the page.
    #[must_use]
    pub fn check_choices(&self, choices: &dyn Choices) -> Vec<FieldFault> {
        let closed = self.lookups().into_iter().filter(|lookup| lookup.closed && !lookup.selected.is_empty());
        let strange = |lookup: Lookup| {
            let found = choices.find(&lookup);
            let known =
                |value: &String| found.selected.iter().chain(&found.choices).any(|choice| &choice.value == value);
            let strange = lookup.selected.iter().find(|value| !known(value))?;
            Some(FieldFault { field: lookup.name.clone(), message: format!("“{strange}” cannot be chosen here.") })
        };
        closed.filter_map(strange).collect()
    }
}

/// What breaks the rules of a page. Only the answers to this page are judged; its conditions see all answers.
#[must_use]
pub fn validate(page: &Page, answers: &Value, secrets: &Secrets, typed: &Typed, context: &Context) -> Vec<FieldFault> {
    let schema = resolve(&page.schema, answers, &context.flags, &typed.variants);
    let own = own_keys(&page.schema);
    let mine: Map<String, Value> = answers
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| own.contains(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let value = reveal(&schema, &Value::Object(mine), secrets);
    let mut out: Vec<FieldFault> = Vec::new();
    for broken in broken_rules(&schema, &value) {
        put(&mut out, fault(&schema, &value, &broken));
    }
    for fault in own_rules(&schema, &value, context) {
        put(&mut out, fault);
    }
    if out.is_empty() && !mentions(&page.schema, FLAG) {
        out.extend(together(page, answers, &value));
    }
    out
}

fn put(out: &mut Vec<FieldFault>, fault: FieldFault) {
    if !out.iter().any(|known| known.field == fault.field) {
        out.push(fault);
    }
}

/// The value with secrets in the place of their masks. A mask without its secret is no answer.
fn reveal(schema: &Value, value: &Value, secrets: &Secrets) -> Value {
    let Value::Object(map) = value else { return value.clone() };
    let property = |key: &String| schema.get("properties").and_then(|properties| properties.get(key));
    let part = |(key, value): (&String, &Value)| match property(key) {
        Some(property) if shape(property) == Shape::Secret => {
            secrets.get(key).map(|secret| (key.clone(), json!(secret.expose())))
        }
        Some(property) => Some((key.clone(), reveal(property, value, secrets))),
        None => Some((key.clone(), value.clone())),
    };
    Value::Object(map.iter().filter_map(part).collect())
}

fn broken_rules(schema: &Value, value: &Value) -> Vec<Broken> {
    let cleaned = clean(schema);
    let Some(validator) = bounded(&cleaned) else {
        // The schema is wrong somewhere. The lenient judge ignores what it cannot use.
        let found = failures(schema, schema, value);
        return found
            .into_iter()
            .map(|failure| Broken {
                place: failure.path.iter().map(super::upstream::text).collect(),
                keyword: failure.name.to_owned(),
                argument: failure.argument.unwrap_or(Value::Null),
                schema: failure.schema.into_owned(),
            })
            .collect();
    };
    validator.iter_errors(value).map(|error| broken(schema, &error)).collect()
}

fn broken(schema: &Value, error: &jsonschema::ValidationError<'_>) -> Broken {
    use jsonschema::error::ValidationErrorKind as Kind;
    let keyword = error.kind().keyword().to_owned();
    let pointer = error.schema_path().as_str();
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let node = schema.pointer(parent).cloned().unwrap_or(Value::Null);
    let argument = match error.kind() {
        Kind::Required { property } => property.clone(),
        Kind::AdditionalProperties { unexpected } => unexpected.first().map_or(Value::Null, |key| json!(key)),
        _ => node.get(&keyword).cloned().unwrap_or(Value::Null),
    };
    let place = error
        .instance_path()
        .as_str()
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    Broken { place, keyword, schema: node, argument }
}

fn fault(schema: &Value, value: &Value, broken: &Broken) -> FieldFault {
    let path = path_of(schema, value, &broken.place);
    let Some(key) = broken.argument.as_str().filter(|_| broken.keyword == "required") else {
        // `null` stands for an item that was added and left empty.
        let empty = broken.keyword == "type" && at(value, &broken.place).is_some_and(Value::is_null);
        let message =
            if empty { say_missing(&broken.schema) } else { say(&broken.keyword, &broken.schema, &broken.argument) };
        return FieldFault { field: path.name(), message };
    };
    let property = broken.schema.get("properties").and_then(|properties| properties.get(key));
    FieldFault { field: path.key(key).name(), message: say_missing(property.unwrap_or(&Value::Null)) }
}

fn at<'v>(value: &'v Value, place: &[String]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    })
}

/// The place of an answer as the form names it: keys that the schema does not name are rows.
fn path_of(schema: &Value, value: &Value, place: &[String]) -> Path {
    let (mut schema, mut value, mut path) = (Some(schema), Some(value), Path::root());
    for step in place {
        match value {
            Some(Value::Array(items)) => {
                let index = step.parse().unwrap_or(0);
                path = path.item(index);
                schema =
                    schema.and_then(|schema| schema.get("items")).and_then(|items| items.get(index).or(Some(items)));
                value = items.get(index);
            }
            Some(Value::Object(map)) => {
                let named = schema.and_then(|schema| schema.get("properties"));
                let property = named.and_then(|named| named.get(step));
                let is_row = property.is_none() && path.depth() > 0;
                let rows = map.keys().filter(|key| named.is_none_or(|named| named.get(key.as_str()).is_none()));
                path = if is_row { path.row(rows.take_while(|key| *key != step).count()) } else { path.key(step) };
                schema = property.or_else(|| schema.and_then(|schema| schema.get("additionalProperties")));
                value = map.get(step);
            }
            _ => path = path.key(step),
        }
    }
    path
}

/// The rules of a schema without what draft 7 refuses, so that one slip of an author does not stop the check.
fn clean(schema: &Value) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    let keep = |(key, rule): (&String, &Value)| {
        let cleaned = match (key.as_str(), rule) {
            ("properties" | "patternProperties", Value::Object(parts)) => {
                Value::Object(parts.iter().map(|(key, part)| (key.clone(), clean(part))).collect())
            }
            ("items" | "allOf" | "anyOf" | "oneOf", Value::Array(parts)) if !parts.is_empty() => {
                parts.iter().map(clean).collect()
            }
            (
                "items"
                | "additionalItems"
                | "additionalProperties"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames",
                Value::Object(_) | Value::Bool(_),
            ) => clean(rule),
            ("type", kinds) => known_types(kinds)?,
            ("pattern", Value::String(pattern)) => json!(Some(pattern).filter(|pattern| is_usable(pattern))?),
            ("required" | "enum", Value::Array(_))
            | ("uniqueItems", Value::Bool(_))
            | ("format", Value::String(_))
            | ("const", _) => rule.clone(),
            (key, Value::Number(_)) => LIMITS.contains(&key).then(|| rule.clone())?,
            _ => return None,
        };
        Some((key.clone(), cleaned))
    };
    // A list whose items were resolved one by one has as many schemas as items; more cannot fail.
    let resolved_list = |key: &str| key == "additionalItems" && map.contains_key(LIST);
    Value::Object(map.iter().filter(|(key, _)| !resolved_list(key)).filter_map(keep).collect())
}

fn known_types(kinds: &Value) -> Option<Value> {
    const KNOWN: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];
    let kept: Vec<String> = super::ui::texts(kinds).into_iter().filter(|kind| KNOWN.contains(&kind.as_str())).collect();
    (!kept.is_empty()).then(|| json!(kept))
}

fn mentions(schema: &Value, key: &str) -> bool {
    match schema {
        Value::Object(map) => map.contains_key(key) || map.values().any(|part| mentions(part, key)),
        Value::Array(items) => items.iter().any(|part| mentions(part, key)),
        _ => false,
    }
}

/// A last look with the schema as it was written: what the API would refuse must not pass here.
fn together(page: &Page, answers: &Value, mine: &Value) -> Option<FieldFault> {
    let mut all = answers.as_object().cloned().unwrap_or_default();
    all.extend(mine.as_object().cloned().unwrap_or_default());
    let all = Value::Object(all);
    let found = failures(&page.schema, &page.schema, &all);
    // Answers to other pages are no business of this page, whatever its schema says.
    let serious = found.iter().find(|failure| !(failure.path.is_empty() && failure.name == "additionalProperties"))?;
    let message = format!("These answers do not go together: {}.", serious.message.trim_end_matches(':'));
    Some(FieldFault { field: String::new(), message })
}
