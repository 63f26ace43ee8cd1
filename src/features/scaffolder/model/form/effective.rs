//! The schema as it is for the present answers: references followed, conditions decided, branches
//! that are not chosen gone. Everything else in this module walks the result and meets no
//! `$ref`, `allOf`, `if`, `dependencies`, and `oneOf` only where it does not matter to the form.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::branch::{Branch, is_constant, only_not_null};
use super::keys::{has_conditions, names_in_condition, ordered};
use super::merge::{Anchors, merge};
use super::path::Path;
use super::upstream::{is_valid, resolve as resolve_ref};
use super::{MAX_DEPTH, MAX_EMPTY_ITEMS, MAX_NODES};

/// Hides a page or a question unless this flag is on.
pub(super) const FLAG: &str = "backstage:featureFlag";
/// Our mark on a list whose items were resolved one by one: `items` is per item, yet it can grow.
pub(super) const LIST: &str = "slipway:list";
/// Our mark where one of several forms was chosen: `{chosen, labels}`.
pub(super) const VARIANT: &str = "slipway:variant";
/// Our mark on an object: which of its properties decide what else is asked.
pub(super) const CONTROLS: &str = "slipway:controls";
/// Our mark on options that came from `oneOf`: a description for each.
pub(super) const NOTES: &str = "slipway:notes";

/// Keywords that are decided here and do not reach the result.
const DECIDED: &[&str] = &[
    "$ref",
    "allOf",
    "oneOf",
    "anyOf",
    "if",
    "then",
    "else",
    "dependencies",
    "dependentSchemas",
    "dependentRequired",
    "definitions",
    "$defs",
];

/// Which form was chosen by hand, by the name of the value.
pub type Variants = BTreeMap<String, usize>;

/// The schema of a page with its conditions decided for these answers.
/// Questions behind a feature flag that is not in `flags` are left out.
#[must_use]
pub fn effective_schema(schema: &Value, answers: &Value, flags: &[String]) -> Value {
    resolve(schema, answers, flags, &Variants::new())
}

/// The same, with the forms that a person has chosen by hand.
pub(super) fn resolve(schema: &Value, answers: &Value, flags: &[String], variants: &Variants) -> Value {
    let empty = json!({});
    let resolver = Resolver { root: schema, empty: &empty, flags, variants, nodes_left: Cell::new(MAX_NODES) };
    resolver.node(schema, Some(answers), &Path::root(), &[]).unwrap_or_else(|| json!({}))
}

pub(super) struct Resolver<'a> {
    pub(super) root: &'a Value,
    empty: &'a Value,
    flags: &'a [String],
    pub(super) variants: &'a Variants,
    nodes_left: Cell<usize>,
}

/// What gathers while one value's schema is laid flat.
#[derive(Default)]
pub(super) struct Flat {
    pub(super) out: Map<String, Value>,
    pub(super) controls: Vec<String>,
    anchors: Anchors,
    /// References followed for this very value: meeting one again leads nowhere.
    here: Vec<String>,
    /// The schema refers to something it lies in, and no value asks to go on.
    endless: bool,
}

impl Flat {
    pub(super) fn lay(&mut self, schema: &Map<String, Value>, after: Option<&str>) {
        merge(&mut self.out, schema, after, &mut self.anchors);
    }

    fn property(&self, key: &str) -> bool {
        self.out.get("properties").is_some_and(|properties| properties.get(key).is_some())
    }
}

impl<'a> Resolver<'a> {
    /// The schema of one value and everything under it. `None` where a recursive schema ends.
    fn node(&self, schema: &Value, value: Option<&'a Value>, path: &Path, refs: &[String]) -> Option<Value> {
        if self.nodes_left.get() == 0 || path.depth() > MAX_DEPTH {
            return None;
        }
        self.nodes_left.set(self.nodes_left.get() - 1);
        let Value::Object(map) = schema else {
            return Some(if schema == &Value::Bool(false) { json!({ "not": {} }) } else { json!({}) });
        };
        let mut flat = Flat::default();
        self.flatten(map, value, path, refs, &mut flat, None);
        if flat.endless {
            return None;
        }
        let below: Vec<String> = refs.iter().chain(&flat.here).cloned().collect();
        if !flat.controls.is_empty() {
            flat.out.insert(CONTROLS.to_owned(), json!(flat.controls));
        }
        let mut out = flat.out;
        self.properties(&mut out, value, path, &below);
        self.items(&mut out, value, path, &below);
        Some(Value::Object(out))
    }

