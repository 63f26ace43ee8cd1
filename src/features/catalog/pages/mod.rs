//! `/catalog`: the list, an entity's page, sources and problems.

mod entity;
mod graph;
mod index;
mod sources;

use axum::Router;
use axum::routing::{get, post};

use crate::engine::app::App;
use crate::engine::web::words;

/// The routes under `/catalog`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(index::index))
        .route("/{kind}/{namespace}/{name}", get(entity::show))
        .route("/problems", get(sources::problems))
        .route("/sources", get(sources::index).post(sources::register))
        .route("/sources/{id}", get(sources::show))
        .route("/sources/{id}/refresh", post(sources::refresh))
        .route("/sources/{id}/remove", post(sources::remove))
}

/// A kind in words.
pub fn kind_words(kind: &str) -> String {
    match kind {
        "api" => "API".to_owned(),
        other => words::team(other),
    }
}

/// The icon of an entity.
pub fn icon(kind: &str, kind_type: Option<&str>) -> &'static str {
    match (kind, kind_type) {
        ("component", Some("job")) => "clock",
        ("component", Some("library")) => "file",
        ("component", _) => "service",
        ("api", _) => "api",
        ("resource", Some("kafka-topic" | "topic" | "queue")) => "queue",
        ("resource", _) => "database",
        ("system" | "domain", _) => "system",
        ("group", _) => "team",
        ("user", _) => "person",
        ("template", _) => "create",
        _ => "file",
    }
}

/// Where an entity's page is, from its canonical reference.
pub fn href(entity_ref: &str) -> String {
    crate::kernel::entity_ref::EntityRef::parse(entity_ref, Some("component"), "default")
        .map_or_else(|_| "/catalog".to_owned(), |r| r.href())
}

/// A reference for people: its name, with what is not usual before it.
pub fn short(entity_ref: &str) -> String {
    let rest = entity_ref.split_once(':').map_or(entity_ref, |(_, rest)| rest);
    rest.strip_prefix("default/").unwrap_or(rest).to_owned()
}
