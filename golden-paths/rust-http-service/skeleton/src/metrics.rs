//! What Prometheus reads at `/metrics`.
//!
//! `objectives.yaml` is written against these names; a test in `tests/http.rs` holds the two
//! together, since an objective about a metric that does not exist never raises an alarm.
//! Count your own things anywhere with `metrics::counter!("parcels_seen_total").increment(1)`.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Answered requests by method, route and status.
pub const REQUESTS: &str = "http_requests_total";
/// Seconds from the request's head to the response's head, by method and route.
pub const DURATION: &str = "http_request_duration_seconds";
/// Requests being answered right now.
pub const IN_FLIGHT: &str = "http_requests_in_flight";
/// Always 1; its label tells the version that runs.
pub const BUILD: &str = "service_build_info";

/// Upper bounds in seconds. The latency objective needs its threshold among them.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Makes the recorder of this process, or hands out the one already there (the tests start
/// the application many times in one process).
pub fn install() -> Result<PrometheusHandle, BuildError> {
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS)?
        .install_recorder()?;
    describe_counter!(REQUESTS, "Answered requests.");
    describe_histogram!(DURATION, "Seconds to answer a request.");
    describe_gauge!(IN_FLIGHT, "Requests being answered right now.");
    describe_gauge!(BUILD, "The version that runs.");
    gauge!(IN_FLIGHT).set(0.0);
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    *installed = Some(handle.clone());
    Ok(handle)
}

/// Folds the samples together now and then, so that memory stays flat when nobody scrapes.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    loop {
        tick.tick().await;
        handle.run_upkeep();
    }
}

/// Counts one answered request. `route` is the pattern, never the path: a label must not have
/// as many values as there are parcels.
pub fn request_answered(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let method = method_label(method);
    let route = route.to_owned();
    counter!(
        REQUESTS,
        "method" => method,
        "route" => route.clone(),
        "status" => status.as_str().to_owned()
    )
    .increment(1);
    histogram!(DURATION, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// A caller may invent methods; they share one label.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts as in flight until dropped, which also happens when the caller hangs up.
pub struct InFlight(());

impl InFlight {
    /// One request more.
    pub fn enter() -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
    }
}
