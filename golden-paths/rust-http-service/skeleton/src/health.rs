//! What Kubernetes asks: is it alive, and may it get requests?

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{extract::State, http::StatusCode};

/// Whether this copy wants requests. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Health {
    draining: Arc<AtomicBool>,
}

impl Health {
    /// From now on `/readyz` answers 503, so that no new requests are sent here.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

/// `GET /healthz`: the process answers. It asks nothing else on purpose: a restart does not
/// mend a database that is down.
pub async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: it may get requests. Add a check here for what no request can do without.
pub async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.draining.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
