//! The relations that an entity states, each in both directions, and how references are read.
//! It owns which field of which kind means which relation; nothing here looks whether a target exists.

use serde_json::Value;

use super::js;
use super::refusal::{ErrorBody, Problem, Refusal};
use crate::kernel::entity_ref::{DEFAULT_NAMESPACE, EntityRef};

/// One relation between two entities.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Relation {
    /// The entity that has the relation.
    pub from: EntityRef,
    /// Its name, for example `ownedBy`.
    pub kind: &'static str,
    /// The entity it points to, which need not exist.
    pub to: EntityRef,
}

impl Relation {
    /// By what relations are ordered and compared: the three canonical texts.
    pub fn key(&self) -> (String, &'static str, String) {
        (self.from.canonical(), self.kind, self.to.canonical())
    }
}

/// A field of a kind that holds references.
struct Field {
    kind: &'static str,
    name: &'static str,
    default_kind: Option<&'static str>,
    outgoing: &'static str,
    reverse: &'static str,
}

const fn field(
    kind: &'static str,
    name: &'static str,
    default_kind: Option<&'static str>,
    outgoing: &'static str,
    reverse: &'static str,
) -> Field {
    Field { kind, name, default_kind, outgoing, reverse }
}

/// All fields, per kind in the order in which Backstage reads them.
const FIELDS: &[Field] = &[
    field("Component", "owner", Some("Group"), "ownedBy", "ownerOf"),
    field("Component", "subcomponentOf", Some("Component"), "partOf", "hasPart"),
    field("Component", "providesApis", Some("API"), "providesApi", "apiProvidedBy"),
    field("Component", "consumesApis", Some("API"), "consumesApi", "apiConsumedBy"),
    field("Component", "dependsOn", None, "dependsOn", "dependencyOf"),
    field("Component", "dependencyOf", None, "dependencyOf", "dependsOn"),
    field("Component", "system", Some("System"), "partOf", "hasPart"),
    field("API", "owner", Some("Group"), "ownedBy", "ownerOf"),
    field("API", "system", Some("System"), "partOf", "hasPart"),
    field("Resource", "owner", Some("Group"), "ownedBy", "ownerOf"),
    field("Resource", "dependsOn", None, "dependsOn", "dependencyOf"),
    field("Resource", "dependencyOf", None, "dependencyOf", "dependsOn"),
    field("Resource", "system", Some("System"), "partOf", "hasPart"),
    field("User", "memberOf", Some("Group"), "memberOf", "hasMember"),
    field("Group", "parent", Some("Group"), "childOf", "parentOf"),
    field("Group", "children", Some("Group"), "parentOf", "childOf"),
    field("Group", "members", Some("User"), "hasMember", "memberOf"),
    field("System", "owner", Some("Group"), "ownedBy", "ownerOf"),
    field("System", "domain", Some("Domain"), "partOf", "hasPart"),
    field("Domain", "owner", Some("Group"), "ownedBy", "ownerOf"),
    field("Domain", "subdomainOf", Some("Domain"), "partOf", "hasPart"),
    field("Template", "owner", Some("Group"), "ownedBy", "ownerOf"),
];

/// The lists of references that are sorted when an entity is read, whatever its kind: their order
/// means nothing, so a change of it is no change.
const SORTED_LISTS: [&str; 7] =
    ["providesApis", "consumesApis", "dependsOn", "dependencyOf", "memberOf", "children", "members"];

/// Sorts the lists of references of an entity; lists that hold anything but text stay.
pub(super) fn sort_lists(entity: &mut Value) {
    let Some(spec) = entity.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for name in SORTED_LISTS {
        let Some(Value::Array(items)) = spec.get_mut(name) else { continue };
        if items.iter().all(Value::is_string) {
            // JavaScript compares UTF-16 units.
            items.sort_by_cached_key(|item| item.as_str().unwrap_or_default().encode_utf16().collect::<Vec<_>>());
        }
    }
}

