//! The judgement that Backstage's API gives on task parameters, in its own words.
//!
//! Backstage validates with the npm package `jsonschema`. Clients read its messages, so this part
//! answers what that package answers: keyword by keyword in the order of the schema, with its
//! peculiar paths. People who fill in a form are told by `super::check` instead.

mod formats;
mod js;
mod keywords;
mod objects;

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::{Map, Value, json};

use js::suffix;
pub(crate) use js::{equal, text};

use super::page::{Page, When};

/// How often a schema may refer onwards without coming to a value.
const MAX_NESTING: usize = 64;
/// How many rules are looked at for one set of values. A schema that needs more is refused.
const MAX_RULES: usize = 200_000;

/// One rule that a value breaks.
#[derive(Debug, Clone)]
pub(crate) struct Failure<'a> {
    /// Where the value is: texts and numbers.
    pub path: Vec<Value>,
    /// What is wrong, without the name of the value.
    pub message: String,
    /// The schema that has the rule.
    pub schema: Cow<'a, Value>,
    /// The value.
    pub instance: Option<Cow<'a, Value>>,
    /// The keyword.
    pub name: &'static str,
    /// What the rule demands.
    pub argument: Option<Value>,
}

impl Failure<'_> {
    fn into_owned(self) -> Failure<'static> {
        Failure {
            path: self.path,
            message: self.message,
            schema: Cow::Owned(self.schema.into_owned()),
            instance: self.instance.map(|value| Cow::Owned(value.into_owned())),
            name: self.name,
            argument: self.argument,
        }
    }

    fn property(&self) -> String {
        property(&self.path)
    }

    /// The failure as the API writes it, `property` and `message` given.
    fn to_json(&self, property: &str, message: &str) -> Value {
        let id = self.schema.get("$id").or_else(|| self.schema.get("id")).filter(|id| id.is_string());
        let mut out = Map::new();
        out.insert("path".to_owned(), json!(self.path));
        out.insert("property".to_owned(), json!(property));
        out.insert("message".to_owned(), json!(message));
        out.insert("schema".to_owned(), id.unwrap_or(&self.schema).clone());
        if let Some(instance) = &self.instance {
            out.insert("instance".to_owned(), instance.clone().into_owned());
        }
        out.insert("name".to_owned(), json!(self.name));
        if let Some(argument) = &self.argument {
            out.insert("argument".to_owned(), argument.clone());
        }
        out.insert("stack".to_owned(), json!(format!("{} {}", self.property(), self.message)));
        Value::Object(out)
    }
}

fn property(path: &[Value]) -> String {
    path.iter().fold("instance".to_owned(), |mut out, step| {
        out.push_str(&suffix(&text(step)));
        out
    })
}

/// A place in the values and how deep the schema has led there.
#[derive(Debug, Clone, Default)]
struct Place {
    path: Vec<Value>,
    nesting: usize,
}

impl Place {
    fn child(&self, step: impl Into<Value>) -> Self {
        let mut path = self.path.clone();
        path.push(step.into());
        Self { path, nesting: self.nesting + 1 }
    }

    fn same(&self) -> Self {
        Self { path: self.path.clone(), nesting: self.nesting + 1 }
    }
}

/// One run over values with one schema document.
struct Judge<'a> {
    root: &'a Value,
    rules_left: &'a Cell<usize>,
}

