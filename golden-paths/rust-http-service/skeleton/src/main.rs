//! Starts the service, and stops it without losing a request.

use std::{error::Error, io, net::Ipv4Addr, process::ExitCode, time::Duration};

use service::{app, health::Health, metrics, settings::Settings, telemetry};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not as a log line: what failed may be the logging itself.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let settings = Settings::from_env()?;
    telemetry::init(settings.log_level)?;
    let metrics = metrics::install()?;
    tokio::spawn(metrics::upkeep(metrics.clone()));

    let health = Health::default();
    let stop = stop_signal()?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, settings.port)).await?;
    tracing::info!(
        address = %listener.local_addr()?,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );

    axum::serve(listener, app(health.clone(), metrics))
        .with_graceful_shutdown(async move {
            stop.await;
            drain(&health, settings.drain).await;
        })
        .await?;
    tracing::info!("stopped");
    Ok(())
}

/// Completes on SIGTERM (Kubernetes) or SIGINT (a terminal).
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Says "not ready" and keeps answering for a while: Kubernetes takes a few seconds to stop
/// sending new requests to a pod that is about to go.
async fn drain(health: &Health, wait: Duration) {
    tracing::info!(seconds = wait.as_secs(), "draining");
    health.drain();
    tokio::time::sleep(wait).await;
}
