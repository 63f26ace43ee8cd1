//! The cards of golden paths.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::web::{Page, Problem, Query, Visitor, html, words};
use crate::features::catalog::store as catalog;
use crate::features::scaffolder::model::template::Template;
use crate::features::scaffolder::store;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    makes: String,
}

#[derive(askama::Template)]
#[template(path = "scaffolder/index.html")]
struct IndexPage {
    page: Page,
    asked: Asked,
    kinds: Vec<String>,
    cards: Vec<Card>,
    any: bool,
    drafts: Vec<Draft>,
}

struct Card {
    title: String,
    href: String,
    description: String,
    facts: Vec<&'static str>,
    owner: Option<String>,
    usual: Option<String>,
    record: Option<String>,
    problems: Vec<String>,
}

struct Draft {
    id: uuid::Uuid,
    title: String,
    at: String,
}

pub(super) async fn index(
    State(app): State<App>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "scaffolder.read", &Resource::NONE)?;
    let claims = visitor.subject.claims();
    let mut conn = app.db.acquire().await?;
    let rows = catalog::of_kind(&mut conn, "template", &claims).await?;
    let templates: Vec<Template> = rows.iter().map(|r| Template::read(&r.body, &r.etag)).collect();
    let owners: Vec<String> = templates.iter().filter_map(|t| t.owner.clone()).collect();
    let names: HashMap<String, String> =
        catalog::names(&mut conn, &owners, &claims).await?.into_iter().map(|n| (n.entity_ref, n.name)).collect();
    let counts: HashMap<String, (i64, i64, Option<f64>)> =
        store::counts(&mut conn).await?.into_iter().map(|(t, all, good, median)| (t, (all, good, median))).collect();
    let drafts = store::drafts(&mut conn, visitor.subject.user_id).await?;
    drop(conn);
    let now = app.clock.now();
    let mut kinds: Vec<String> = templates.iter().map(|t| t.makes.clone()).filter(|m| !m.is_empty()).collect();
    kinds.sort();
    kinds.dedup();
    let needle = asked.q.to_lowercase();
    let fits = |t: &&Template| {
        let text = format!("{} {} {}", t.title, t.description, t.tags.join(" ")).to_lowercase();
        text.contains(&needle) && (asked.makes.is_empty() || asked.makes == t.makes)
    };
    let drafts = drafts
        .into_iter()
        .map(|d| Draft {
            title: templates
                .iter()
                .find(|t| t.reference.canonical() == d.template_ref)
                .map_or(d.template_ref, |t| t.title.clone()),
            at: words::when(d.updated_at, now),
            id: d.id,
        })
        .collect();
    let cards = templates.iter().filter(fits).map(|t| card(t, &names, &counts)).collect();
    html(&IndexPage { page: visitor.page, any: !templates.is_empty(), asked, kinds, cards, drafts })
}

fn card(t: &Template, names: &HashMap<String, String>, counts: &HashMap<String, (i64, i64, Option<f64>)>) -> Card {
    let record = counts.get(&t.reference.canonical());
    Card {
        title: t.title.clone(),
        href: format!("/scaffolder/templates/{}/{}", t.reference.namespace, t.reference.name),
        description: t.description.clone(),
        facts: t.facts(),
        owner: t.owner.as_ref().map(|o| names.get(o).cloned().unwrap_or_else(|| words::team(o))),
        #[expect(clippy::cast_possible_truncation, reason = "a duration in milliseconds fits")]
        usual: record.and_then(|r| r.2).map(|s| words::duration(chrono::TimeDelta::milliseconds((s * 1000.0) as i64))),
        record: record.map(|(all, good, _)| format!("{all} made, {}% finished", good * 100 / (*all).max(1))),
        problems: t.problems.clone(),
    }
}
