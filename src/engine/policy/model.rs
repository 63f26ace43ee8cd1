//! The documents of a decision: what the rules are told, and what they answer.
//! The input is versioned and the same for every action, so that policies written once keep working.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the input document.
pub const API_VERSION: &str = "slipway.policy/v1";

/// All that the rules may look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// [`API_VERSION`].
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// The moment of the decision.
    pub now: DateTime<Utc>,
    /// What is asked for.
    pub action: Action,
    /// Who asks.
    pub subject: SubjectFacts,
    /// What it concerns.
    pub resource: ResourceFacts,
    /// What else is known.
    #[serde(default)]
    pub context: Value,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Feature.
    pub kind: String,
    /// Verb.
    pub verb: String,
    /// Its parameters, never secrets.
    pub params: Value,
    /// What it will cost, if that is known.
    pub estimate: Option<Estimate>,
    /// What it will change.
    pub plan: PlanFacts,
}

/// What it will cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// A month, as a decimal.
    pub monthly_cost: bigdecimal::BigDecimal,
    /// ISO 4217.
    pub currency: String,
}

/// What it will change, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFacts {
    /// Things made.
    pub adds: u64,
    /// Things changed.
    pub changes: u64,
    /// Things destroyed.
    pub destroys: u64,
    /// Their sorts.
    pub resource_types: Vec<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectFacts {
    /// `user:<login>`.
    pub id: String,
    /// `human`, `agent` or `service`.
    pub kind: String,
    /// Claims.
    pub groups: Vec<String>,
    /// Team slugs.
    pub teams: Vec<String>,
    /// For whom, if a token or an agent asks.
    pub on_behalf_of: Option<String>,
}

/// What it concerns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourceFacts {
    /// In the catalog, existing or to be.
    pub entity_ref: Option<String>,
    /// Slug of the team that owns it.
    pub owner_team: Option<String>,
    /// From its label.
    pub tier: Option<String>,
    /// Environment.
    pub env: Option<String>,
    /// Labels.
    #[serde(default)]
    pub labels: Value,
    /// Class of the data that it holds.
    pub data_class: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It happens at once.
    Allow,
    /// It happens when the required people agree.
    Require,
    /// It does not happen.
    Deny,
}

impl Verdict {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Require => "require",
            Self::Deny => "deny",
        }
    }
}

/// What the rules answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The answer. Deny wins over require, require over allow.
    pub decision: Verdict,
    /// What must be kept to.
    pub obligations: Obligations,
    /// Why, in sentences for people, in the order of the rules.
    pub reasons: Vec<Reason>,
    /// Which rules spoke.
    pub rule_ids: Vec<String>,
    /// Of the rules.
    pub policy_version: String,
    /// Canonical hash of the input.
    pub inputs_hash: String,
}

/// One rule's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub rule: String,
    /// Its answer.
    pub decision: Verdict,
    /// A sentence.
    pub text: String,
}

/// What must be kept to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligations {
    /// Who must agree; all of these.
    pub approvals: Vec<Approvals>,
}

/// Who must agree. The asker never counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Slugs: a member of any of these groups.
    pub any_of: Vec<String>,
    /// How many people.
    pub count: u32,
}

impl Input {
    /// As JSON, for storing and hashing.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// `feature.verb`.
    pub fn action_name(&self) -> String {
        format!("{}.{}", self.action.kind, self.action.verb)
    }
}
