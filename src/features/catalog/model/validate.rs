//! The answer to "is this entity valid?" (`POST /validate-entity`): all stages in one go, without
//! storing anything. It owns the order of the stages for that question.

use serde_json::{Value, json};

use super::annotate;
use super::check::{self, Checked};
use super::hosts::CodeHosts;
use super::location::{self, LocationRef, Place, Targets};
use super::placeholder::{self, Resolvers};
use super::refusal::{ErrorBody, Refusal};
use super::relations::{self, Relation};

/// What a valid entity would become.
#[derive(Debug, Clone, PartialEq)]
pub struct Valid {
    /// The completed entity.
    pub checked: Checked,
    /// The relations it states.
    pub relations: Vec<Relation>,
    /// What it asks to be read, if it is a Location. Backstage reads these too before it answers.
    pub targets: Targets,
}

/// Why an entity is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The request itself is refused, as the check of the interface's own schema does.
    #[error("{0}")]
    Request(ErrorBody),
    /// The entity is refused.
    #[error("the entity is not valid")]
    Entity(Vec<Refusal>),
}

impl Invalid {
    /// The body of the answer of status 400 to `POST /validate-entity`.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Request(error) => json!({
                "error": error.to_json(),
                "request": { "method": "POST", "url": "/validate-entity" },
                "response": { "statusCode": 400 },
            }),
            Self::Entity(refusals) => {
                json!({ "errors": refusals.iter().map(|refusal| refusal.error.to_json()).collect::<Vec<_>>() })
            }
        }
    }
}

impl From<Refusal> for Invalid {
    fn from(refusal: Refusal) -> Self {
        Self::Entity(vec![refusal])
    }
}

/// Validates an entity as if it had been read from `location`, a text of the form `url:<address>`.
/// `read` gives the bytes of a placeholder's file, or an error in the form `<name>: <message>`.
///
/// # Errors
/// The entity is no object, the location is not of the type `url`, or the entity is refused.
pub fn validate(
    entity: &Value,
    location: &str,
    hosts: &CodeHosts,
    resolvers: &Resolvers,
    read: impl FnMut(&str) -> Result<Vec<u8>, String>,
) -> Result<Valid, Invalid> {
    if !entity.is_object() {
        return Err(Invalid::Request(ErrorBody::new("InputError", "request/body/entity must be object")));
    }
    check::envelope(entity)?;
    let plain = |error: ErrorBody| {
        let problem =
            super::refusal::Problem::new("", error.message.clone(), "Write `url:` and the address of the file.");
        Invalid::Entity(vec![Refusal::new(error, problem)])
    };
    let place = LocationRef::parse(location).map_err(plain)?;
    if place.kind != "url" {
        let message =
            format!("Invalid location ref {location}, only 'url:<target>' is supported, e.g. url:https://host/path");
        return Err(plain(ErrorBody::new("TypeError", message)));
    }
    let place = Place::direct(place);
    let admitted = annotate::with_place(entity, check::spread(entity["metadata"].get("annotations")), &place);
    let filled = placeholder::substitute(&admitted, &place.location.target, hosts, resolvers, read)?;
    let checked = check::check(&filled, &place, hosts)?;
    let mut targets = location::targets(&checked.entity, &place.location, hosts);
    match relations::relations(&checked.entity) {
        Ok(relations) if targets.refused.is_empty() => Ok(Valid { checked, relations, targets }),
        Ok(_) => Err(Invalid::Entity(targets.refused)),
        Err(refusal) => {
            targets.refused.push(refusal);
            Err(Invalid::Entity(targets.refused))
        }
    }
}
