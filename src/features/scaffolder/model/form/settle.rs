//! What is left of the answers once every page has been answered.

use serde_json::{Map, Value};

use super::MAX_ROUNDS;
use super::effective::{Variants, resolve};
use super::keys::own_keys;
use super::page::{Page, When};

/// The answers without those that nobody is asked for any more: those of pages that are hidden and of
/// branches that a later answer has closed. Values that belong to no page at all stay.
#[must_use]
pub fn settled_answers(pages: &[Page], answers: &Value, flags: &[String], when: When<'_>) -> Value {
    let mut out = answers.clone();
    for _ in 0..MAX_ROUNDS {
        let asked: Vec<String> = pages
            .iter()
            .filter(|page| page.is_shown(&out, flags, when))
            .flat_map(|page| asked(page, &out, flags))
            .collect();
        let owned: Vec<String> = pages.iter().flat_map(|page| own_keys(&page.schema)).collect();
        let is_kept = |key: &String| asked.contains(key) || !owned.contains(key);
        let kept: Map<String, Value> = out
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| is_kept(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let kept = Value::Object(kept);
        // Without an answer that went, a further condition may fall.
        if kept == out {
            break;
        }
        out = kept;
    }
    out
}

/// The answers that a page asks for now.
fn asked(page: &Page, answers: &Value, flags: &[String]) -> Vec<String> {
    let schema = resolve(&page.schema, answers, flags, &Variants::new());
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect()
}
