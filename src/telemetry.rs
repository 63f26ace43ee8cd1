//! Logs and traces. A line reads alone, and its fields can be searched.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use crate::engine::config::Telemetry;

/// Keeps traces flowing; dropped last, it sends what is left.
#[derive(Debug, Default)]
pub struct Traces(Option<opentelemetry_sdk::trace::SdkTracerProvider>);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(e) = provider.shutdown()
        {
            tracing::warn!(error = %e, "the last traces may be lost");
        }
    }
}

/// Starts logging, and tracing by OTLP over HTTP where an endpoint is configured.
///
/// # Errors
/// The endpoint cannot be used, or logging was started before.
pub fn start(settings: &Telemetry) -> anyhow::Result<Traces> {
    let filter = EnvFilter::try_new(&settings.filter)?.add_directive("graphile_worker=warn".parse()?);
    let text = (!settings.json).then(|| tracing_subscriber::fmt::layer().with_writer(std::io::stderr).compact());
    let json =
        settings.json.then(|| tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr));
    let provider = match &settings.otlp {
        Some(endpoint) => {
            let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
            let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(url).build()?;
            let resource = opentelemetry_sdk::Resource::builder().with_service_name("slipway").build();
            Some(
                opentelemetry_sdk::trace::SdkTracerProvider::builder()
                    .with_batch_exporter(exporter)
                    .with_resource(resource)
                    .build(),
            )
        }
        None => None,
    };
    let traces = provider.as_ref().map(|p| tracing_opentelemetry::layer().with_tracer(p.tracer("slipway")));
    tracing_subscriber::registry().with(filter).with(text).with(json).with(traces).try_init()?;
    Ok(Traces(provider))
}
