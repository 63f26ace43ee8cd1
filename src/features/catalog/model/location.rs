//! Where an entity was read from, and where a Location entity points to. It owns the notation
//! `<type>:<target>`, the targets of Location entities and the names of generated ones.

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::hosts::CodeHosts;
use super::js;
use super::refusal::{ErrorBody, Problem, Refusal};

/// Annotation: where the entity was read from.
pub const MANAGED_BY: &str = "backstage.io/managed-by-location";
/// Annotation: the registered location through which it was reached.
pub const MANAGED_BY_ORIGIN: &str = "backstage.io/managed-by-origin-location";

/// The types that a Location entity may use when it was read from a place of another type.
const ALLOWED_TYPES: &str = r#"["url"]"#;

/// A place that entities are read from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct LocationRef {
    /// `url`, `file`, or another word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The address or path.
    pub target: String,
}

impl std::fmt::Display for LocationRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind, self.target)
    }
}

impl LocationRef {
    /// A place from its two parts, unchecked.
    pub fn new(kind: impl Into<String>, target: impl Into<String>) -> Self {
        Self { kind: kind.into(), target: target.into() }
    }

    /// Reads `<type>:<target>`; only the first colon counts.
    ///
    /// # Errors
    /// A part is missing, the type is a web scheme, or the target would run a script; the error is
    /// Backstage's `TypeError`.
    pub fn parse(text: &str) -> Result<Self, ErrorBody> {
        let refuse = |message: String| Err(ErrorBody::new("TypeError", message));
        let form =
            format!("Unable to parse location ref '{text}', expected '<type>:<target>', e.g. 'url:https://host/path'");
        let Some((kind, target)) = text.split_once(':') else { return refuse(form) };
        let (kind, target) = (js::trim(kind), js::trim(target));
        if kind.is_empty() || target.is_empty() {
            return refuse(form);
        }
        if kind == "http" || kind == "https" {
            return refuse(format!("Invalid location ref '{text}', please prefix it with 'url:', e.g. 'url:{text}'"));
        }
        if js::is_script_address(target) {
            return refuse(format!("Invalid location ref '{text}', target is a javascript: URL"));
        }
        Ok(Self::new(kind, target))
    }

    /// The name of the Location entity that stands for this place when it is registered.
    pub fn generated_name(&self) -> String {
        format!("generated-{}", hex::encode(Sha1::digest(self.to_string().as_bytes())))
    }

    /// The Location entity that stands for this place when it is registered.
    pub fn generated_entity(&self) -> Value {
        let place = self.to_string();
        json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Location",
            "metadata": {
                "name": self.generated_name(),
                "annotations": { MANAGED_BY: place, MANAGED_BY_ORIGIN: place },
            },
            "spec": { "type": self.kind, "target": self.target },
        })
    }
}

/// Where an entity was read from, and the registered place through which it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub location: LocationRef,
    /// The registered place.
    pub origin: LocationRef,
}

impl Place {
    /// The place of an entity that stands in the registered file itself.
    pub fn direct(location: LocationRef) -> Self {
        Self { origin: location.clone(), location }
    }
}

/// What a Location entity asks to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// The places, absolute where they can be made so, in the order of the entity.
    pub places: Vec<LocationRef>,
    /// Whether a place that does not exist is passed over in silence.
    pub is_optional: bool,
    /// What is refused; the other places are read all the same.
    pub refused: Vec<Refusal>,
}

/// The targets of an entity, which are none unless its kind is Location. The entity must have
/// passed `check`; `base` is where it was read from, whose type it inherits.
pub fn targets(entity: &Value, base: &LocationRef, hosts: &CodeHosts) -> Targets {
    let mut found = Targets::default();
    if entity["kind"] != "Location" {
        return found;
    }
    let spec = &entity["spec"];
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or(&base.kind);
    found.is_optional = spec["presence"] == "optional";
    if kind != base.kind && kind != "url" {
        found.refused.push(Refusal::new(
            ErrorBody::new("InputError", format!("Registered locations must be of an allowed type {ALLOWED_TYPES}")),
            Problem::new(
                "/spec/type",
                format!("A Location read from a {} cannot have the type `{kind}`.", base.kind),
                "Remove the type, or make it `url`.",
            ),
        ));
        return found;
    }
    let one = spec.get("target").map(|target| ("/spec/target".to_owned(), target));
    let many = spec.get("targets").and_then(Value::as_array).into_iter().flatten().enumerate();
    let many = many.map(|(index, target)| (format!("/spec/targets/{index}"), target));
    for (pointer, target) in one.into_iter().chain(many) {
        let Some(target) = target.as_str().filter(|target| !target.is_empty()) else { continue };
        if kind == "file" && target.ends_with('/') {
            let message = format!(
                "LocationEntityProcessor cannot handle {kind} type location with target {} that ends with a path separator",
                base.target
            );
            let problem = Problem::new(pointer, format!("`{target}` is a folder."), "Name the files.");
            found.refused.push(Refusal::new(ErrorBody::new("InputError", message), problem));
            continue;
        }
        found.places.push(LocationRef::new(kind, absolute(target, kind, base, hosts)));
    }
    found
}

/// A target made absolute against the place it was written in; as it is where that is impossible.
fn absolute(target: &str, kind: &str, base: &LocationRef, hosts: &CodeHosts) -> String {
    if kind != base.kind {
        return target.to_owned();
    }
    match kind {
        "file" if target.starts_with('.') => join(&base.target, target),
        "url" => hosts.resolve(target, &base.target).unwrap_or_else(|_| target.to_owned()),
        _ => target.to_owned(),
    }
}

/// A path relative to the folder of a file, with `.` and `..` worked out.
fn join(file: &str, relative: &str) -> String {
    let folder = file.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let is_absolute = file.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(relative.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if is_absolute { format!("/{path}") } else { path }
}
