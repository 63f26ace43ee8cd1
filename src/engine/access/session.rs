//! Sessions in Postgres, behind tower-sessions. A short-lived copy in memory spares a query per
//! page; it is dropped at once when a session ends anywhere, by the database's news.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use uuid::Uuid;

use super::store;
use super::subject::{Subject, Via};
use crate::engine::config::Admins;
use crate::engine::kept::Kept;

/// How long a copy is trusted when no news come. News make it shorter, never longer.
const FRESH: Duration = Duration::from_secs(10);
/// The key under which a session holds its person.
pub const USER: &str = "user";

/// Sessions, and the people behind them.
#[derive(Debug, Clone)]
pub struct Sessions {
    pool: PgPool,
    admins: Admins,
    records: Arc<Kept<Id, Record>>,
    people: Arc<Kept<Uuid, Subject>>,
}

impl Sessions {
    /// Over a pool.
    pub fn new(pool: PgPool, admins: Admins) -> Self {
        Self { pool, admins, records: Arc::default(), people: Arc::default() }
    }

    /// Forgets a person and all their sessions, after their rights or sessions changed.
    pub fn forget(&self, user: Uuid) {
        self.people.forget(|id, _| *id == user);
        let user = serde_json::Value::String(user.to_string());
        self.records.forget(|_, record| record.data.get(USER) == Some(&user));
    }

    /// Forgets everything, after news may have been missed.
    pub fn forget_all(&self) {
        self.people.clear();
        self.records.clear();
    }

    /// The person behind a session or token.
    ///
    /// # Errors
    /// The database.
    pub async fn subject(&self, user: Uuid, via: Via) -> sqlx::Result<Option<Subject>> {
        let mut subject = match self.people.get(&user, FRESH) {
            Some(subject) => subject,
            None => {
                let mut conn = self.pool.acquire().await?;
                let Some(row) = store::user(&mut conn, user).await? else { return Ok(None) };
                let subject = self.subject_of(row);
                self.people.put(user, subject.clone());
                subject
            }
        };
        subject.via = via;
        Ok(Some(subject))
    }

    fn subject_of(&self, row: store::UserRow) -> Subject {
        let demo = row.origin == "demo";
        let configured =
            self.admins.logins.contains(&row.login) || row.teams.iter().any(|t| self.admins.teams.contains(t));
        Subject {
            user_id: row.id,
            admin: if demo { row.demo_admin } else { configured },
            login: row.login,
            name: row.name,
            email: row.email,
            teams: row.teams,
            demo,
            via: Via::Session,
        }
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let mut conn = self.pool.acquire().await.map_err(backend)?;
        loop {
            let data = encode(record)?;
            let made =
                store::create_session(&mut conn, &record.id.to_string(), &data, user_of(record), expiry(record)).await;
            if made.map_err(backend)? {
                self.records.put(record.id, record.clone());
                return Ok(());
            }
            // The id is taken: another id, never another's session.
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let mut conn = self.pool.acquire().await.map_err(backend)?;
        let data = encode(record)?;
        self.records.forget(|id, _| *id == record.id);
        store::save_session(&mut conn, &record.id.to_string(), &data, user_of(record), expiry(record))
            .await
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        if let Some(record) = self.records.get(id, FRESH) {
            return Ok(Some(record));
        }
        let mut conn = self.pool.acquire().await.map_err(backend)?;
        let Some((data, expires_at)) = store::session(&mut conn, &id.to_string()).await.map_err(backend)? else {
            return Ok(None);
        };
        let record = Record {
            id: *id,
            data: serde_json::from_value(data).map_err(|e| Error::Decode(e.to_string()))?,
            expiry_date: OffsetDateTime::from_unix_timestamp(expires_at.timestamp())
                .map_err(|e| Error::Decode(e.to_string()))?,
        };
        self.records.put(record.id, record.clone());
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.records.forget(|known, _| known == id);
        let mut conn = self.pool.acquire().await.map_err(backend)?;
        store::delete_session(&mut conn, &id.to_string()).await.map_err(backend)
    }
}

fn backend(e: sqlx::Error) -> Error {
    Error::Backend(e.to_string())
}

fn encode(record: &Record) -> Result<serde_json::Value> {
    serde_json::to_value(&record.data).map_err(|e| Error::Encode(e.to_string()))
}

fn user_of(record: &Record) -> Option<Uuid> {
    record.data.get(USER).and_then(|v| v.as_str()).and_then(|v| v.parse().ok())
}

fn expiry(record: &Record) -> DateTime<Utc> {
    DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0).unwrap_or_default()
}