    /// Lays a schema and all that its conditions add into one flat map.
    pub(super) fn flatten(
        &self,
        schema: &Map<String, Value>,
        value: Option<&'a Value>,
        path: &Path,
        refs: &[String],
        flat: &mut Flat,
        after: Option<&str>,
    ) {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let again = flat.here.iter().any(|seen| seen == target);
            if again || (value.is_none() && refs.iter().any(|seen| seen == target)) {
                flat.endless = true;
                return;
            }
            flat.here.push(target.to_owned());
            if let Some(Value::Object(found)) = resolve_ref(self.root, target) {
                self.flatten(found, value, path, refs, flat, after);
            }
        }
        let plain: Map<String, Value> = schema
            .iter()
            .filter(|(key, _)| !DECIDED.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        flat.lay(&plain, after);
        // `null` is an item that was added and left empty: it tells conditions nothing, but it is there.
        let told = value.filter(|value| !value.is_null());
        let branch = Branch { path, refs, value: told.unwrap_or(self.empty), has_value: value };
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
            self.flatten(part, value, path, refs, flat, after);
        }
        self.condition(schema, &branch, flat);
        self.dependencies(schema, &branch, flat);
        self.alternatives(schema, &branch, flat);
    }

    /// `if`, `then` and `else`.
    fn condition(&self, schema: &Map<String, Value>, branch: &Branch<'a, '_>, flat: &mut Flat) {
        let Some(test) = schema.get("if") else { return };
        let names = names_in_condition(test);
        let after = names.iter().rev().find(|name| flat.property(name)).cloned();
        flat.controls.extend(names);
        let chosen = if is_valid(self.root, test, branch.value) { "then" } else { "else" };
        if let Some(Value::Object(chosen)) = schema.get(chosen) {
            self.flatten(chosen, branch.has_value, branch.path, branch.refs, flat, after.as_deref());
        }
    }

    fn properties(&self, out: &mut Map<String, Value>, value: Option<&'a Value>, path: &Path, refs: &[String]) {
        if let Some(Value::Object(properties)) = out.shift_remove("properties") {
            let mut gone = Vec::new();
            let mut kept = Map::new();
            for key in ordered(
                &properties,
                out.get("ui:order").or_else(|| out.get("ui:options").and_then(|options| options.get("order"))),
            ) {
                let schema = properties.get(&key).filter(|schema| self.is_on(schema)).cloned();
                let resolved = schema.and_then(|schema| {
                    self.node(&schema, value.and_then(|value| value.get(&key)), &path.key(&key), refs)
                });
                match resolved {
                    Some(resolved) => {
                        kept.insert(key, resolved);
                    }
                    None => gone.push(key),
                }
            }
            if let Some(Value::Array(required)) = out.get_mut("required") {
                required.retain(|key| key.as_str().is_none_or(|key| !gone.iter().any(|name| name == key)));
            }
            out.insert("properties".to_owned(), Value::Object(kept));
        }
        if let Some(values) = out.get("additionalProperties").filter(|schema| schema.is_object()).cloned() {
            let resolved = self.node(&values, None, &path.row(0), refs).unwrap_or_else(|| json!({}));
            out.insert("additionalProperties".to_owned(), resolved);
        }
    }

    fn items(&self, out: &mut Map<String, Value>, value: Option<&'a Value>, path: &Path, refs: &[String]) {
        let values = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let at = |schema: &Value, index: usize| {
            self.node(schema, values.get(index), &path.item(index), refs).unwrap_or_else(|| json!({}))
        };
        match out.get("items").cloned() {
            Some(Value::Array(each)) => {
                let resolved: Vec<Value> = each.iter().enumerate().map(|(index, schema)| at(schema, index)).collect();
                out.insert("items".to_owned(), Value::Array(resolved));
                if let Some(more) = out.get("additionalItems").filter(|schema| schema.is_object()).cloned() {
                    out.insert("additionalItems".to_owned(), at(&more, usize::MAX));
                }
            }
            Some(every @ Value::Object(_)) => {
                let base = self.node(&every, None, &path.item(0), refs);
                match base {
                    Some(base) if base.get("enum").is_some() || !has_conditions(&every) => {
                        out.insert("items".to_owned(), base);
                    }
                    _ => {
                        let least = out
                            .get("minItems")
                            .and_then(Value::as_u64)
                            .and_then(|least| usize::try_from(least).ok())
                            .unwrap_or(0);
                        let count = values.len().max(least.min(MAX_EMPTY_ITEMS));
                        let resolved: Vec<Value> = (0..count).map(|index| at(&every, index)).collect();
                        out.insert("items".to_owned(), Value::Array(resolved));
                        out.insert(LIST.to_owned(), json!(true));
                    }
                }
            }
            _ => {}
        }
    }

    fn is_on(&self, schema: &Value) -> bool {
        schema.get(FLAG).and_then(Value::as_str).is_none_or(|flag| self.flags.iter().any(|on| on == flag))
    }

    /// `oneOf` and `anyOf`: a list of constants, a nullable value, or several forms to choose from.
    fn alternatives(&self, schema: &Map<String, Value>, branch: &Branch<'a, '_>, flat: &mut Flat) {
        for keyword in ["oneOf", "anyOf"] {
            let Some(Value::Array(options)) = schema.get(keyword) else { continue };
            let maps: Vec<&Map<String, Value>> = options.iter().filter_map(Value::as_object).collect();
            if maps.is_empty() {
                continue;
            }
            if maps.iter().all(|option| is_constant(option)) {
                flat.lay(&super::branch::constants(&maps), None);
            } else if let Some(only) = only_not_null(&maps) {
                self.flatten(only, branch.has_value, branch.path, branch.refs, flat, None);
                if let Some(kind) = flat.out.get("type").filter(|kind| kind.is_string()).cloned() {
                    flat.out.insert("type".to_owned(), json!([kind, "null"]));
                }
            } else if !self.choose(&maps, branch, flat) {
                // Options that only restrict are left to the check.
                flat.out.insert(keyword.to_owned(), Value::Array(options.clone()));
            }
        }
    }
}
