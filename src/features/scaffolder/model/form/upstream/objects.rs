//! Keywords about the properties of an object.

use serde_json::{Value, json};

use super::js::{keys, text};
use super::keywords::{Rule, list_of};
use super::{Failure, Judge, property};
use crate::features::scaffolder::model::form::pattern::{Match, matches};

impl<'a> Judge<'a> {
    pub(super) fn object(&self, rule: &Rule<'a, '_>) -> Vec<Failure<'a>> {
        let Some(map) = rule.value.as_object() else { return Vec::new() };
        let limit = rule.demand.as_f64();
        let length = f64::from(u32::try_from(map.len()).unwrap_or(u32::MAX));
        match rule.keyword {
            "minProperties" => rule.unless(
                limit.is_none_or(|min| length >= min),
                format!("does not meet minimum property length of {}", text(rule.demand)),
            ),
            "maxProperties" => rule.unless(
                limit.is_none_or(|max| length <= max),
                format!("does not meet maximum property length of {}", text(rule.demand)),
            ),
            "required" => rule
                .demand
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter(|key| !map.contains_key(*key))
                .flat_map(|key| rule.fails(format!("requires property {}", Value::from(key)), json!(key)))
                .collect(),
            "properties" => {
                let Some(properties) = rule.demand.as_object() else { return Vec::new() };
                let judge = |key: &String| {
                    properties.get(key).map(|schema| self.judge(map.get(key), schema, &rule.place.child(key.as_str())))
                };
                keys(properties).into_iter().filter_map(judge).flatten().collect()
            }
            "additionalProperties" if rule.schema.get("patternProperties").is_none() => {
                keys(map).into_iter().flat_map(|key| self.additional(rule, key)).collect()
            }
            "patternProperties" => keys(map).into_iter().flat_map(|key| self.by_pattern(rule, key)).collect(),
            "propertyNames" => keys(map).into_iter().flat_map(|key| self.name(rule, key)).collect(),
            "dependencies" => self.dependencies(rule),
            _ => Vec::new(),
        }
    }

    fn additional(&self, rule: &Rule<'a, '_>, key: &str) -> Vec<Failure<'a>> {
        let declared = rule.schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
        match rule.schema.get("additionalProperties") {
            _ if declared => Vec::new(),
            Some(Value::Bool(false)) => {
                let message = format!("is not allowed to have the additional property {}", Value::from(key));
                vec![Self::fail(
                    Some(rule.value),
                    rule.schema,
                    rule.place,
                    ("additionalProperties", message, Some(json!(key))),
                )]
            }
            Some(schema) => self.judge(rule.value.get(key), schema, &rule.place.child(key)),
            None => Vec::new(),
        }
    }

    fn by_pattern(&self, rule: &Rule<'a, '_>, key: &str) -> Vec<Failure<'a>> {
        let fitting =
            rule.demand.as_object().into_iter().flatten().filter(|(pattern, _)| matches(pattern, key) == Match::Yes);
        let mut judged =
            fitting.map(|(_, schema)| self.judge(rule.value.get(key), schema, &rule.place.child(key))).peekable();
        if judged.peek().is_none() {
            return self.additional(rule, key);
        }
        judged.flatten().collect()
    }

    /// The names of properties are values of their own, reported at the place of the object.
    fn name(&self, rule: &Rule<'a, '_>, key: &str) -> Vec<Failure<'a>> {
        let name = json!(key);
        let judge = Judge { root: self.root, rules_left: self.rules_left };
        judge.judge(Some(&name), rule.demand, &rule.place.same()).into_iter().map(Failure::into_owned).collect()
    }

    fn dependencies(&self, rule: &Rule<'a, '_>) -> Vec<Failure<'a>> {
        let Some(dependencies) = rule.demand.as_object() else { return Vec::new() };
        let present = keys(dependencies).into_iter().filter(|key| rule.value.get(key.as_str()).is_some());
        present
            .flat_map(|key| dependencies.get(key).map(|needs| self.dependency(rule, key, needs)).unwrap_or_default())
            .collect()
    }

    fn dependency(&self, rule: &Rule<'a, '_>, key: &str, needs: &'a Value) -> Vec<Failure<'a>> {
        // The place of the property stands for the whole object here; clients see that path.
        let place = rule.place.child(key);
        let owner = property(&place.path);
        if needs.is_object() || needs.is_boolean() {
            let inner = self.judge(Some(rule.value), needs, &place);
            if inner.is_empty() {
                return inner;
            }
            let mut out = rule.fails(format!("does not meet dependency required by {owner}"), json!(owner));
            out.extend(inner);
            return out;
        }
        let missing =
            list_of(needs).into_iter().filter_map(Value::as_str).filter(|name| rule.value.get(name).is_none());
        missing
            .flat_map(|name| rule.fails(format!("property {name} not found, required by {owner}"), json!(owner)))
            .collect()
    }
}
