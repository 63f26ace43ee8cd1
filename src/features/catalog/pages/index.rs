//! The list: filters in the address, counts per facet, pages of 25. What it shows is kept in memory
//! under the catalog's generation; only the frame around it is made anew for each person.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{href, kind_words, short};
use crate::engine::access::{Resource, Subject, can};
use crate::engine::app::App;
use crate::engine::web::paging::{self, PAGE};
use crate::engine::web::{Page, Problem, Query, Visitor, html, words};
use crate::features::catalog::cache;
use crate::features::catalog::error::CatalogError;
use crate::features::catalog::store::{self, Cursor, Facet, Filter, Item};

/// How many values of a facet are shown.
const VALUES: i64 = 12;
/// The longest free text.
const LONGEST_TEXT: usize = 200;

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    view: String,
    #[serde(default)]
    kind: String,
    #[serde(default, rename = "type")]
    kind_type: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    lifecycle: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    tag: Vec<String>,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "catalog/index.html")]
struct IndexPage {
    page: Page,
    list: Arc<List>,
    mine: i64,
    problems: i64,
    unowned: i64,
}

/// Everything of the page that does not depend on whose it is, beyond what they may see.
pub(super) struct List {
    asked: Asked,
    total: i64,
    all: i64,
    from: i64,
    to: i64,
    rows: Vec<Row>,
    facets: Vec<FacetGroup>,
    chips: Vec<Chip>,
    previous: Option<String>,
    next: Option<String>,
    read_at: Option<String>,
    sources: i64,
    waiting: i64,
    noun: String,
}

struct Row {
    href: String,
    name: String,
    description: Option<String>,
    kind: String,
    owner: Option<(String, String)>,
    lifecycle: Option<String>,
}

struct FacetGroup {
    id: &'static str,
    title: &'static str,
    values: Vec<FacetLink>,
}

struct FacetLink {
    href: String,
    name: String,
    count: String,
    current: bool,
}

struct Chip {
    label: String,
    off: String,
}

pub(super) async fn index(
    State(app): State<App>,
    visitor: Visitor,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "catalog.read", &Resource::NONE)?;
    asked.q = asked.q.trim().chars().take(LONGEST_TEXT).collect();
    asked.tag.truncate(10);
    let subject = &visitor.subject;
    let list = list(&app, subject, asked).await?;
    let own = owners(subject);
    let count = async |name: &str, filter: Filter| -> Result<i64, CatalogError> {
        let question = format!("count {name} {:?} {:?}", subject.claims(), own);
        let kept = cache::answer(&app, question, async || -> Result<i64, CatalogError> {
            let mut conn = app.db.acquire().await?;
            Ok(store::count(&mut conn, &subject.claims(), &filter).await?)
        });
        Ok(*kept.await?)
    };
    let mine = count("mine", Filter { owners: Some(own.clone()), ..Filter::default() }).await?;
    let problems = count("problems", Filter { problems: true, ..Filter::default() }).await?;
    let unowned = count("unowned", Filter { unowned: true, ..Filter::default() }).await?;
    html(&IndexPage { page: visitor.page, list, mine, problems, unowned })
}

/// References under which a subject owns things.
pub(super) fn owners(subject: &Subject) -> Vec<String> {
    let mut owners = vec![format!("user:default/{}", subject.login)];
    owners.extend(subject.teams.iter().map(|t| format!("group:default/{t}")));
    owners
}

impl Asked {
    fn filter(&self, subject: &Subject) -> Filter {
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        Filter {
            kind: some(&self.kind.to_lowercase()),
            r#type: some(&self.kind_type),
            owner: some(&self.owner),
            owners: (self.view == "mine").then(|| owners(subject)),
            unowned: self.view == "unowned",
            lifecycle: some(&self.lifecycle),
            tags: self.tag.clone(),
            system: some(&self.system),
            text: some(&self.q),
            problems: self.view == "problems",
        }
    }

