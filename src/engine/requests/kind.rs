//! What a feature brings so that its requests go their road. Found by name in a table made at the top.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::error::RequestError;
use super::store::RequestRow;
use crate::engine::app::App;
use crate::engine::policy;

/// A kind of request.
#[async_trait]
pub trait RequestKind: Send + Sync {
    /// `feature.verb`.
    fn name(&self) -> &'static str;

    /// What policy is told once the plan is known. Only for kinds whose plan is made by a run: the
    /// others decide when they submit.
    fn policy_input(&self, request: &RequestRow, now: DateTime<Utc>) -> Option<policy::Input>;

    /// Starts the applying run in the transaction that marks the request as running.
    ///
    /// # Errors
    /// Why it cannot start: the request then fails with these words.
    async fn start(&self, app: &App, conn: &mut PgConnection, request: &RequestRow) -> Result<(), RequestError>;
}

/// The table of kinds.
#[derive(Default)]
pub struct Kinds(HashMap<&'static str, Box<dyn RequestKind>>);

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Kinds {
    /// Adds a kind.
    #[must_use]
    pub fn with(mut self, kind: impl RequestKind + 'static) -> Self {
        self.0.insert(kind.name(), Box::new(kind));
        self
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, name: &str) -> Result<&dyn RequestKind, RequestError> {
        self.0.get(name).map(AsRef::as_ref).ok_or_else(|| RequestError::UnknownKind(name.to_owned()))
    }
}
