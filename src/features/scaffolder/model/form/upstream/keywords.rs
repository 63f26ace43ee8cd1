//! One function per family of keywords.

use serde_json::{Value, json};

use super::js::{equal, is_multiple, joined, text};
use super::{Failure, Judge, Place, formats, property};
use crate::features::scaffolder::model::form::pattern::{Match, matches};

/// A rule under judgement.
pub(super) struct Rule<'a, 'p> {
    pub(super) keyword: &'static str,
    pub(super) demand: &'a Value,
    pub(super) value: &'a Value,
    pub(super) schema: &'a Value,
    pub(super) place: &'p Place,
}

impl<'a> Rule<'a, '_> {
    pub(super) fn fails(&self, message: String, argument: impl Into<Option<Value>>) -> Vec<Failure<'a>> {
        vec![Judge::fail(Some(self.value), self.schema, self.place, (self.keyword, message, argument.into()))]
    }

    /// A failure with the rule itself as the argument, unless the rule is kept.
    pub(super) fn unless(&self, kept: bool, message: String) -> Vec<Failure<'a>> {
        if kept { Vec::new() } else { self.fails(message, self.demand.clone()) }
    }
}

const KNOWN: &[&str] = &[
    "type",
    "anyOf",
    "allOf",
    "oneOf",
    "if",
    "propertyNames",
    "properties",
    "patternProperties",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "contains",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "divisibleBy",
    "required",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "dependencies",
    "enum",
    "const",
    "not",
    "disallow",
];

impl<'a> Judge<'a> {
    /// What one keyword of a schema says about a value.
    pub(super) fn keyword(
        &self,
        keyword: &str,
        demand: &'a Value,
        value: Option<&'a Value>,
        schema: &'a Value,
        place: &Place,
    ) -> Vec<Failure<'a>> {
        let Some(keyword) = KNOWN.iter().find(|known| **known == keyword).copied() else { return Vec::new() };
        let Some(value) = value else {
            let missing = keyword == "required" && demand == &Value::Bool(true);
            let failure = || Self::fail(None, schema, place, ("required", "is required".to_owned(), None));
            return missing.then(failure).into_iter().collect();
        };
        let rule = Rule { keyword, demand, value, schema, place };
        match keyword {
            "type" | "not" | "disallow" | "enum" | "const" => self.kind_of_value(&rule),
            "anyOf" | "oneOf" | "allOf" | "if" => self.combined(&rule),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "divisibleBy" => {
                number(&rule)
            }
            "minLength" | "maxLength" | "pattern" | "format" => string(&rule),
            "minItems" | "maxItems" | "uniqueItems" | "items" | "contains" => self.list(&rule),
            _ => self.object(&rule),
        }
    }

    fn kind_of_value(&self, rule: &Rule<'a, '_>) -> Vec<Failure<'a>> {
        match rule.keyword {
            "type" => {
                let types = list_of(rule.demand);
                let names: Vec<Value> = types.iter().map(|name| json!(text(name))).collect();
                if types.iter().any(|name| self.is_of(name, rule)) {
                    return Vec::new();
                }
                rule.fails(format!("is not of a type(s) {}", joined(&names)), json!(names))
            }
            "enum" => {
                let allowed = rule.demand.as_array().map_or(&[][..], Vec::as_slice);
                let kept = allowed.iter().any(|one| equal(one, rule.value));
                rule.unless(kept, format!("is not one of enum values: {}", joined(allowed)))
            }
            "const" => rule.unless(
                equal(rule.demand, rule.value),
                format!("does not exactly match expected constant: {}", text(rule.demand)),
            ),
            _ => list_of(rule.demand)
                .into_iter()
                .filter(|banned| self.is_of(banned, rule))
                .flat_map(|banned| rule.fails(format!("is of prohibited type {}", text(banned)), banned.clone()))
                .collect(),
        }
    }

    fn is_of(&self, kind: &'a Value, rule: &Rule<'a, '_>) -> bool {
        match kind.as_str() {
            Some("string") => rule.value.is_string(),
            Some("number") => rule.value.is_number(),
            Some("integer") => rule.value.as_f64().is_some_and(|number| number % 1.0 == 0.0),
            Some("boolean") => rule.value.is_boolean(),
            Some("array") => rule.value.is_array(),
            Some("object") => rule.value.is_object(),
            Some("null") => rule.value.is_null(),
            Some("any") => true,
            Some(_) => false,
            None => kind.is_object() && self.judge(Some(rule.value), kind, &rule.place.same()).is_empty(),
        }
    }

    fn combined(&self, rule: &Rule<'a, '_>) -> Vec<Failure<'a>> {
        let judge = |schema: &'a Value| self.judge(Some(rule.value), schema, &rule.place.same());
        if rule.keyword == "if" {
            let branch = if judge(rule.demand).is_empty() { "then" } else { "else" };
            return rule.schema.get(branch).map_or_else(Vec::new, judge);
        }
        let options = rule.demand.as_array().map_or(&[][..], Vec::as_slice);
        if rule.keyword == "allOf" {
            return options
                .iter()
                .enumerate()
                .flat_map(|(index, option)| Self::all_of(rule, index, option, judge(option)))
                .collect();
        }
        let fitting = options.iter().filter(|option| judge(option).is_empty()).count();
        let labels: Vec<Value> =
            options.iter().enumerate().map(|(index, option)| json!(label(option, index))).collect();
        let (kept, words) = match rule.keyword {
            "anyOf" => (fitting > 0, "is not any of"),
            _ => (fitting == 1, "is not exactly one from"),
        };
        if kept { Vec::new() } else { rule.fails(format!("{words} {}", joined(&labels)), json!(labels)) }
    }

    /// A part of `allOf` reports itself first and then what is wrong inside it.
    fn all_of(rule: &Rule<'a, '_>, index: usize, option: &Value, inner: Vec<Failure<'a>>) -> Vec<Failure<'a>> {
        if inner.is_empty() {
            return inner;
        }
        let (id, length) = (label(option, index), inner.len());
        let errors: Vec<Value> =
            inner.iter().map(|failure| failure.to_json(&failure.property(), &failure.message)).collect();
        let valid = json!({
            "instance": rule.value, "schema": option, "options": {}, "path": rule.place.path,
            "propertyPath": property(&rule.place.path), "errors": errors, "disableFormat": false,
        });
        let mut out = rule.fails(
            format!("does not match allOf schema {id} with {length} error[s]:"),
            json!({ "id": id, "length": length, "valid": valid }),
        );
        out.extend(inner);
        out
    }

    fn list(&self, rule: &Rule<'a, '_>) -> Vec<Failure<'a>> {
        let Some(items) = rule.value.as_array() else { return Vec::new() };
        let limit = rule.demand.as_f64();
        let length = f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
        match rule.keyword {
            "minItems" => rule.unless(
                limit.is_none_or(|min| length >= min),
                format!("does not meet minimum length of {}", text(rule.demand)),
            ),
            "maxItems" => rule.unless(
                limit.is_none_or(|max| length <= max),
                format!("does not meet maximum length of {}", text(rule.demand)),
            ),
            "uniqueItems" => {
                let twice = |(at, item): (usize, &Value)| items.iter().skip(at + 1).any(|other| equal(item, other));
                let repeats = rule.demand == &Value::Bool(true) && items.iter().enumerate().any(twice);
                if repeats { rule.fails("contains duplicate item".to_owned(), None) } else { Vec::new() }
            }
            "contains" => {
                let found = items
                    .iter()
                    .enumerate()
                    .any(|(at, item)| self.judge(Some(item), rule.demand, &rule.place.child(at)).is_empty());
                rule.unless(found, "must contain an item matching given schema".to_owned())
            }
            _ => self.items(rule, items),
        }
    }

    fn items(&self, rule: &Rule<'a, '_>, items: &'a [Value]) -> Vec<Failure<'a>> {
        let mut out = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let schema = match rule.demand {
                Value::Array(each) => each.get(at).or_else(|| rule.schema.get("additionalItems")),
                every => Some(every),
            };
            match schema {
                Some(Value::Bool(false)) => {
                    out.extend(rule.fails("additionalItems not permitted".to_owned(), None));
                    break;
                }
                Some(schema) => out.extend(self.judge(Some(item), schema, &rule.place.child(at))),
                None => {}
            }
        }
        out
    }
}