    /// The address of the list with one part changed.
    fn href(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut asked = Self { after: String::new(), ..self.clone() };
        change(&mut asked);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let parts = [
            ("view", &asked.view),
            ("kind", &asked.kind),
            ("type", &asked.kind_type),
            ("owner", &asked.owner),
            ("lifecycle", &asked.lifecycle),
            ("system", &asked.system),
            ("q", &asked.q),
            ("after", &asked.after),
        ];
        for (name, value) in parts.into_iter().filter(|(_, v)| !v.is_empty()) {
            query.append_pair(name, value);
        }
        for tag in &asked.tag {
            query.append_pair("tag", tag);
        }
        let query = query.finish();
        if query.is_empty() { "/catalog".to_owned() } else { format!("/catalog?{query}") }
    }
}

async fn list(app: &App, subject: &Subject, asked: Asked) -> Result<Arc<List>, CatalogError> {
    let claims = subject.claims();
    let question =
        format!("list {:?} {claims:?} {}", asked, if asked.view == "mine" { subject.login.as_str() } else { "" });
    cache::answer(app, question, async || find(app, subject, asked).await).await
}

async fn find(app: &App, subject: &Subject, asked: Asked) -> Result<List, CatalogError> {
    let claims = subject.claims();
    let filter = asked.filter(subject);
    let cursor: Option<Cursor> = paging::decode(&asked.after);
    let mut conn = app.db.acquire().await?;
    let mut rows = store::list(&mut conn, &claims, &filter, cursor.as_ref(), PAGE + 1).await?;
    let total = store::count(&mut conn, &claims, &filter).await?;
    let all = store::count(&mut conn, &claims, &Filter::default()).await?;
    let summary = store::source_summary(&mut conn).await?;
    let facets = facets(&mut conn, &claims, &filter, &asked).await?;
    drop(conn);
    let (from, previous, next) = neighbours(&asked, &mut rows, cursor.as_ref(), total);
    let shown = i64::try_from(rows.len()).unwrap_or(0);
    let now = app.clock.now();
    Ok(List {
        total,
        all,
        from: from + 1,
        to: from + shown,
        rows: rows.into_iter().map(row).collect(),
        facets,
        chips: chips(&asked),
        previous,
        next,
        read_at: summary.read_at.map(|at| words::when(at, now)),
        sources: summary.all,
        waiting: summary.waiting,
        noun: if asked.kind_type.is_empty() { "entities".to_owned() } else { plural(&asked.kind_type) },
        asked,
    })
}

fn plural(word: &str) -> String {
    let lower = word.to_lowercase().replace('-', " ");
    match lower.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ => format!("{lower}s"),
    }
}

/// Where this page starts, and the addresses of the pages beside it.
fn neighbours(
    asked: &Asked,
    rows: &mut Vec<Item>,
    cursor: Option<&Cursor>,
    total: i64,
) -> (i64, Option<String>, Option<String>) {
    let limit = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let back = cursor.is_some_and(|c| c.back);
    let more = rows.len() > limit;
    if more {
        if back {
            rows.remove(0)
        } else {
            rows.remove(limit)
        };
    }
    let shown = i64::try_from(rows.len()).unwrap_or(0);
    let from = match cursor {
        None => 0,
        Some(c) if c.back => (c.offset - shown).max(0),
        Some(c) => c.offset,
    };
    let at = |row: Option<&Item>, offset: i64, back: bool| {
        row.map(|r| {
            asked.href(|a| a.after = paging::encode(&Cursor { name: r.sort_name.clone(), id: r.id, offset, back }))
        })
    };
    let previous = if from > 0 { at(rows.first(), from, true) } else { None };
    let next = if from + shown < total && (more || back) { at(rows.last(), from + shown, false) } else { None };
    (from, previous, next)
}

fn row(item: Item) -> Row {
    let kind_type = item.r#type.as_deref();
    let kind = match (item.kind.as_str(), kind_type) {
        ("component" | "resource", Some(t)) => words::team(t),
        (kind, _) => kind_words(kind),
    };
    Row {
        href: href(&item.entity_ref),
        kind,
        name: item.name,
        description: item.description,
        owner: item.owner_ref.map(|r| (href(&r), item.owner_name.unwrap_or_else(|| short(&r)))),
        lifecycle: item.lifecycle.map(|l| words::team(&l)),
    }
}

