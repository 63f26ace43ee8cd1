//! Every statement on `audit_entry`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::{Entry, Origin};

/// An entry as it is read.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// Order of recording.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// What.
    pub verb: String,
    /// To what.
    pub resource: String,
    /// How it came out.
    pub outcome: String,
    /// Id of the HTTP request.
    pub http_request: Option<String>,
    /// Details.
    pub detail: Value,
}

/// Adds an entry.
pub async fn insert(conn: &mut PgConnection, entry: &Entry, origin: &Origin) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into audit_entry (who, on_behalf_of, token_id, address, verb, resource, decision_id, request_id, http_request, detail)
         values ($1, $2, $3, $4::text::inet, $5, $6, $7, $8, $9, $10)",
        entry.who,
        entry.on_behalf_of,
        entry.token_id,
        origin.address.map(|a| a.to_string()),
        entry.verb,
        entry.resource,
        entry.decision_id,
        entry.request_id,
        Some(&origin.request).filter(|r| !r.is_empty()),
        entry.detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Entries before an id, newest first; of one resource or of all.
pub async fn list(
    conn: &mut PgConnection,
    resource: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<EntryRow>> {
    sqlx::query_as!(
        EntryRow,
        "select id, at, who, verb, resource, outcome, http_request, detail from audit_entry
         where ($1::text is null or resource = $1) and ($2::bigint is null or id < $2)
         order by id desc limit $3",
        resource,
        before,
        limit
    )
    .fetch_all(conn)
    .await
}
