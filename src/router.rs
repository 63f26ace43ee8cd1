//! The URL table. First path segment, folder of the feature, folder of its templates: one word.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::engine::app::App;
use crate::engine::web::problem::AsItIs;
use crate::engine::web::{Problem, assets, layers};
use crate::features::{admin, catalog, git, home, login, requests, scaffolder, webhooks};
use crate::panels;

/// All routes with all layers.
pub fn router(app: &App) -> Router {
    let (api, document) = api();
    let routes = Router::new()
        .merge(home::pages::routes())
        .nest("/admin", admin::pages::routes())
        .nest("/catalog", catalog::pages::routes())
        .nest("/docs", home::docs::routes())
        .nest("/git", git::pages::routes())
        .nest("/login", login::pages::routes())
        .nest("/requests", requests::pages::routes())
        .nest("/scaffolder", scaffolder::pages::routes())
        .nest("/webhooks", webhooks::api::routes())
        .nest("/api/v1", api)
        .route("/api/v1/openapi.json", get(move || std::future::ready(Json(document.clone()))))
        .route("/static/{*name}", get(assets::serve))
        .route("/healthz", get(|| std::future::ready("alive\n")))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| std::future::ready(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(|| std::future::ready(StatusCode::METHOD_NOT_ALLOWED))
        .layer(Extension(panels::panels()));
    layers::around(routes, app)
}

/// What the API's document says of itself.
#[derive(OpenApi)]
#[openapi(
    info(title = "Slipway", description = "The same actions as in the browser. Give a token of yours as bearer.", license(name = "Apache-2.0")),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

fn api() -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(login::api::routes())
        .merge(catalog::api::routes())
        .merge(scaffolder::api::routes())
        .merge(requests::api::routes())
        .split_for_parts();
    document.servers = Some(vec![utoipa::openapi::Server::new("/api/v1")]);
    (router, document)
}

/// Ready is: the database answers and the workers are up.
async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    app.db.acquire().await?.close_on_drop();
    if app.workers_up.load(std::sync::atomic::Ordering::Acquire) {
        return Ok("ready\n".into_response());
    }
    // It is no mistake to be starting: a probe reads this, and the log stays quiet.
    Ok((StatusCode::SERVICE_UNAVAILABLE, Extension(AsItIs), "the workers are not up yet\n").into_response())
}

/// Prometheus' text format. Gauges of the queue, the runs and the sources are asked for when scraped.
async fn metrics(State(app): State<App>) -> Response {
    if let Err(e) = crate::worker::gauges(&app).await {
        tracing::debug!(error = %e, "gauges cannot be read");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()).into_response()
}