async fn facets(
    conn: &mut sqlx::PgConnection,
    claims: &[String],
    filter: &Filter,
    asked: &Asked,
) -> sqlx::Result<Vec<FacetGroup>> {
    let mut groups = Vec::new();
    let all = [
        (Facet::Kind, "f-kind", "Kind"),
        (Facet::Type, "f-type", "Type"),
        (Facet::Owner, "f-owner", "Owner"),
        (Facet::Lifecycle, "f-lifecycle", "Lifecycle"),
        (Facet::Tag, "f-tag", "Tag"),
    ];
    for (facet, id, title) in all {
        let counts = store::facet(conn, claims, filter, facet, VALUES).await?;
        let names = if facet == Facet::Owner {
            let refs: Vec<String> = counts.iter().map(|c| c.value.clone()).collect();
            store::names(conn, &refs, claims).await?
        } else {
            Vec::new()
        };
        let values = counts.into_iter().map(|c| {
            let name = match facet {
                Facet::Kind => kind_words(&c.value),
                Facet::Owner => {
                    names.iter().find(|n| n.entity_ref == c.value).map_or_else(|| short(&c.value), |n| n.name.clone())
                }
                Facet::Tag => c.value.clone(),
                Facet::Type | Facet::Lifecycle => words::team(&c.value),
            };
            let current = is_chosen(asked, facet, &c.value);
            FacetLink {
                href: asked.href(|a| toggle(a, facet, &c.value, current)),
                name,
                count: words::thousands(usize::try_from(c.count).unwrap_or(0)),
                current,
            }
        });
        let values: Vec<FacetLink> = values.collect();
        if !values.is_empty() {
            groups.push(FacetGroup { id, title, values });
        }
    }
    Ok(groups)
}

fn is_chosen(asked: &Asked, facet: Facet, value: &str) -> bool {
    match facet {
        Facet::Kind => asked.kind.eq_ignore_ascii_case(value),
        Facet::Type => asked.kind_type == value,
        Facet::Owner => asked.owner == value,
        Facet::Lifecycle => asked.lifecycle == value,
        Facet::Tag => asked.tag.iter().any(|t| t == value),
    }
}

fn toggle(asked: &mut Asked, facet: Facet, value: &str, current: bool) {
    let new = if current { String::new() } else { value.to_owned() };
    match facet {
        Facet::Kind => asked.kind = new,
        Facet::Type => asked.kind_type = new,
        Facet::Owner => asked.owner = new,
        Facet::Lifecycle => asked.lifecycle = new,
        Facet::Tag if current => asked.tag.retain(|t| t != value),
        Facet::Tag => asked.tag.push(value.to_owned()),
    }
}

fn chips(asked: &Asked) -> Vec<Chip> {
    let mut chips = Vec::new();
    let mut chip = |name: &str, value: String, off: String| {
        if !value.is_empty() {
            chips.push(Chip { label: format!("{name}: {value}"), off });
        }
    };
    chip(
        "Kind",
        if asked.kind.is_empty() { String::new() } else { kind_words(&asked.kind) },
        asked.href(|a| a.kind.clear()),
    );
    chip(
        "Type",
        if asked.kind_type.is_empty() { String::new() } else { words::team(&asked.kind_type) },
        asked.href(|a| a.kind_type.clear()),
    );
    chip("Owner", short(&asked.owner), asked.href(|a| a.owner.clear()));
    chip("Lifecycle", asked.lifecycle.clone(), asked.href(|a| a.lifecycle.clear()));
    chip("System", short(&asked.system), asked.href(|a| a.system.clear()));
    for tag in &asked.tag {
        chip("Tag", tag.clone(), asked.href(|a| a.tag.retain(|t| t != tag)));
    }
    chip("Text", asked.q.clone(), asked.href(|a| a.q.clear()));
    chips
}
