//! `/scaffolder`: the cards, the wizard, the plan.

mod index;
mod review;
mod wizard;

use axum::Router;
use axum::routing::{get, post};

use crate::engine::app::App;

/// The routes under `/scaffolder`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(index::index))
        .route("/templates/{namespace}/{name}", get(wizard::first).post(wizard::begin))
        .route("/drafts/{id}", get(wizard::page).post(wizard::answer))
        .route("/drafts/{id}/review", get(review::review))
        .route("/drafts/{id}/create", post(review::create))
        .route("/drafts/{id}/discard", post(wizard::discard))
}
