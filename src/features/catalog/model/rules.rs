//! Which kinds may come from which places (`catalog.rules` of Backstage's configuration). It owns
//! the decision; reading the configuration is elsewhere.

use globset::{GlobBuilder, GlobMatcher};
use serde_json::Value;

use super::check::reference_of;
use super::location::{LocationRef, Place};
use super::refusal::{ErrorBody, Problem, Refusal};

/// A kind that a rule allows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct AllowedKind {
    /// The kind; capital letters do not matter.
    pub kind: String,
    /// Only with this `spec.type`; capital letters do not matter.
    #[serde(rename = "spec.type", default)]
    pub kind_type: Option<String>,
}

/// A place that a rule is about.
#[derive(Debug, Clone)]
pub struct RulePlace {
    /// `url` or `file`.
    pub kind: String,
    /// The whole target.
    pub exact: Option<String>,
    /// A pattern for the target, with `*` within a path part and `**` across them.
    pub pattern: Option<GlobMatcher>,
}

impl RulePlace {
    /// A place by pattern.
    ///
    /// # Errors
    /// The pattern cannot be read.
    pub fn by_pattern(kind: &str, pattern: &str) -> Result<Self, globset::Error> {
        let glob = GlobBuilder::new(pattern).literal_separator(true).case_insensitive(true).build()?;
        Ok(Self { kind: kind.to_owned(), exact: None, pattern: Some(glob.compile_matcher()) })
    }

    /// A place by its whole target.
    pub fn exactly(location: &LocationRef) -> Self {
        Self { kind: location.kind.clone(), exact: Some(location.target.clone()), pattern: None }
    }

    fn covers(&self, location: &LocationRef) -> bool {
        self.kind == location.kind
            && self.exact.as_ref().is_none_or(|exact| *exact == location.target)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&location.target))
    }
}

/// One rule: kinds, and the places it is about (all if none is named).
#[derive(Debug, Clone)]
pub struct Rule {
    /// What is allowed.
    pub allow: Vec<AllowedKind>,
    /// Where.
    pub places: Option<Vec<RulePlace>>,
}

impl Rule {
    /// A rule that allows kinds everywhere.
    pub fn everywhere<'k>(kinds: impl IntoIterator<Item = &'k str>) -> Self {
        let allow = kinds.into_iter().map(|kind| AllowedKind { kind: kind.to_owned(), kind_type: None }).collect();
        Self { allow, places: None }
    }
}

/// All rules; any that fits allows.
#[derive(Debug, Clone)]
pub struct Rules {
    /// In the order of the configuration.
    pub rules: Vec<Rule>,
}

impl Default for Rules {
    /// What is allowed without configuration: no groups, users, systems or templates.
    fn default() -> Self {
        Self { rules: vec![Rule::everywhere(["Component", "API", "Location"])] }
    }
}

impl Rules {
    /// Whether an entity may come from a registered place.
    pub fn allow(&self, entity: &Value, origin: &LocationRef) -> bool {
        let same = |wanted: &str, value: &Value| {
            value.as_str().is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
        };
        let fits = |allowed: &AllowedKind| {
            same(&allowed.kind, &entity["kind"])
                && allowed.kind_type.as_ref().is_none_or(|wanted| same(wanted, &entity["spec"]["type"]))
        };
        self.rules.iter().any(|rule| {
            rule.allow.iter().any(fits)
                && rule.places.as_ref().is_none_or(|places| places.iter().any(|place| place.covers(origin)))
        })
    }

    /// Refuses an entity that may not come from a place. It hides the whole file.
    ///
    /// # Errors
    /// No rule allows it.
    pub fn enforce(&self, entity: &Value, place: &Place) -> Result<(), Refusal> {
        if self.allow(entity, &place.origin) {
            return Ok(());
        }
        let kind = entity["kind"].as_str().unwrap_or_default();
        let message = format!(
            "Entity {} at {}, originated at {}, is not of an allowed kind for that location",
            reference_of(entity),
            place.location,
            place.origin
        );
        let problem = Problem::new(
            "/kind",
            format!("Entities of the kind `{kind}` may not come from this place."),
            "Ask the portal's operators to allow it in `catalog.rules`, or move the entity to another file.",
        );
        Err(Refusal::new(ErrorBody::new("NotAllowedError", message), problem))
    }
}
