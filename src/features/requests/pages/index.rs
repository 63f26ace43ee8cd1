//! The inbox and the list of runs.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::{Badge, person};
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::requests::store::{self, RequestItem, View};
use crate::engine::runs;
use crate::engine::web::paging::{self, PAGE};
use crate::engine::web::{Page, Problem, Query, Visitor, html, words};

#[derive(Debug, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    view: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    state: String,
}

#[derive(Template)]
#[template(path = "requests/index.html")]
struct IndexPage {
    page: Page,
    view: &'static str,
    items: Vec<Line>,
    next: Option<String>,
}

struct Line {
    id: Uuid,
    title: String,
    badge: Badge,
    by: String,
    team: Option<String>,
    reason: Option<String>,
    outcome: Option<String>,
    at: String,
    answer_by: Option<String>,
    run: Option<Uuid>,
}

pub(super) async fn index(
    State(app): State<App>,
    visitor: Visitor,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "requests.read", &Resource::NONE)?;
    let (view, name) = match which.view.as_str() {
        "mine" => (View::Mine, "mine"),
        "all" => (View::All, "all"),
        _ => (View::ToDecide, "decide"),
    };
    let subject = &visitor.subject;
    let mut conn = app.db.acquire().await?;
    let after = paging::decode(&which.after);
    let mut rows =
        store::list(&mut conn, &subject.claims(), subject.user_id, &subject.teams, view, after, PAGE + 1).await?;
    let next = more(&mut rows).map(|last| paging::encode(&last.id));
    let now = app.clock.now();
    let line = |row: RequestItem| -> Result<Line, Problem> {
        Ok(Line {
            badge: Badge::of_request(row.state.parse::<crate::engine::requests::RequestState>()?),
            by: person(&row.subject).to_owned(),
            team: row.team.as_deref().map(words::team),
            at: words::when(row.created_at, now),
            answer_by: row.answer_by.filter(|_| row.state == "awaiting_approval").map(|at| words::when(at, now)),
            id: row.id,
            title: row.title,
            reason: row.reason,
            outcome: row.outcome,
            run: row.run_id,
        })
    };
    let items = rows.into_iter().map(line).collect::<Result<_, _>>()?;
    html(&IndexPage { page: visitor.page, view: name, items, next })
}

/// Cuts a list that was asked for with one row too many; gives the last row that stays, if there is more.
fn more<T>(rows: &mut Vec<T>) -> Option<&T> {
    let limit = usize::try_from(PAGE).unwrap_or(usize::MAX);
    if rows.len() > limit {
        rows.truncate(limit);
        rows.last()
    } else {
        None
    }
}

#[derive(Template)]
#[template(path = "requests/runs.html")]
struct RunsPage {
    page: Page,
    view: &'static str,
    state: String,
    items: Vec<RunLine>,
    next: Option<String>,
}

struct RunLine {
    id: Uuid,
    title: String,
    badge: Badge,
    outcome: Option<String>,
    by: String,
    at: String,
    took: Option<String>,
    leftovers: i64,
}

pub(super) async fn runs(
    State(app): State<App>,
    visitor: Visitor,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "requests.read", &Resource::NONE)?;
    let subject = &visitor.subject;
    let who = subject.who();
    let (by, view) = if which.view == "mine" { (Some(who.as_str()), "mine") } else { (None, "all") };
    let state = Some(which.state.as_str()).filter(|s| !s.is_empty());
    let mut conn = app.db.acquire().await?;
    let mut rows =
        runs::store::list(&mut conn, &subject.claims(), by, state, paging::decode(&which.after), PAGE + 1).await?;
    let next = more(&mut rows).map(|last| paging::encode(&last.id));
    let now = app.clock.now();
    let items = rows
        .into_iter()
        .map(|row| RunLine {
            badge: Badge::of_run(&row.state),
            by: person(&row.started_by).to_owned(),
            at: words::when(row.created_at, now),
            took: row.ended_at.map(|end| words::duration(end - row.created_at)),
            id: row.id,
            title: row.title,
            outcome: row.outcome,
            leftovers: row.leftovers,
        })
        .collect();
    html(&RunsPage { page: visitor.page, view, state: which.state, items, next })
}
