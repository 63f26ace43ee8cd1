//! Which branch of a schema holds: `dependencies`, and `oneOf` or `anyOf` with several forms.

use serde_json::{Map, Value, json};

use super::effective::{Flat, NOTES, Resolver, VARIANT};
use super::path::Path;
use super::upstream::{equal, is_valid, text};

/// The value whose schema is being laid flat.
pub(super) struct Branch<'a, 'p> {
    pub(super) path: &'p Path,
    pub(super) refs: &'p [String],
    /// The value, or an empty object where there is none yet.
    pub(super) value: &'a Value,
    pub(super) has_value: Option<&'a Value>,
}

impl<'a> Resolver<'a> {
    /// `dependencies` and its newer spellings: a list of names or a schema for each property.
    pub(super) fn dependencies(&self, schema: &Map<String, Value>, branch: &Branch<'a, '_>, flat: &mut Flat) {
        let all = ["dependencies", "dependentRequired", "dependentSchemas"]
            .iter()
            .filter_map(|key| schema.get(*key)?.as_object());
        for (key, needs) in all.flatten() {
            flat.controls.push(key.clone());
            if branch.value.get(key).is_none() {
                continue;
            }
            match needs {
                Value::Array(_) => flat.lay(&one("required", needs.clone()), None),
                Value::String(name) => flat.lay(&one("required", json!([name])), None),
                Value::Object(needs) => self.dependent(key, needs, branch, flat),
                _ => {}
            }
        }
    }

    fn dependent(&self, key: &str, needs: &Map<String, Value>, branch: &Branch<'a, '_>, flat: &mut Flat) {
        let mut needs = needs.clone();
        let options = ["oneOf", "anyOf"].iter().find_map(|name| needs.shift_remove(*name));
        self.flatten(&needs, branch.has_value, branch.path, branch.refs, flat, Some(key));
        let options = options.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        // Upstream wants exactly one fitting branch. Where an author's branches overlap, the first is taken.
        let chosen = options.into_iter().find(|option| {
            property(option, key)
                .is_none_or(|rule| branch.value.get(key).is_some_and(|value| is_valid(self.root, rule, value)))
        });
        if let Some(option) = chosen {
            self.flatten(&bare(option, Some(key)), branch.has_value, branch.path, branch.refs, flat, Some(key));
        }
    }

    /// Takes one of several forms. `false` when the options ask for nothing, only restrict.
    pub(super) fn choose(&self, options: &[&Map<String, Value>], branch: &Branch<'a, '_>, flat: &mut Flat) -> bool {
        if !options.iter().any(|option| asks(option)) {
            return false;
        }
        if let Some(key) = discriminator(options, &flat.out) {
            flat.controls.push(key.clone());
            let fits = |option: &&&Map<String, Value>| {
                let value = branch.value.get(&key);
                property(option, &key).zip(value).is_some_and(|(rule, value)| is_valid(self.root, rule, value))
            };
            if let Some(option) = options.iter().find(fits) {
                self.flatten(&bare(option, Some(&key)), branch.has_value, branch.path, branch.refs, flat, Some(&key));
            }
            return true;
        }
        let by_hand = self.variants.get(&branch.path.name()).copied().filter(|index| *index < options.len());
        let chosen = by_hand.unwrap_or_else(|| self.likeliest(options, branch.has_value));
        let labels: Vec<String> = options.iter().enumerate().map(|(index, option)| label(option, index)).collect();
        if let Some(option) = options.get(chosen) {
            self.flatten(&bare(option, None), branch.has_value, branch.path, branch.refs, flat, None);
        }
        flat.out.insert(VARIANT.to_owned(), json!({ "chosen": chosen, "labels": labels }));
        true
    }

    /// The form that a value is in: the first it is valid for, else the one it shares most with.
    fn likeliest(&self, options: &[&Map<String, Value>], value: Option<&Value>) -> usize {
        let Some(value) = value.filter(|value| !value.is_null()) else { return 0 };
        let fits = |option: &&Map<String, Value>| is_valid(self.root, &Value::Object((*option).clone()), value);
        if let Some(index) = options.iter().position(fits) {
            return index;
        }
        let shared = |option: &Map<String, Value>| {
            let properties = option.get("properties").and_then(Value::as_object);
            properties.map_or(0, |properties| properties.keys().filter(|key| value.get(key.as_str()).is_some()).count())
        };
        let best = options.iter().enumerate().rev().max_by_key(|(_, option)| shared(option));
        best.map_or(0, |(index, _)| index)
    }
}

