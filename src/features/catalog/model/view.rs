//! What lists and pages show of an entity: its columns, its links, its etag. It owns the choice of
//! fields and which links may be followed; it formats nothing.

use serde_json::Value;

use super::check::reference_of;
use super::relations::Relation;
use crate::kernel::canonical;
use crate::kernel::entity_ref::EntityRef;

/// The columns of the catalog's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Kind, namespace and name as they were written.
    pub reference: EntityRef,
    /// The nicer name; none if the entity has none.
    pub title: Option<String>,
    /// One or a few sentences.
    pub description: Option<String>,
    /// `spec.type`
    pub kind_type: Option<String>,
    /// `spec.lifecycle`
    pub lifecycle: Option<String>,
    /// Canonical name of the first owner, from its relations.
    pub owner: Option<String>,
    /// Canonical name of the first system that it is part of, from its relations.
    pub system: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// The columns of a checked entity. `relations` are those of the entity, from whatever source.
pub fn columns(entity: &Value, relations: &[Relation]) -> Columns {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let reference = reference_of(entity);
    let own = reference.canonical();
    let target = |kind: &str, of_kind: Option<&str>| {
        relations
            .iter()
            .filter(|relation| relation.kind == kind && relation.from.canonical() == own)
            .filter(|relation| of_kind.is_none_or(|wanted| relation.to.kind.eq_ignore_ascii_case(wanted)))
            .map(|relation| relation.to.canonical())
            .min()
    };
    let (metadata, spec) = (&entity["metadata"], &entity["spec"]);
    Columns {
        title: text(&metadata["title"]),
        description: text(&metadata["description"]),
        kind_type: text(&spec["type"]),
        lifecycle: text(&spec["lifecycle"]),
        owner: target("ownedBy", None),
        system: target("partOf", Some("system")),
        tags: metadata["tags"].as_array().into_iter().flatten().filter_map(text).collect(),
        reference,
    }
}

/// A link of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address as it was written.
    pub address: String,
    /// What to show; the address if there is no title.
    pub title: String,
    /// Name of an icon.
    pub icon: Option<String>,
    /// What sort of link.
    pub kind: Option<String>,
    /// Whether a page may make it a link. Addresses of other schemes than http, https and mailto
    /// are accepted in files and must be shown as plain text.
    pub is_followable: bool,
}

/// The links of an entity, in its order.
pub fn links(entity: &Value) -> Vec<Link> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = |link: &Value| {
        let address = text(&link["url"])?;
        Some(Link {
            title: text(&link["title"]).unwrap_or_else(|| address.clone()),
            icon: text(&link["icon"]),
            kind: text(&link["type"]),
            is_followable: is_followable(&address),
            address,
        })
    };
    entity["metadata"]["links"].as_array().into_iter().flatten().filter_map(read).collect()
}

/// Whether a page may make an address from a file into a link.
pub fn is_followable(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}

/// The etag of an entity as it is shown: what the author wrote, or a hash of everything but the
/// uid and the etag itself. It changes with any change, and only then.
pub fn etag(entity: &Value) -> String {
    if let Some(own) = entity["metadata"]["etag"].as_str().filter(|own| !own.is_empty()) {
        return own.to_owned();
    }
    let mut bare = entity.clone();
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("uid");
        metadata.shift_remove("etag");
    }
    canonical::hash(&bare)
}
