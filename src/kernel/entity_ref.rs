//! The name of an entity in the catalog: `kind:namespace/name`.
//! Rules follow Backstage's entity references: the first `:` ends the kind unless a `/` stands
//! before it, the first `/` after it ends the namespace, no part may be empty, and comparison
//! ignores case.

use std::fmt;

/// The namespace of entities that name none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A complete entity reference, in the case in which it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityRef {
    /// What sort of entity, for example `Component`.
    pub kind: String,
    /// Where its name is unique.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Why a text is not an entity reference. The words are those that Backstage users know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntityRefError {
    /// A part is empty, or there are too few parts.
    #[error("Entity reference \"{0}\" was not on the form [<kind>:][<namespace>/]<name>")]
    Form(String),
    /// No kind was written and the place where it stands has no default.
    #[error("Entity reference {} had missing or empty kind (e.g. did not start with \"component:\" or similar)", serde_json::Value::from(.0.as_str()))]
    MissingKind(String),
}

impl EntityRef {
    /// A reference from its three parts, unchecked.
    pub fn new(kind: impl Into<String>, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    /// Reads `[<kind>:][<namespace>/]<name>`, filling what is missing from the context.
    ///
    /// # Errors
    /// A part is empty, or the kind is missing and `default_kind` is `None`.
    pub fn parse(text: &str, default_kind: Option<&str>, default_namespace: &str) -> Result<Self, EntityRefError> {
        // A colon behind the first slash belongs to the name: `ns/a:b` has no kind.
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) if !kind.contains('/') => (Some(kind), rest),
            _ => (None, text),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, rest),
        };
        if kind == Some("") || namespace == Some("") || name.is_empty() {
            return Err(EntityRefError::Form(text.to_owned()));
        }
        let Some(kind) = kind.or(default_kind) else {
            return Err(EntityRefError::MissingKind(text.to_owned()));
        };
        Ok(Self::new(kind, namespace.unwrap_or(default_namespace), name))
    }

    /// The spelling by which references are compared and stored: lower case, all three parts.
    pub fn canonical(&self) -> String {
        format!("{}:{}/{}", self.kind, self.namespace, self.name).to_lowercase()
    }

    /// The path of its page in the catalog.
    pub fn href(&self) -> String {
        let part = |s: &str| url::form_urlencoded::byte_serialize(s.to_lowercase().as_bytes()).collect::<String>();
        format!("/catalog/{}/{}/{}", part(&self.kind), part(&self.namespace), part(&self.name))
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}
