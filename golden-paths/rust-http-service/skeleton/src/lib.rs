//! ${{ values.description }}
//!
//! Reading order: `main.rs` starts and stops, `routes.rs` answers callers, the rest is what
//! every service needs. The library exists so that the tests can start the same application.

pub mod health;
pub mod metrics;
pub mod problem;
pub mod routes;
pub mod settings;
pub mod telemetry;

use axum::{Router, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::health::Health;

/// The whole application: what callers use, and what the platform asks.
///
/// Probes and `/metrics` stand outside the measured routes: they come every few seconds,
/// never fail, and would make the objectives look better than they are.
pub fn app(health: Health, metrics: PrometheusHandle) -> Router {
    let platform = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(health)
        .route("/metrics", get(move || async move { metrics.render() }));

    routes::router().merge(platform)
}