impl<'a> Judge<'a> {
    /// What is wrong with a value. A missing value breaks only `required: true`.
    fn judge(&self, value: Option<&'a Value>, schema: &'a Value, place: &Place) -> Vec<Failure<'a>> {
        if self.rules_left.get() == 0 || place.nesting > MAX_NESTING {
            return vec![Self::fail(value, schema, place, ("limit", "takes too many rules to check".to_owned(), None))];
        }
        self.rules_left.set(self.rules_left.get() - 1);
        let map = match schema {
            Value::Object(map) => map,
            Value::Bool(false) => return Self::judge_never(value, place),
            _ => return Vec::new(),
        };
        if let Some(target) = map.get("$ref").and_then(Value::as_str) {
            return match self.resolve(target) {
                Some(found) => self.judge(value, found, &place.same()),
                None => vec![Self::fail(value, schema, place, ("$ref", format!("no such schema <{target}>"), None))],
            };
        }
        map.iter().flat_map(|(keyword, rule)| self.keyword(keyword, rule, value, schema, place)).collect()
    }

    /// The schema `false` allows nothing; it is written as the type of no name.
    fn judge_never(value: Option<&'a Value>, place: &Place) -> Vec<Failure<'a>> {
        let Some(value) = value else { return Vec::new() };
        vec![Failure {
            path: place.path.clone(),
            message: "is not of a type(s) ".to_owned(),
            schema: Cow::Owned(json!({ "type": [] })),
            instance: Some(Cow::Borrowed(value)),
            name: "type",
            argument: Some(json!([])),
        }]
    }

    fn fail(
        value: Option<&'a Value>,
        schema: &'a Value,
        place: &Place,
        what: (&'static str, String, Option<Value>),
    ) -> Failure<'a> {
        let (name, message, argument) = what;
        let instance = value.map(Cow::Borrowed);
        Failure { path: place.path.clone(), message, schema: Cow::Borrowed(schema), instance, name, argument }
    }

    fn resolve(&self, target: &str) -> Option<&'a Value> {
        resolve(self.root, target)
    }
}

/// The part of a schema document that a local `$ref` names. Other documents are never fetched.
pub(crate) fn resolve<'a>(root: &'a Value, target: &str) -> Option<&'a Value> {
    let pointer = target.strip_prefix('#')?;
    let decoded: String = percent_decode(pointer);
    root.pointer(&decoded)
}

fn percent_decode(text: &str) -> String {
    // `form_urlencoded` would read `+` as a blank; a pointer may contain one.
    let kept = text.replace('+', "%2B");
    url::form_urlencoded::parse(format!("p={}", kept.replace('&', "%26")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Everything wrong with a value, in the order in which Backstage reports it.
pub(crate) fn failures<'a>(root: &'a Value, schema: &'a Value, value: &'a Value) -> Vec<Failure<'a>> {
    let rules_left = Cell::new(MAX_RULES);
    let judge = Judge { root, rules_left: &rules_left };
    judge.judge(Some(value), schema, &Place::default()).into_iter().map(Failure::into_owned).collect()
}

/// Whether a value has nothing wrong with it.
pub(crate) fn is_valid(root: &Value, schema: &Value, value: &Value) -> bool {
    failures(root, schema, value).is_empty()
}

/// The `errors` of the 400 answer to `POST /v2/tasks`, empty when the values are accepted.
/// Pages are judged in order, and the first page with errors ends it.
#[must_use]
pub fn api_errors(parameters: &Value, values: &Value, when: When<'_>) -> Vec<Value> {
    let pages = Page::from_parameters(parameters);
    let judged = pages.iter().filter(|page| page.holds(values, when));
    for page in judged {
        let found = failures(&page.schema, &page.schema, values);
        if !found.is_empty() {
            return found.iter().map(|failure| failure.to_json(&failure.property(), &failure.message)).collect();
        }
    }
    Vec::new()
}

/// The `errors` for secrets that break `spec.secrets.schema`. Asked for once the values are accepted.
#[must_use]
pub fn secret_errors(schema: &Value, secrets: &Value) -> Vec<Value> {
    failures(schema, schema, secrets)
        .iter()
        .map(|failure| {
            let property = failure.property().replacen("instance", "secrets", 1);
            let message = match (&failure.argument, failure.name) {
                (Some(Value::String(key)), "required") => format!("{property}{} is required", suffix(key)),
                _ => format!("{property} {}", failure.message),
            };
            failure.to_json(&property, &message)
        })
        .collect()
}