/// The relations that a checked entity states, in both directions, without repetitions, ordered by
/// source, name and target.
///
/// # Errors
/// The first reference that cannot be read, as Backstage gives it.
pub fn relations(entity: &Value) -> Result<Vec<Relation>, Refusal> {
    let (found, mut faults) = read(entity);
    if faults.is_empty() { Ok(found) } else { Err(faults.swap_remove(0)) }
}

/// All relations that can be read, and what cannot.
pub(super) fn read(entity: &Value) -> (Vec<Relation>, Vec<Refusal>) {
    let own = super::check::reference_of(entity);
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for field in FIELDS.iter().filter(|field| entity["kind"] == field.kind) {
        let Some(value) = entity["spec"].get(field.name).filter(|value| is_given(value)) else { continue };
        for (pointer, target) in targets(field.name, value) {
            match reference(target, field.default_kind, &own.namespace) {
                Ok(to) => {
                    found.push(Relation { from: own.clone(), kind: field.outgoing, to: to.clone() });
                    found.push(Relation { from: to, kind: field.reverse, to: own.clone() });
                }
                Err(error) => faults.push(refusal(error, pointer, target, field)),
            }
        }
    }
    found.sort_by_cached_key(Relation::key);
    found.dedup_by_key(|relation| relation.key());
    (found, faults)
}

/// Whether JavaScript takes a value for true.
fn is_given(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

/// A value as a list of references with their places; a single value is a list of one.
fn targets<'v>(name: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (format!("/spec/{name}/{index}"), item)).collect()
        }
        single => vec![(format!("/spec/{name}"), single)],
    }
}

/// Reads a reference: a text, or an object of kind, namespace and name.
fn reference(target: &Value, default_kind: Option<&str>, namespace: &str) -> Result<EntityRef, ErrorBody> {
    if !is_given(target) {
        return Err(ErrorBody::new("Error", "Entity reference must not be empty"));
    }
    if let Some(text) = target.as_str() {
        return EntityRef::parse(text, default_kind, namespace).map_err(|error| {
            let name =
                if matches!(error, crate::kernel::entity_ref::EntityRefError::Form(_)) { "TypeError" } else { "Error" };
            ErrorBody::new(name, error.to_string())
        });
    }
    let part = |name: &str| target.get(name).and_then(Value::as_str);
    let missing = |what: &str| {
        ErrorBody::new("Error", format!("Entity reference {} had missing or empty {what}", js::json_text(target)))
    };
    let kind = part("kind").or(default_kind).filter(|kind| !kind.is_empty());
    let kind = kind.ok_or_else(|| missing("kind (e.g. did not start with \"component:\" or similar)"))?;
    let namespace = part("namespace").unwrap_or(namespace);
    let namespace = Some(namespace).filter(|part| !part.is_empty()).ok_or_else(|| missing("namespace"))?;
    let name = part("name").filter(|name| !name.is_empty()).ok_or_else(|| missing("name"))?;
    Ok(EntityRef::new(kind, namespace, name))
}

fn refusal(cause: ErrorBody, pointer: String, target: &Value, field: &Field) -> Refusal {
    let processor =
        if field.kind == "Template" { "ScaffolderEntitiesProcessor" } else { "BuiltinKindsEntityProcessor" };
    let lacks_kind = cause.message.contains("missing or empty kind");
    let text = js::value_text(target);
    let sentence = if lacks_kind {
        format!("`{text}` in `spec.{}` does not say of what kind it is.", field.name)
    } else {
        format!("`{text}` in `spec.{}` is not a reference to an entity.", field.name)
    };
    let hint = match field.default_kind {
        None => format!("Write the kind in front, for example `component:{text}` or `resource:{text}`."),
        Some(kind) => {
            let kind = kind.to_lowercase();
            format!("Write a name, `namespace/name`, or `{kind}:{DEFAULT_NAMESPACE}/name`; no part may be empty.")
        }
    };
    let message = format!("Processor {processor} threw an error while postprocessing");
    Refusal::new(ErrorBody::wrapping(&message, cause), Problem::new(pointer, sentence, hint))
}
