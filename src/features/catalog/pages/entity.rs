//! An entity's page: who owns it, what it relates to, its definition, its source, its problems, and a
//! panel per feature that knows something about it.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::graph::{self, Graph, Related};
use super::{href, icon, kind_words, short};
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::web::panel::{self, PanelEntity, Panels, Rendered};
use crate::engine::web::{Page, Path, Problem, Query, Visitor, html, words};
use crate::features::catalog::cache;
use crate::features::catalog::error::CatalogError;
use crate::features::catalog::model::view;
use crate::features::catalog::store::{self, EntityRow, RelatedRow};
use crate::kernel::entity_ref::EntityRef;

#[derive(Debug, Deserialize)]
pub(super) struct Tab {
    #[serde(default)]
    tab: String,
}

#[derive(Template)]
#[template(path = "catalog/entity.html")]
struct EntityPage {
    page: Page,
    tab: &'static str,
    entity: Arc<Shown>,
    panels: Vec<Rendered>,
}

/// What does not depend on whose page it is, beyond what they may see.
pub(super) struct Shown {
    entity_ref: String,
    href: String,
    kind: String,
    kind_words: String,
    icon: &'static str,
    name: String,
    description: Option<String>,
    owner: Option<Other>,
    system: Option<Other>,
    facts: Vec<String>,
    tags: Vec<String>,
    links: Vec<view::Link>,
    graph: Graph,
    groups: Vec<Group>,
    definition: Option<String>,
    source: String,
    source_id: uuid::Uuid,
    source_url: Option<String>,
    line: i32,
    json: String,
    problems: Vec<ProblemLine>,
    updated: String,
    panel: PanelEntity,
}

struct Other {
    name: String,
    href: Option<String>,
}

struct Group {
    title: String,
    others: Vec<Other>,
}

struct ProblemLine {
    severity: String,
    message: String,
    hint: Option<String>,
    place: String,
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(panels): Extension<Panels>,
    visitor: Visitor,
    Path((kind, namespace, name)): Path<(String, String, String)>,
    Query(tab): Query<Tab>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "catalog.read", &Resource::NONE)?;
    let reference = EntityRef::new(kind, namespace, name).canonical();
    let claims = visitor.subject.claims();
    let question = format!("entity {reference} {claims:?}");
    let entity = cache::answer(&app, question, async || find(&app, &reference, &claims).await).await?;
    let tab = match tab.tab.as_str() {
        "definition" if entity.definition.is_some() => "definition",
        "source" => "source",
        "problems" => "problems",
        _ => "overview",
    };
    let panels = if tab == "overview" {
        panel::render_all(&panels, &app, &visitor.subject, &entity.panel).await
    } else {
        Vec::new()
    };
    html(&EntityPage { page: visitor.page, tab, entity, panels })
}

