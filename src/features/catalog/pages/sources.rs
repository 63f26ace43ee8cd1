//! Where the catalog is read from, and what is wrong in those files: told with line and column.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::{href, index, short};
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::web::page::html_invalid;
use crate::engine::web::{Form, Page, Path, Problem, Query, Visitor, flash, html, words};
use crate::features::catalog::actions;
use crate::features::catalog::error::CatalogError;
use crate::features::catalog::store::{self, ProblemRow, SourceRow};
use crate::kernel::fault::{Explain as _, Kind};

/// How many sources the page lists; those with problems come first.
const MOST: i64 = 500;

#[derive(Template)]
#[template(path = "catalog/sources.html")]
struct SourcesPage {
    page: Page,
    sources: Vec<SourceLine>,
    target: String,
    fault: Option<String>,
}

struct SourceLine {
    id: Uuid,
    place: String,
    origin: &'static str,
    tone: &'static str,
    icon: &'static str,
    state: String,
    entities: i32,
    read: String,
}

fn source_line(app: &App, row: SourceRow) -> SourceLine {
    let now = app.clock.now();
    let (tone, icon, state) = match (row.state.as_str(), row.problem_count) {
        ("waiting", _) => ("info", "clock", "To be read".to_owned()),
        ("failed", _) => ("bad", "bad", "Cannot be read".to_owned()),
        (_, 0) => ("good", "good", "Good".to_owned()),
        (_, 1) => ("warn", "warn", "One problem".to_owned()),
        (_, n) => ("warn", "warn", format!("{n} problems")),
    };
    let origin = match row.origin.as_str() {
        "config" => "configuration",
        "example" => "example organization",
        "registered" => "registered",
        "discovered" => "found in the organization",
        _ => "named by a Location",
    };
    SourceLine {
        id: row.id,
        place: row.target.location(app).target,
        origin,
        tone,
        icon,
        state,
        entities: row.entity_count,
        read: row.read_at.map_or_else(|| "not yet".to_owned(), |at| words::when(at, now)),
    }
}

async fn sources_page(
    app: &App,
    visitor: Visitor,
    target: String,
    fault: Option<String>,
) -> Result<SourcesPage, Problem> {
    let mut conn = app.db.acquire().await?;
    let rows = store::sources(&mut conn, false, MOST).await?;
    Ok(SourcesPage {
        page: visitor.page,
        sources: rows.into_iter().map(|r| source_line(app, r)).collect(),
        target,
        fault,
    })
}

pub(super) async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response, Problem> {
    can(&visitor.subject, "catalog.read", &Resource::NONE)?;
    html(&sources_page(&app, visitor, String::new(), None).await?)
}

pub(super) async fn register(State(app): State<App>, visitor: Visitor, form: Form) -> Result<Response, Problem> {
    let target = form.get("target").unwrap_or_default().to_owned();
    match actions::register(&app, &visitor.subject, &target).await {
        Ok(id) => {
            flash::good(&visitor.session, "Registered and read. Below is what came of it.").await;
            Ok(Redirect::to(&format!("/catalog/sources/{id}")).into_response())
        }
        Err(e) if matches!(e.kind(), Kind::Invalid(_) | Kind::Conflict) => {
            let fault = format!("{}. {}", e.title(), e.detail());
            html_invalid(&sources_page(&app, visitor, target, Some(fault)).await?)
        }
        Err(e) => Err(e.into()),
    }
}

#[derive(Template)]
#[template(path = "catalog/source.html")]
struct SourcePage {
    page: Page,
    source: SourceLine,
    changed: String,
    entities: Vec<(String, String)>,
    problems: Vec<ProblemLine>,
    removable: bool,
}

struct ProblemLine {
    tone: &'static str,
    entity: Option<(String, String)>,
    message: String,
    hint: Option<String>,
    place: String,
    since: String,
    source_id: Uuid,
}

fn problem_line(app: &App, row: ProblemRow) -> ProblemLine {
    let place = match (row.line, row.col) {
        (Some(line), Some(col)) => format!("{}, line {line}, column {col}", row.file),
        _ => row.file,
    };
    ProblemLine {
        tone: if row.severity == "error" { "bad" } else { "warn" },
        entity: row.entity_ref.map(|r| (href(&r), short(&r))),
        message: row.message,
        hint: row.hint,
        place,
        since: words::when(row.since, app.clock.now()),
        source_id: row.source_id,
    }
}

pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    can(&visitor.subject, "catalog.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let row = store::source(&mut conn, id).await?.ok_or(CatalogError::NoSource)?;
    let problems = store::problems_of_source(&mut conn, id).await?;
    let refs = store::refs_of_source(&mut conn, id).await?;
    let names = store::names(&mut conn, &refs, &visitor.subject.claims()).await?;
    drop(conn);
    let own = row.registered_by.as_deref() == Some(visitor.subject.who().as_str());
    let resource = Resource::of(own.then_some(visitor.subject.user_id), None);
    let removable = row.origin == "registered" && can(&visitor.subject, "catalog.unregister", &resource).is_ok();
    let now = app.clock.now();
    html(&SourcePage {
        page: visitor.page,
        changed: row.changed_at.map_or_else(|| "never".to_owned(), |at| words::when(at, now)),
        entities: names.into_iter().map(|n| (href(&n.entity_ref), n.name)).collect(),
        problems: problems.into_iter().map(|p| problem_line(&app, p)).collect(),
        removable,
        source: source_line(&app, row),
    })
}

pub(super) async fn refresh(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    match actions::refresh(&app, &visitor.subject, id).await {
        Ok(()) => flash::good(&visitor.session, "Read again.").await,
        Err(CatalogError::Port(e)) => flash::warn(&visitor.session, format!("It cannot be read: {e}.")).await,
        Err(e) => return Err(e.into()),
    }
    Ok(Redirect::to(&format!("/catalog/sources/{id}")).into_response())
}

pub(super) async fn remove(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    actions::unregister(&app, &visitor.subject, id).await?;
    flash::good(&visitor.session, "Removed, and its entities with it.").await;
    Ok(Redirect::to("/catalog/sources").into_response())
}

#[derive(Template)]
#[template(path = "catalog/problems.html")]
struct ProblemsPage {
    page: Page,
    mine: bool,
    problems: Vec<ProblemLine>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Whose {
    #[serde(default)]
    view: String,
}

pub(super) async fn problems(
    State(app): State<App>,
    visitor: Visitor,
    Query(whose): Query<Whose>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "catalog.read", &Resource::NONE)?;
    let mine = whose.view == "mine";
    let owners = index::owners(&visitor.subject);
    let mut conn = app.db.acquire().await?;
    let rows = store::problems(&mut conn, mine.then_some(owners.as_slice()), MOST).await?;
    drop(conn);
    html(&ProblemsPage {
        page: visitor.page,
        mine,
        problems: rows.into_iter().map(|p| problem_line(&app, p)).collect(),
    })
}
