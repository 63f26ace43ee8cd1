//! One reading of a submitted page against a schema whose conditions are decided.

use serde_json::{Map, Value, json};

use super::MAX_ITEMS;
use super::action::Action;
use super::controls::row_values;
use super::defaults::fill;
use super::draw::{Secrets, Typed};
use super::effective::VARIANT;
use super::parse::{Held, Posted};
use super::path::Path;
use super::pick::Context;
use super::shape::{Shape, fixed_items, item_schema, row_schema, shape, types};
use super::ui::{is_locked, is_required};
use crate::kernel::fault::FieldFault;

/// Where a value stands on the page as it was sent, and where it will stand: removing an item moves
/// those behind it.
#[derive(Clone)]
pub(super) struct At {
    pub(super) old: Path,
    pub(super) new: Path,
}

impl At {
    fn key(&self, key: &str) -> Self {
        Self { old: self.old.key(key), new: self.new.key(key) }
    }
}

pub(super) struct Reader<'a> {
    pub(super) posted: &'a Posted<'a>,
    action: &'a Action,
    held: Held<'a>,
    pub(super) context: &'a Context,
    /// The schema still knows the items by their old places.
    first_round: bool,
    pub(super) typed: Typed,
    pub(super) faults: Vec<FieldFault>,
    pub(super) secrets: Secrets,
    /// Questions that had no control on the page as it was sent.
    pub(super) unasked: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        posted: &'a Posted<'a>,
        action: &'a Action,
        held: Held<'a>,
        context: &'a Context,
        first_round: bool,
    ) -> Self {
        Self {
            posted,
            action,
            held,
            context,
            first_round,
            typed: Typed::default(),
            faults: Vec::new(),
            secrets: held.secrets.clone(),
            unasked: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (Typed, Vec<FieldFault>, Secrets, Vec<String>) {
        (self.typed, self.faults, self.secrets, self.unasked)
    }

    /// The answers to the whole page.
    pub(super) fn root(&mut self, schema: &Value) -> Map<String, Value> {
        let at = At { old: Path::root(), new: Path::root() };
        let before = self.held.answers;
        self.properties(schema, &at, Some(before))
    }

    pub(super) fn fault(&mut self, at: &At, message: impl Into<String>) {
        self.faults.push(FieldFault { field: at.new.name(), message: message.into() });
    }

    pub(super) fn goes_on(&self) -> bool {
        self.action.checks()
    }

    fn properties(&mut self, schema: &Value, at: &At, before: Option<&Value>) -> Map<String, Value> {
        self.variant(schema, at);
        let mut out = Map::new();
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let old = before.and_then(|value| value.get(key));
            if let Some(value) = self.value(property, &at.key(key), old, is_required(schema, key)) {
                out.insert(key.clone(), value);
            }
        }
        out
    }

    /// Notes which of several forms was chosen; the next round reads by it.
    fn variant(&mut self, schema: &Value, at: &At) {
        let Some(chosen) = schema.get(VARIANT).and_then(|mark| mark.get("chosen")).and_then(Value::as_u64) else {
            return;
        };
        let posted = self.posted.last(&at.old.part("as")).and_then(|text| text.parse::<usize>().ok());
        if let Some(index) = posted.or_else(|| usize::try_from(chosen).ok()) {
            self.typed.variants.insert(at.new.name(), index);
        }
    }

    /// The answer to one question. `None` when it is not answered.
    fn value(&mut self, schema: &Value, at: &At, before: Option<&Value>, required: bool) -> Option<Value> {
        let shape = shape(schema);
        if shape == Shape::Constant {
            return schema.get("const").cloned();
        }
        if shape == Shape::Hidden || is_locked(schema) {
            return fill(schema, before);
        }
        if shape == Shape::Object {
            return self.object(schema, at, before, required);
        }
        self.variant(schema, at);
        if !self.posted.has(&at.old.name()) {
            self.unasked.push(at.new.name());
            return fill(schema, before);
        }
        match shape {
            Shape::List => settle(schema, self.list(schema, at, before), required),
            Shape::Many | Shape::Entities | Shape::Tags => settle(schema, self.several(shape, schema, at), required),
            _ => self.single(shape, schema, at, before),
        }
    }

    fn object(&mut self, schema: &Value, at: &At, before: Option<&Value>, required: bool) -> Option<Value> {
        let mut out = self.properties(schema, at, before);
        if let Some(rows) = row_schema(schema) {
            self.rows(schema, &rows, at, before, &mut out);
        }
        let untouched = out.values().all(is_blank);
        let unmet = || {
            schema
                .get("required")
                .and_then(Value::as_array)
                .is_some_and(|keys| keys.iter().filter_map(Value::as_str).any(|key| !out.contains_key(key)))
        };
        // An optional group that nobody has touched is not there; its required parts are not missed.
        let absent = !required && untouched && (out.is_empty() || unmet());
        (!absent).then_some(Value::Object(out))
    }

    /// Properties that the person names.
    fn rows(&mut self, schema: &Value, values: &Value, at: &At, before: Option<&Value>, out: &mut Map<String, Value>) {
        let name = at.old.name();
        if !self.posted.has(&name) {
            self.unasked.push(at.new.name());
            out.extend(row_values(schema, before));
            return;
        }
        let mut rows: Vec<(String, Value)> = Vec::new();
        for index in self.posted.indices(&format!("{name}:k")).into_iter().take(MAX_ITEMS) {
            let row = At { old: at.old.row(index), new: at.new.row(rows.len()) };
            if *self.action == Action::Remove(row.old.name()) {
                continue;
            }
            let key = self.posted.last(&at.old.part(&format!("k{index}"))).unwrap_or_default().trim().to_owned();
            let value = self.value(values, &row, None, true);
            if self.goes_on() && key.is_empty() && value.as_ref().is_none_or(is_blank) {
                continue;
            }
            let empty = || if types(values).iter().any(|kind| kind == "string") { json!("") } else { Value::Null };
            rows.push((key, value.unwrap_or_else(empty)));
        }
        if *self.action == Action::Add(name) && rows.len() < MAX_ITEMS {
            rows.push((String::new(), Value::Null));
        }
        self.settle_rows(schema, at, rows, out);
    }

    /// Rows become properties. Where names are missing or double, the rows are kept as they were typed.
    fn settle_rows(&mut self, schema: &Value, at: &At, rows: Vec<(String, Value)>, out: &mut Map<String, Value>) {
        let mut whole = true;
        for (index, (key, value)) in rows.iter().enumerate() {
            let row = At { old: at.old.row(index), new: at.new.row(index) };
            let taken = out.contains_key(key) || schema.get("properties").is_some_and(|named| named.get(key).is_some());
            if key.is_empty() || taken {
                whole = false;
                let message = if key.is_empty() {
                    "Give this entry a name.".to_owned()
                } else {
                    format!("“{key}” is here twice.")
                };
                self.fault(&row, message);
            } else {
                out.insert(key.clone(), value.clone());
            }
        }
        if !whole {
            self.typed.rows.insert(at.new.name(), rows);
        }
    }

    fn list(&mut self, schema: &Value, at: &At, before: Option<&Value>) -> Vec<Value> {
        let name = at.old.name();
        let fixed = fixed_items(schema);
        let mut indices = self.posted.indices(&format!("{name}["));
        if indices.len() > MAX_ITEMS {
            self.fault(at, format!("At most {MAX_ITEMS} entries are possible here."));
            indices.truncate(MAX_ITEMS);
        }
        let mut out: Vec<Value> = Vec::new();
        for index in indices {
            let item = At { old: at.old.item(index), new: at.new.item(out.len()) };
            if *self.action == Action::Remove(item.old.name()) {
                continue;
            }
            let known_as = if self.first_round { index } else { out.len() };
            let (schema, is_fixed) = item_schema(schema, known_as);
            let value = self.value(&schema, &item, before.and_then(|items| items.get(index)), true);
            let blank = value.as_ref().is_none_or(|value| is_blank(value) && shape(&schema) != Shape::Check);
            let bad = self.typed.texts.contains_key(&item.new.name());
            if blank && !bad && !is_fixed && self.goes_on() {
                continue;
            }
            out.push(value.unwrap_or(Value::Null));
        }
        while self.goes_on() && out.last().is_some_and(Value::is_null) && out.len() <= fixed {
            out.pop();
        }
        if *self.action == Action::Add(name) && out.len() < MAX_ITEMS {
            out.push(Value::Null);
        }
        out
    }
}

/// An empty list that need not be there, and may not be there empty, is not there.
fn settle(schema: &Value, items: Vec<Value>, required: bool) -> Option<Value> {
    let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
    (required || least == 0 || !items.is_empty()).then_some(Value::Array(items))
}

/// Nothing that anybody would have had to type or tick.
pub(super) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_blank),
        _ => false,
    }
}
