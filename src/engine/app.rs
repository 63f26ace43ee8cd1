//! The handles that everything shares. It holds nothing of any feature, so it stays at the bottom.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::access::session::Sessions;
use super::bus::Bus;
use super::config::Config;
use super::kept::Kept;
use super::seal::Sealer;
use crate::kernel::clock::Clock;
use crate::ports::code_host::local::LocalHost;
use crate::ports::code_host::{CodeHost, RepositoryName};
use crate::ports::documents::Documents;
use crate::ports::sign_in::{SignInHost, TeamDirectory};

/// The record of handles. Cheap to copy.
#[derive(Debug, Clone)]
pub struct App(Arc<Handles>);

/// What it holds.
#[derive(Debug)]
pub struct Handles {
    /// Settings.
    pub config: Config,
    /// The database.
    pub db: PgPool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Secrets at rest.
    pub sealer: Sealer,
    /// News between processes.
    pub bus: Bus,
    /// Sessions and the people behind them.
    pub sessions: Sessions,
    /// Requests that wait for a person, by person, for a few seconds.
    pub waiting: Kept<Uuid, i64>,
    /// What features keep in memory, each its own.
    pub caches: Caches,
    /// Where code lives.
    pub code_hosts: CodeHosts,
    /// What addresses and files say.
    pub documents: Arc<dyn Documents>,
    /// Who people are, if GitHub tells.
    pub sign_in: Option<Arc<dyn SignInHost>>,
    /// Who belongs to which team, if GitHub tells.
    pub teams: Option<Arc<dyn TeamDirectory>>,
    /// Cancelled when the portal stops: streams end, workers take no more.
    pub stop: CancellationToken,
    /// Renders `/metrics`.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// Raised when the workers are up, for `/readyz`.
    pub workers_up: std::sync::atomic::AtomicBool,
}

impl App {
    /// From its handles.
    pub fn new(handles: Handles) -> Self {
        Self(Arc::new(handles))
    }
}

impl std::ops::Deref for App {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// What features keep in memory: one value per type, made when first asked for. The handles know
/// nothing of the types.
#[derive(Debug, Default)]
pub struct Caches(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Caches {
    /// The cache of a type.
    pub fn of<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = map.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())).clone();
        // The entry of a type holds that type; were it otherwise, an empty cache does no harm.
        entry.downcast().unwrap_or_default()
    }
}

/// The code hosts of this portal: always the local one, and GitHub if it is configured.
#[derive(Debug, Clone)]
pub struct CodeHosts {
    /// Bare repositories under the data folder.
    pub local: Arc<LocalHost>,
    /// GitHub.
    pub github: Option<Arc<dyn CodeHost>>,
}

impl CodeHosts {
    /// The adapter for a repository, and the repository's name as that adapter knows it.
    pub fn locate(&self, name: &RepositoryName) -> Option<(Arc<dyn CodeHost>, RepositoryName)> {
        let host = self.for_host(&name.host)?;
        let name = RepositoryName { host: host.host().to_owned(), ..name.clone() };
        Some((host, name))
    }

    /// The adapter for a host as templates write it. Without GitHub, `github.com` means the local
    /// host, so that golden paths work without an account.
    pub fn for_host(&self, host: &str) -> Option<Arc<dyn CodeHost>> {
        if let Some(github) = &self.github
            && github.host() == host
        {
            return Some(github.clone());
        }
        (host == self.local.host() || (self.github.is_none() && host == "github.com"))
            .then(|| self.local.clone() as Arc<dyn CodeHost>)
    }
}