fn number<'a>(rule: &Rule<'a, '_>) -> Vec<Failure<'a>> {
    let (Some(value), Some(limit)) = (rule.value.as_f64(), rule.demand.as_f64()) else { return Vec::new() };
    let strict = |key: &str| rule.schema.get(key) == Some(&Value::Bool(true));
    let (kept, words) = match rule.keyword {
        "minimum" if strict("exclusiveMinimum") => (value > limit, "must be greater than"),
        "minimum" => (value >= limit, "must be greater than or equal to"),
        "maximum" if strict("exclusiveMaximum") => (value < limit, "must be less than"),
        "maximum" => (value <= limit, "must be less than or equal to"),
        "exclusiveMinimum" => (value > limit, "must be strictly greater than"),
        "exclusiveMaximum" => (value < limit, "must be strictly less than"),
        _ => (is_multiple(value, limit), "is not a multiple of (divisible by)"),
    };
    rule.unless(kept, format!("{words} {}", text(rule.demand)))
}

fn string<'a>(rule: &Rule<'a, '_>) -> Vec<Failure<'a>> {
    let Some(value) = rule.value.as_str() else { return Vec::new() };
    let limit = rule.demand.as_f64();
    let length = f64::from(u32::try_from(value.chars().count()).unwrap_or(u32::MAX));
    let wanted = text(rule.demand);
    match rule.keyword {
        "minLength" => {
            rule.unless(limit.is_none_or(|min| length >= min), format!("does not meet minimum length of {wanted}"))
        }
        "maxLength" => {
            rule.unless(limit.is_none_or(|max| length <= max), format!("does not meet maximum length of {wanted}"))
        }
        "format" => {
            rule.unless(formats::conforms(value, &wanted), format!("does not conform to the {} format", rule.demand))
        }
        _ => rule.unless(
            matches(&wanted, value) == Match::Yes,
            format!("does not match pattern {}", Value::from(wanted.as_str())),
        ),
    }
}

/// What may be written alone or as a list.
pub(super) fn list_of(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

/// How an option of `anyOf` and its like is called: by id, title, reference or number.
fn label(option: &Value, index: usize) -> String {
    let get = |key: &str| option.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(id) = get("$id").or_else(|| get("id")) {
        return format!("<{id}>");
    }
    if let Some(title) = get("title") {
        return Value::from(title).to_string();
    }
    get("$ref").map_or_else(|| format!("[subschema {index}]"), |target| format!("<{target}>"))
}
