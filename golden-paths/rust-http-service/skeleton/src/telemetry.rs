//! Logs as one JSON object a line, and the numbers of every request.

use std::{error::Error, panic, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, error_span, level_filters::LevelFilter};

use crate::metrics;

/// Sends all log events to standard output as JSON, panics included.
pub fn init(level: LevelFilter) -> Result<(), Box<dyn Error + Send + Sync>> {
    panic::set_hook(Box::new(|info| {
        tracing::error!(panic = %info, "panicked");
    }));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_max_level(level)
        .try_init()
}

/// Logs and measures one request, whatever becomes of it.
///
/// The route's pattern is logged, not the path, and no header or body: paths may hold names and
/// parcel numbers, and logs are kept longer and read by more people than the data itself.
pub async fn observe(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(
        || "unmatched".to_owned(),
        |matched| matched.as_str().to_owned(),
    );
    // At level error, so that the ids are on the line however quiet the log is.
    let span = error_span!(
        "request",
        %method,
        route,
        request_id = text(request.headers(), "x-request-id"),
        trace_id = text(request.headers(), "traceparent").and_then(trace_id),
    );
    let in_flight = metrics::InFlight::enter();
    let start = Instant::now();

    let response = next.run(request).instrument(span.clone()).await;

    let took = start.elapsed();
    drop(in_flight);
    metrics::request_answered(&method, &route, response.status(), took);
    span.in_scope(|| {
        let status = response.status().as_u16();
        let duration_ms = took.as_secs_f64() * 1000.0;
        if response.status().is_server_error() {
            tracing::error!(status, duration_ms, "request failed");
        } else {
            tracing::info!(status, duration_ms, "request answered");
        }
    });
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The trace id of a W3C `traceparent` header, so that a log line can be found from a trace.
fn trace_id(traceparent: &str) -> Option<&str> {
    let id = traceparent.split('-').nth(1)?;
    let valid = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::trace_id;

    #[test]
    fn a_trace_id_is_taken_from_a_valid_header_only() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        assert_eq!(trace_id("00-short-00f067aa0ba902b7-01"), None);
        assert_eq!(trace_id("nonsense"), None);
    }
}