fn one(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}

fn property<'o>(option: &'o Map<String, Value>, key: &str) -> Option<&'o Value> {
    option.get("properties")?.get(key)
}

/// What a branch asks, without what it is called, and without the property that chose it: the schema of
/// that property only says when the branch holds.
fn bare(option: &Map<String, Value>, chosen_by: Option<&str>) -> Map<String, Value> {
    let mut out = option.clone();
    for name in ["title", "description", "ui:title", "ui:description"] {
        out.shift_remove(name);
    }
    if let (Some(Value::Object(properties)), Some(key)) = (out.get_mut("properties"), chosen_by) {
        properties.shift_remove(key);
    }
    out
}

/// Whether an option describes a value or its parts, not only which combinations are allowed.
fn asks(option: &Map<String, Value>) -> bool {
    ["type", "properties", "items", "enum", "const", "$ref", "allOf", "oneOf", "anyOf"]
        .iter()
        .any(|key| option.contains_key(*key))
}

/// A declared property that every option pins to its own value. Answering it is choosing.
fn discriminator(options: &[&Map<String, Value>], out: &Map<String, Value>) -> Option<String> {
    let declared = out.get("properties")?.as_object()?;
    let pins = |option: &Map<String, Value>, key: &str| {
        property(option, key).is_some_and(|rule| rule.get("const").is_some() || rule.get("enum").is_some())
    };
    declared.keys().find(|key| options.iter().all(|option| pins(option, key))).cloned()
}

/// What an option is called where a person chooses among forms.
fn label(option: &Map<String, Value>, index: usize) -> String {
    let named = option.get("title").or_else(|| option.get("ui:title")).and_then(Value::as_str);
    let kind = || match option.get("type").and_then(Value::as_str) {
        Some("string") => Some("Text"),
        Some("integer" | "number") => Some("Number"),
        Some("boolean") => Some("Yes or no"),
        Some("array") => Some("List"),
        _ => None,
    };
    named.or_else(kind).map_or_else(|| format!("Option {}", index + 1), str::to_owned)
}

/// An option that allows one value only.
pub(super) fn is_constant(option: &Map<String, Value>) -> bool {
    let single = option.get("enum").and_then(Value::as_array).is_some_and(|values| values.len() == 1);
    !option.contains_key("properties") && (option.contains_key("const") || single)
}

/// A list of single values as `enum` with names, and descriptions beside them.
pub(super) fn constants(options: &[&Map<String, Value>]) -> Map<String, Value> {
    let value = |option: &Map<String, Value>| {
        option.get("const").or_else(|| option.get("enum")?.get(0)).cloned().unwrap_or(Value::Null)
    };
    let mut values: Vec<Value> = Vec::new();
    let (mut names, mut notes) = (Vec::new(), Vec::new());
    for option in options {
        let value = value(option);
        if values.iter().any(|known| equal(known, &value)) {
            continue;
        }
        names.push(option.get("title").cloned().unwrap_or_else(|| json!(text(&value))));
        notes.push(option.get("description").cloned().unwrap_or(Value::Null));
        values.push(value);
    }
    let mut out = one("enum", Value::Array(values));
    out.insert("enumNames".to_owned(), Value::Array(names));
    out.insert(NOTES.to_owned(), Value::Array(notes));
    out
}

/// The one option beside `{type: null}`, when there is exactly one.
pub(super) fn only_not_null<'o>(options: &[&'o Map<String, Value>]) -> Option<&'o Map<String, Value>> {
    let is_null = |option: &Map<String, Value>| option.get("type").and_then(Value::as_str) == Some("null");
    let rest: Vec<&'o Map<String, Value>> = options.iter().copied().filter(|option| !is_null(option)).collect();
    match rest.as_slice() {
        [only] if options.len() == 2 => Some(only),
        _ => None,
    }
}