async fn find(app: &App, reference: &str, claims: &[String]) -> Result<Shown, CatalogError> {
    let mut conn = app.db.acquire().await?;
    let row = store::entity(&mut conn, reference, Some(claims))
        .await?
        .ok_or_else(|| CatalogError::NoEntity(reference.to_owned()))?;
    let relations = store::relations(&mut conn, reference, claims).await?;
    let mut problems: Vec<ProblemLine> = store::problems_of_entity(&mut conn, reference)
        .await?
        .into_iter()
        .map(|p| ProblemLine {
            place: place(&p.file, p.line, p.col),
            severity: p.severity,
            message: p.message,
            hint: p.hint,
        })
        .collect();
    let source = store::source(&mut conn, row.source_id).await?;
    drop(conn);
    let location = source.as_ref().map(|s| s.target.location(app));
    let file = location.as_ref().map(|l| l.target.clone()).unwrap_or_default();
    problems.extend(relations.iter().filter(|r| !r.exists && r.line.is_some()).map(|r| dangling(r, &file)));
    let metadata = &row.body["metadata"];
    let tags = metadata["tags"].as_array().map(|t| t.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let named = |target: &Option<String>| {
        let target = target.as_ref()?;
        let related = relations.iter().find(|r| r.to_ref == *target);
        Some(Other {
            name: related.and_then(|r| r.name.clone()).unwrap_or_else(|| short(target)),
            href: related.is_some_and(|r| r.name.is_some()).then(|| href(target)),
        })
    };
    let owner_team = row
        .owner_ref
        .as_deref()
        .and_then(|r| r.strip_prefix("group:"))
        .and_then(|r| r.rsplit('/').next())
        .map(str::to_owned);
    Ok(Shown {
        href: href(reference),
        kind_words: kind_words(&row.kind),
        icon: icon(&row.kind, row.r#type.as_deref()),
        name: row.name.clone(),
        description: row.description.clone(),
        owner: named(&row.owner_ref),
        system: named(&row.system_ref),
        facts: facts(&row),
        tags: tags.unwrap_or_default(),
        links: view::links(&row.body),
        graph: drawing(&row, &relations),
        groups: groups(&relations),
        definition: row.body["spec"]["definition"].as_str().map(str::to_owned),
        source_url: location.filter(|l| l.kind == "url").map(|l| l.target).filter(|t| view::is_followable(t)),
        source: file,
        source_id: row.source_id,
        line: row.line,
        json: serde_json::to_string_pretty(&row.body).unwrap_or_default(),
        problems,
        updated: words::when(row.updated_at, app.clock.now()),
        panel: PanelEntity {
            entity_ref: reference.to_owned(),
            kind: row.kind.clone(),
            body: row.body.clone(),
            owner_team,
        },
        entity_ref: reference.to_owned(),
        kind: row.kind,
    })
}

fn place(file: &str, line: Option<i32>, col: Option<i32>) -> String {
    match (line, col) {
        (Some(line), Some(col)) => format!("{file}, line {line}, column {col}"),
        _ => file.to_owned(),
    }
}

fn dangling(related: &RelatedRow, file: &str) -> ProblemLine {
    ProblemLine {
        severity: "warning".to_owned(),
        message: format!(
            "It names {} ({}), which is not in the catalog.",
            related.to_ref,
            relation_words(&related.kind).to_lowercase()
        ),
        hint: Some("Correct the name, or register what it means.".to_owned()),
        place: place(file, related.line, related.col),
    }
}

fn facts(row: &EntityRow) -> Vec<String> {
    let tier = row.body["metadata"]["labels"]["tier"].as_str().map(|t| format!("Tier {t}"));
    let kind = match (row.kind.as_str(), row.r#type.as_deref()) {
        ("component" | "resource", Some(t)) => words::team(t),
        (kind, Some(t)) => format!("{}, {}", kind_words(kind), words::team(t).to_lowercase()),
        (kind, None) => kind_words(kind),
    };
    [Some(kind), row.lifecycle.as_deref().map(words::team), tier].into_iter().flatten().collect()
}

/// A relation in words.
fn relation_words(kind: &str) -> String {
    match kind {
        "ownedBy" => "Owned by",
        "ownerOf" => "Owns",
        "partOf" => "Part of",
        "hasPart" => "Has",
        "providesApi" => "Provides",
        "apiProvidedBy" => "Provided by",
        "consumesApi" => "Calls",
        "apiConsumedBy" => "Called by",
        "dependsOn" => "Depends on",
        "dependencyOf" => "Used by",
        "memberOf" => "Member of",
        "hasMember" => "Members",
        "childOf" => "Belongs to",
        "parentOf" => "Teams",
        other => other,
    }
    .to_owned()
}

fn groups(relations: &[RelatedRow]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for related in relations {
        let title = relation_words(&related.kind);
        let name = related.name.clone().unwrap_or_else(|| {
            if related.exists { "something you may not see".to_owned() } else { short(&related.to_ref) }
        });
        let other = Other { name, href: related.name.is_some().then(|| href(&related.to_ref)) };
        match groups.last_mut() {
            Some(group) if group.title == title => group.others.push(other),
            _ => groups.push(Group { title, others: vec![other] }),
        }
    }
    groups
}

fn drawing(row: &EntityRow, relations: &[RelatedRow]) -> Graph {
    let of = |kinds: &[(&str, &'static str)]| {
        let mut found: Vec<Related> = Vec::new();
        for (kind, note) in kinds {
            for related in relations.iter().filter(|r| r.kind == *kind) {
                let Some(name) = related.name.clone().or_else(|| (!related.exists).then(|| short(&related.to_ref)))
                else {
                    continue;
                };
                found.push(Related {
                    name,
                    kind: related.to_ref.split(':').next().unwrap_or_default().to_owned(),
                    kind_type: related.r#type.clone(),
                    note: if related.exists { note } else { "missing" },
                    href: related.name.is_some().then(|| href(&related.to_ref)),
                });
            }
        }
        found
    };
    let (users, uses, beside) = match row.kind.as_str() {
        "group" => (of(&[("hasMember", "")]), of(&[("ownerOf", ""), ("parentOf", "")]), of(&[("childOf", "")])),
        "user" => (Vec::new(), of(&[("memberOf", "")]), Vec::new()),
        "system" | "domain" => (of(&[("ownedBy", "")]), of(&[("hasPart", "")]), of(&[("partOf", "")])),
        _ => (
            of(&[("apiConsumedBy", "calls"), ("dependencyOf", "")]),
            of(&[("consumesApi", "called"), ("dependsOn", ""), ("apiProvidedBy", "provides")]),
            of(&[("providesApi", "provides"), ("partOf", "")]),
        ),
    };
    let own =
        Related { name: row.name.clone(), kind: row.kind.clone(), kind_type: row.r#type.clone(), note: "", href: None };
    graph::draw(&own, &users, &uses, &beside)
}
