//! `/`: the first page.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use uuid::Uuid;

use crate::engine::app::App;
use crate::engine::requests::store::{self as requests, View};
use crate::engine::runs::store as runs;
use crate::engine::web::{Page, Problem, Visitor, html, words};
use crate::features::catalog::pages::{href, kind_words};
use crate::features::catalog::store::{self as catalog, Filter};
use crate::features::requests::pages::{Badge, person};

/// How many of each the page shows.
const FEW: i64 = 8;

/// The route of `/`.
pub fn routes() -> Router<App> {
    Router::new().route("/", get(index))
}

#[derive(Template)]
#[template(path = "home/index.html")]
struct IndexPage {
    page: Page,
    team: Option<(String, String)>,
    stats: Stats,
    waiting: Vec<Waiting>,
    mine: Vec<Mine>,
    runs: Vec<Run>,
    templates: Vec<(String, String, String)>,
}

struct Stats {
    services: i64,
    entities: i64,
    problems: i64,
    runs: usize,
}

struct Waiting {
    id: Uuid,
    title: String,
    note: String,
    answer_by: String,
}

struct Mine {
    name: String,
    href: String,
    description: String,
    kind: String,
    lifecycle: String,
}

struct Run {
    id: Uuid,
    title: String,
    badge: Badge,
    note: String,
    at: String,
}

async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response, Problem> {
    let subject = &visitor.subject;
    let claims = subject.claims();
    let now = app.clock.now();
    let mut owners = vec![format!("user:default/{}", subject.login)];
    owners.extend(subject.teams.iter().map(|t| format!("group:default/{t}")));
    let own = Filter { kind: Some("component".to_owned()), owners: Some(owners.clone()), ..Filter::default() };
    let mut conn = app.db.acquire().await?;
    let mine = catalog::list(&mut conn, &claims, &own, None, 25).await?;
    let stats = Stats {
        services: catalog::count(&mut conn, &claims, &own).await?,
        entities: catalog::count(&mut conn, &claims, &Filter { owners: Some(owners.clone()), ..Filter::default() })
            .await?,
        problems: catalog::count(
            &mut conn,
            &claims,
            &Filter { owners: Some(owners), problems: true, ..Filter::default() },
        )
        .await?,
        runs: 0,
    };
    let waiting =
        requests::list(&mut conn, &claims, subject.user_id, &subject.teams, View::ToDecide, None, FEW).await?;
    let last = runs::list(&mut conn, &claims, Some(&subject.who()), None, None, FEW).await?;
    let templates = catalog::of_kind(&mut conn, "template", &claims).await?;
    drop(conn);
    let stats = Stats { runs: last.iter().filter(|r| r.ended_at.is_none()).count(), ..stats };
    html(&IndexPage {
        page: visitor.page,
        team: subject.teams.first().map(|t| (words::team(t), href(&format!("group:default/{t}")))),
        stats,
        waiting: waiting
            .into_iter()
            .map(|r| Waiting {
                note: format!("{} asks{}", person(&r.subject), r.reason.map(|w| format!(": {w}")).unwrap_or_default()),
                answer_by: r.answer_by.map(|at| words::when(at, now)).unwrap_or_default(),
                id: r.id,
                title: r.title,
            })
            .collect(),
        mine: mine
            .into_iter()
            .map(|m| Mine {
                href: href(&m.entity_ref),
                kind: m.r#type.as_deref().map_or_else(|| kind_words(&m.kind), words::team),
                lifecycle: m.lifecycle.as_deref().map(words::team).unwrap_or_default(),
                description: m.description.unwrap_or_default(),
                name: m.name,
            })
            .collect(),
        runs: last
            .into_iter()
            .map(|r| Run {
                badge: Badge::of_run(&r.state),
                note: r.outcome.unwrap_or_default(),
                at: words::when(r.created_at, now),
                id: r.id,
                title: r.title,
            })
            .collect(),
        templates: templates
            .into_iter()
            .take(4)
            .map(|t| {
                let path = t.entity_ref.trim_start_matches("template:").to_owned();
                (t.name, format!("/scaffolder/templates/{path}"), t.description.unwrap_or_default())
            })
            .collect(),
    })
}
