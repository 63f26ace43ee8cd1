//! What Backstage accepts and then never shows: entities that its storage cannot hold. We refuse
//! them with a reason. It owns those two rules.

use serde_json::Value;

use super::refusal::{ErrorBody, Problem, Refusal};
use super::relations::Relation;
use super::search_text;

/// How long the canonical text of an entity's name may be where relations are stored.
pub const MAX_REFERENCE_CHARS: usize = 255;

/// Whether a checked entity with its relations can be stored and shown.
///
/// # Errors
/// Two keys differ only in their case, or a relation points to a name that is too long.
pub fn check(entity: &Value, relations: &[Relation]) -> Result<(), Refusal> {
    if let Some(keys) = search_text::clashing_keys(entity) {
        let quoted = keys.iter().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
        let error =
            ErrorBody::new("InputError", format!("Entity has duplicate keys that vary only in casing, {quoted}"));
        let path = format!("/{}", keys.first().map_or("", String::as_str).split('.').next().unwrap_or_default());
        let problem = Problem::new(
            path,
            format!("The entity has keys that differ only in capital letters: {}.", keys.join(", ")),
            "Rename one of them. Items of a list count as keys too: `[a]` under `tags` makes the key `tags.a`.",
        );
        return Err(Refusal::new(error, problem));
    }
    let own = super::check::reference_of(entity).canonical();
    let too_long = relations.iter().map(|relation| relation.to.canonical()).filter(|to| *to != own);
    if let Some(to) = too_long.into_iter().find(|to| to.chars().count() > MAX_REFERENCE_CHARS) {
        let shown: String = to.chars().take(60).collect();
        let sentence = format!("The reference `{shown}…` is longer than {MAX_REFERENCE_CHARS} characters.");
        let error = ErrorBody::new("InputError", sentence.clone());
        return Err(Refusal::new(error, Problem::new("/spec", sentence, "Names have at most 63 characters.")));
    }
    Ok(())
}
