//! `/admin`: health and settings, and who did what.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::audit;
use crate::engine::jobs::{self, Depth};
use crate::engine::runs::store as runs;
use crate::engine::web::paging::PAGE;
use crate::engine::web::{Page, Problem, Query, Visitor, html, words};
use crate::features::catalog::store as catalog;
use crate::features::requests::pages::person;

/// The routes under `/admin`.
pub fn routes() -> Router<App> {
    Router::new().route("/", get(index)).route("/audit", get(audit_log))
}

#[derive(Template)]
#[template(path = "admin/index.html")]
struct IndexPage {
    page: Page,
    settings: Vec<(&'static str, String)>,
    queue: Vec<Depth>,
    runs: Vec<(String, i64)>,
    leftovers: Vec<(String, String, uuid::Uuid)>,
    sources: i64,
    failing: usize,
}

async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response, Problem> {
    can(&visitor.subject, "admin.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let leftovers = runs::leftovers(&mut conn, 100).await?;
    html(&IndexPage {
        page: visitor.page,
        settings: app.config.describe(),
        queue: jobs::depth(&mut conn).await?,
        runs: runs::counts(&mut conn).await?,
        leftovers: leftovers.into_iter().map(|e| (e.name, e.note.unwrap_or_default(), e.run_id)).collect(),
        sources: catalog::source_summary(&mut conn).await?.all,
        failing: catalog::sources(&mut conn, true, 500).await?.len(),
    })
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Page,
    rows: Vec<AuditLine>,
    next: Option<i64>,
}

struct AuditLine {
    at: String,
    who: String,
    verb: String,
    resource: String,
    detail: String,
    request: String,
}

#[derive(Debug, Deserialize)]
struct Before {
    before: Option<i64>,
}

async fn audit_log(State(app): State<App>, visitor: Visitor, Query(from): Query<Before>) -> Result<Response, Problem> {
    can(&visitor.subject, "admin.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let mut rows = audit::store::list(&mut conn, None, from.before, PAGE + 1).await?;
    let more = rows.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|r| r.id);
    let now = app.clock.now();
    let line = |r: audit::store::EntryRow| AuditLine {
        at: words::when(r.at, now),
        who: person(&r.who).to_owned(),
        verb: r.verb,
        resource: r.resource,
        detail: if r.detail.as_object().is_some_and(serde_json::Map::is_empty) {
            String::new()
        } else {
            r.detail.to_string()
        },
        request: r.http_request.unwrap_or_default(),
    };
    html(&AuditPage { page: visitor.page, rows: rows.into_iter().map(line).collect(), next })
}
