//! The audit log: who did what, in the transaction of the deed. It is only ever added to.

pub mod store;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::engine::access::Subject;

/// One deed.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `user:<login>`, `system`.
    pub who: String,
    /// For whom, if a token or an agent acted.
    pub on_behalf_of: Option<String>,
    /// The token that was used.
    pub token_id: Option<Uuid>,
    /// `feature.verb`, past tense.
    pub verb: &'static str,
    /// What it was done to: an entity reference, `run:<id>`, `request:<id>`.
    pub resource: String,
    /// The decision that allowed it.
    pub decision_id: Option<Uuid>,
    /// The request it belongs to.
    pub request_id: Option<Uuid>,
    /// Details that help later. Never a secret.
    pub detail: Value,
}

impl Entry {
    /// A deed of somebody.
    pub fn by(subject: &Subject, verb: &'static str, resource: impl Into<String>) -> Self {
        Self { token_id: subject.token_id(), ..Self::new(subject.who(), verb, resource) }
    }

    /// A deed of the portal itself.
    pub fn by_system(verb: &'static str, resource: impl Into<String>) -> Self {
        Self::new("system".to_owned(), verb, resource)
    }

    fn new(who: String, verb: &'static str, resource: impl Into<String>) -> Self {
        Self {
            who,
            on_behalf_of: None,
            token_id: None,
            verb,
            resource: resource.into(),
            decision_id: None,
            request_id: None,
            detail: Value::Object(serde_json::Map::new()),
        }
    }

    /// With details.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// Belonging to a request.
    #[must_use]
    pub fn request(mut self, id: Option<Uuid>) -> Self {
        self.request_id = id;
        self
    }

    /// Allowed by a decision.
    #[must_use]
    pub fn decision(mut self, id: Option<Uuid>) -> Self {
        self.decision_id = id;
        self
    }
}

tokio::task_local! {
    /// The HTTP request in whose course something happens: its id and the client's address.
    pub static ORIGIN: Origin;
}

/// Where a deed came from over HTTP.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The id that people quote.
    pub request: String,
    /// The client's address.
    pub address: Option<std::net::IpAddr>,
}

/// Records a deed in the transaction in which it happens.
///
/// # Errors
/// The database.
pub async fn record(conn: &mut PgConnection, entry: &Entry) -> sqlx::Result<()> {
    let origin = ORIGIN.try_with(Clone::clone).unwrap_or_default();
    store::insert(conn, entry, &origin).await
}
