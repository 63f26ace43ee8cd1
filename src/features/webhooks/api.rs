//! `/webhooks/github`. Answers are short lines of text: GitHub shows them beside each delivery.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::post;

use super::actions;
use super::error::WebhookError;
use crate::engine::app::App;
use crate::engine::web::Problem;

/// The longest body that is read, in bytes. GitHub sends up to 25 MB (its docs, "Webhook events and
/// payloads"); the events that anything waits for are far below this.
const LONGEST: usize = 5 << 20;

/// The routes under `/webhooks`.
pub fn routes() -> Router<App> {
    Router::new().route("/github", post(github)).layer(DefaultBodyLimit::max(LONGEST))
}

async fn github(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<String, Problem> {
    let secret = app.config.github.webhook_secret.as_ref().ok_or(WebhookError::NotConfigured)?;
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    actions::check(secret, text("x-hub-signature-256"), &body)?;
    let event = text("x-github-event").unwrap_or_default();
    let resumed = actions::take(&app.db, &app.config.github.host(), event, &body).await?;
    metrics::counter!("slipway_webhooks_total", "event" => event.to_owned()).increment(1);
    tracing::info!(event, delivery = text("x-github-delivery").unwrap_or_default(), resumed, "webhook taken");
    Ok(format!("taken; {resumed} runs go on\n"))
}
