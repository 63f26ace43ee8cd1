//! Whether an entity is one that the catalog takes: the stages of Backstage's processing from the
//! envelope to the rules of the kind, in its order and with its answers. It owns the order of the
//! stages; shapes, spelling and relations are their modules'.

use serde_json::{Map, Value};

use super::advice;
use super::annotate;
use super::format;
use super::hosts::CodeHosts;
use super::kinds::{ENTITY, ENVELOPE, KINDS, KindSchema};
use super::location::Place;
use super::placeholder::{self, Resolvers};
use super::refusal::{ErrorBody, Problem, Refusal};
use super::relations;
use super::schema::violations;
use super::storable;
use crate::kernel::entity_ref::{DEFAULT_NAMESPACE, EntityRef};

/// An entity that was accepted, completed with its namespace and the annotations of its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The completed entity.
    pub entity: Value,
    /// Its name, in the case in which it was written.
    pub reference: EntityRef,
}

/// The name of an entity whose envelope has been checked.
pub fn reference_of(entity: &Value) -> EntityRef {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = entity["metadata"]["namespace"].as_str().unwrap_or(DEFAULT_NAMESPACE);
    EntityRef::new(text(&entity["kind"]), namespace, text(&entity["metadata"]["name"]))
}

/// Checks what every document must have: `apiVersion`, `kind`, `metadata.name`, a usable namespace.
///
/// # Errors
/// The first fault, as the plain `TypeError` that Backstage gives.
pub fn envelope(document: &Value) -> Result<(), Refusal> {
    match violations(&ENVELOPE, document).first() {
        None => Ok(()),
        Some(violation) => {
            Err(Refusal::new(ErrorBody::new("TypeError", violation.long()), advice::of_violation(violation, document)))
        }
    }
}

/// Takes a document of a file into the catalog: checks its envelope and notes where it was read.
/// What it returns is what `check` takes, after placeholders have been filled in.
///
/// # Errors
/// The envelope is not in order, or `metadata.annotations` is neither absent, empty nor a mapping.
pub fn admit(document: &Value, place: &Place) -> Result<Value, Refusal> {
    envelope(document)?;
    let annotations = document["metadata"].get("annotations");
    let is_empty = annotations.is_none_or(|value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    });
    if !is_empty && !annotations.is_some_and(Value::is_object) {
        let error = ErrorBody::new("Error", "metadata.annotations must be a valid object");
        let problem = Problem::new(
            "/metadata/annotations",
            "`metadata.annotations` is not a mapping.",
            "Write `name: value` lines under it.",
        );
        return Err(Refusal::new(error, problem));
    }
    let own = annotations.and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(annotate::with_place(document, own, place))
}

/// Checks an entity that `admit` has taken and whose placeholders are filled in: sorts its lists of
/// references, adds the annotations of its place, checks shape, root fields and spelling, and the
/// rules of its kind.
///
/// # Errors
/// The first fault, as Backstage would give it.
pub fn check(admitted: &Value, place: &Place, hosts: &CodeHosts) -> Result<Checked, Refusal> {
    let mut entity = admitted.clone();
    relations::sort_lists(&mut entity);
    annotate::add(&mut entity, place, hosts);
    let reference = reference_of(&entity);
    policies(&mut entity).map_err(|refusal| {
        Refusal::new(
            ErrorBody::wrapping(&format!("Policy check failed for {reference}"), refusal.error),
            refusal.problem,
        )
    })?;
    kind(&entity, &reference)?;
    Ok(Checked { entity, reference })
}

/// Shape of the whole entity, default namespace, root fields, spelling.
fn policies(entity: &mut Value) -> Result<(), Refusal> {
    if let Some(violation) = violations(&ENTITY, entity).first() {
        let error = ErrorBody::new("Error", format!("Malformed envelope, {}", violation.short()));
        return Err(Refusal::new(error, advice::of_violation(violation, entity)));
    }
    if let Some(metadata) = entity.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.entry("namespace").or_insert_with(|| DEFAULT_NAMESPACE.into());
    }
    if let Some(field) = entity.as_object().and_then(|root| format::foreign_root_fields(root).next()) {
        return Err(Refusal::new(
            ErrorBody::new("Error", format!("Unknown field {field}")),
            advice::of_root_field(field),
        ));
    }
    match format::misspellings(entity).first() {
        Some(misspelling) => Err(Refusal::new(misspelling.error(), misspelling.problem())),
        None => Ok(()),
    }
}

/// The rules of the entity's kind.
fn kind(entity: &Value, reference: &EntityRef) -> Result<(), Refusal> {
    let Some(known) = kind_of(entity) else {
        let message = format!(
            "No processor recognized the entity {reference} as valid, possibly caused by a foreign kind or apiVersion"
        );
        return Err(Refusal::new(ErrorBody::new("InputError", message), advice::of_unknown_kind(entity)));
    };
    match violations(known.shape, entity).first() {
        None => Ok(()),
        Some(violation) => {
            let message =
                format!("Processor {} threw an error while validating the entity {reference}", known.checked_by);
            let error = ErrorBody::wrapping(&message, ErrorBody::new("TypeError", violation.long()));
            Err(Refusal::new(error, advice::of_violation(violation, entity)))
        }
    }
}

fn kind_of(entity: &Value) -> Option<&'static KindSchema> {
    let (kind, version) = (entity["kind"].as_str()?, entity["apiVersion"].as_str()?);
    KINDS.iter().find(|known| known.name == kind && known.versions.contains(&version))
}

/// Everything that is wrong with a document, for a person who is writing it. Unlike `check` it
/// goes on after the first fault; an empty list means that the catalog takes and shows the entity.
/// What placeholders stand for is taken to be in order.
pub fn problems(document: &Value) -> Vec<Problem> {
    let unknown = placeholder::places(document, &Resolvers::default());
    let mut found: Vec<Problem> = Vec::new();
    let mut add = |problem: Problem| {
        if !unknown.contains(&problem.pointer) && !found.iter().any(|known: &Problem| known.pointer == problem.pointer)
        {
            found.push(problem);
        }
    };
    for violation in violations(&ENVELOPE, document).iter().chain(&violations(&ENTITY, document)) {
        add(advice::of_violation(violation, document));
    }
    let Some(root) = document.as_object() else { return found };
    for field in format::foreign_root_fields(root) {
        add(advice::of_root_field(field));
    }
    for misspelling in format::misspellings(document) {
        add(misspelling.problem());
    }
    match kind_of(document) {
        Some(known) => {
            for violation in violations(known.shape, document) {
                add(advice::of_violation(&violation, document));
            }
        }
        None if document["kind"].is_string() && document["apiVersion"].is_string() => {
            add(advice::of_unknown_kind(document));
        }
        None => {}
    }
    let (related, faults) = relations::read(document);
    for refusal in faults {
        add(refusal.problem);
    }
    if let Err(refusal) = storable::check(document, &related) {
        add(refusal.problem);
    }
    found
}

/// The annotations as JavaScript's `{...annotations}` makes them: items of lists and characters of
/// text become entries under their index, everything else that is no mapping becomes nothing.
pub(super) fn spread(annotations: Option<&Value>) -> Map<String, Value> {
    match annotations {
        Some(Value::Object(map)) => map.clone(),
        Some(Value::Array(items)) => {
            items.iter().enumerate().map(|(at, item)| (at.to_string(), item.clone())).collect()
        }
        Some(Value::String(text)) => {
            text.chars().enumerate().map(|(at, c)| (at.to_string(), Value::String(c.to_string()))).collect()
        }
        _ => Map::new(),
    }
}
