//! The answers once more before anything is made, and what of them nobody may read.

use serde_json::Value;

use super::effective::{Variants, resolve};
use super::page::{Page, When};
use super::path::{Path, id_of};
use super::pick::Context;
use super::repo::Address;
use super::shape::{Shape, item_schema, options, row_schema, shape};
use super::ui::{ui, ui_text};
use super::upstream::{equal, text};
use super::words::label_from_key;

/// What stands in the place of an answer that nobody may read.
pub const MASK: &str = "••••••";

/// One answer on the review page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRow {
    /// Index of the page where it was given.
    pub page: usize,
    /// Title of that page.
    pub page_title: String,
    /// What was asked.
    pub label: String,
    /// The answer, in words; empty when none was given.
    pub value: String,
    /// The answer is hidden.
    pub masked: bool,
    /// `id` of the control that changes it, on its page.
    pub anchor: String,
}

/// The answers to all pages that are shown, in their order.
#[must_use]
pub fn review_rows(pages: &[Page], answers: &Value, context: &Context, when: When<'_>) -> Vec<ReviewRow> {
    let mut out = Vec::new();
    for (index, page) in pages.iter().enumerate().filter(|(_, page)| page.is_shown(answers, &context.flags, when)) {
        let schema = resolve(&page.schema, answers, &context.flags, &Variants::new());
        let mut review = Review { page: index, page_title: &page.title, out: &mut out };
        review.object(&schema, answers, &Path::root(), "");
    }
    out
}

/// Names of the answers that are kept as secrets.
#[must_use]
pub fn secret_names(pages: &[Page]) -> Vec<String> {
    let mut out = Vec::new();
    for page in pages {
        collect_secrets(&page.schema, &mut out);
    }
    out
}

fn collect_secrets(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            for (key, property) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if ui_text(property, "field") == Some("Secret") && !out.contains(key) {
                    out.push(key.clone());
                }
            }
            map.values().for_each(|part| collect_secrets(part, out));
        }
        Value::Array(items) => items.iter().for_each(|part| collect_secrets(part, out)),
        _ => {}
    }
}

/// A token of the person that a template wants for a code host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWish {
    /// Under which name it goes into the secrets.
    pub secrets_key: String,
    /// Host of the repository that was chosen, if one was.
    pub host: Option<String>,
    /// Further scopes by sort of host, as the template names them.
    pub scopes: Value,
}

/// The tokens that the repository fields of the pages want: `requestUserCredentials`.
#[must_use]
pub fn token_wishes(pages: &[Page], answers: &Value, context: &Context) -> Vec<TokenWish> {
    let mut out = Vec::new();
    for page in pages {
        let schema = resolve(&page.schema, answers, &context.flags, &Variants::new());
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let Some(wish) = ui(property, "requestUserCredentials") else { continue };
            let Some(name) = wish.get("secretsKey").and_then(Value::as_str) else { continue };
            let host = answers.get(key).and_then(Value::as_str).map(|url| Address::read(url).host);
            out.push(TokenWish {
                secrets_key: name.to_owned(),
                host,
                scopes: wish.get("additionalScopes").cloned().unwrap_or(Value::Null),
            });
        }
    }
    out
}

struct Review<'r> {
    page: usize,
    page_title: &'r str,
    out: &'r mut Vec<ReviewRow>,
}

impl Review<'_> {
    fn object(&mut self, schema: &Value, value: &Value, path: &Path, prefix: &str) {
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let review = ui(property, "backstage").and_then(|backstage| backstage.get("review"));
            let hidden = review.and_then(|review| review.get("show")) == Some(&Value::Bool(false));
            if hidden || shape(property) == Shape::Hidden {
                continue;
            }
            let name = review.and_then(|review| review.get("name")).and_then(Value::as_str);
            let label = name.map_or_else(|| super::draw::label(property, key), str::to_owned);
            let label = if prefix.is_empty() { label } else { format!("{prefix}: {label}") };
            let mask = review.and_then(|review| review.get("mask")).and_then(Value::as_str);
            let whole = review.and_then(|review| review.get("explode")) == Some(&Value::Bool(false));
            self.field(property, value.get(key), &path.key(key), (label, mask, whole));
        }
    }

    fn field(&mut self, schema: &Value, value: Option<&Value>, path: &Path, how: (String, Option<&str>, bool)) {
        let (label, mask, whole) = how;
        let kind = shape(schema);
        let apart = kind == Shape::Object && !whole && mask.is_none() && row_schema(schema).is_none();
        if let (true, Some(value)) = (apart, value) {
            self.object(schema, value, path, &label);
            return;
        }
        let value = value.filter(|value| !value.is_null());
        let secret = matches!(kind, Shape::Secret | Shape::Password) || ui_text(schema, "widget") == Some("password");
        let masked = value.is_some() && (secret || mask.is_some());
        let shown = match value {
            None => String::new(),
            Some(_) if masked => mask.unwrap_or(MASK).to_owned(),
            Some(value) => value_text(schema, value),
        };
        let (page, page_title) = (self.page, self.page_title.to_owned());
        self.out.push(ReviewRow { page, page_title, label, value: shown, masked, anchor: id_of(&path.name()) });
    }
}

/// An answer in words.
pub(super) fn value_text(schema: &Value, value: &Value) -> String {
    if let Some(option) =
        schema.get("enum").and_then(|_| options(schema).into_iter().find(|option| equal(&option.value, value)))
    {
        return option.label;
    }
    match value {
        Value::Null => String::new(),
        Value::Bool(_) => options(schema)
            .into_iter()
            .find(|option| &option.value == value)
            .map_or_else(|| text(value), |option| option.label),
        Value::String(url) if shape(schema) == Shape::Repo => Address::read(url).spoken(),
        Value::Array(items) => {
            let item = |(index, item): (usize, &Value)| value_text(&item_schema(schema, index).0, item);
            let separator = if items.iter().any(Value::is_object) { "; " } else { ", " };
            items.iter().enumerate().map(item).collect::<Vec<_>>().join(separator)
        }
        Value::Object(map) => {
            let part = |(key, value): (&String, &Value)| match schema
                .get("properties")
                .and_then(|properties| properties.get(key))
            {
                Some(property) => format!("{}: {}", super::draw::label(property, key), value_text(property, value)),
                None => format!(
                    "{}: {}",
                    if schema.get("properties").is_some() { label_from_key(key) } else { key.clone() },
                    value_text(&Value::Null, value)
                ),
            };
            map.iter().map(part).collect::<Vec<_>>().join(", ")
        }
        other => text(other),
    }
}
