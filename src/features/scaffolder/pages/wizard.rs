//! The wizard: the template's own pages, one at a time, with or without script. The answers lie in a
//! draft of the person's from the first page on.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::engine::access::Subject;
use crate::engine::app::App;
use crate::engine::web::page::html_invalid;
use crate::engine::web::{Form, Page, Path, Problem, Query, Visitor, assets, flash, html};
use crate::features::catalog::store as catalog;
use crate::features::scaffolder::actions;
use crate::features::scaffolder::error::ScaffolderError;
use crate::features::scaffolder::model::form::{
    self, Action, Choice, Fetched, Fields, Found, Held, Lookup, Secrets, Typed,
};
use crate::features::scaffolder::model::template::Template;
use crate::features::scaffolder::store;
use crate::kernel::fault::FieldFault;
use crate::kernel::secret::Secret;

#[derive(askama::Template)]
#[template(path = "scaffolder/wizard.html")]
struct WizardPage<'a> {
    page: Page,
    title: String,
    owner: Option<String>,
    steps: Vec<WizardStep>,
    heading: String,
    description: Vec<form::Span>,
    action: String,
    fields: Fields<'a>,
    errors: Vec<form::ErrorLine>,
    error_title: String,
    revealed: bool,
    back: bool,
    next: String,
    draft: Option<Uuid>,
}

/// A page in the row of pages.
pub(super) struct WizardStep {
    pub title: String,
    pub href: Option<String>,
    pub current: bool,
}

/// What a page of the wizard is made from.
pub(super) struct Sheet {
    pub template: Template,
    pub draft: Option<Uuid>,
    pub answers: Value,
    pub secrets: Secrets,
}

#[derive(Debug, Deserialize)]
pub(super) struct Number {
    #[serde(default)]
    page: usize,
}

pub(super) async fn first(
    State(app): State<App>,
    visitor: Visitor,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let template = actions::template(&app, &visitor.subject, &namespace, &name).await?;
    usable(&template)?;
    let sheet = Sheet { template, draft: None, answers: Value::Object(Map::new()), secrets: Secrets::new() };
    show(&app, visitor, &sheet, 0, &Typed::default(), &[], false).await
}

fn usable(template: &Template) -> Result<(), ScaffolderError> {
    if template.problems.is_empty() { Ok(()) } else { Err(ScaffolderError::Unusable(template.problems.clone())) }
}

pub(super) async fn begin(
    State(app): State<App>,
    visitor: Visitor,
    Path((namespace, name)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Problem> {
    let template = actions::template(&app, &visitor.subject, &namespace, &name).await?;
    usable(&template)?;
    let sheet = Sheet { template, draft: None, answers: Value::Object(Map::new()), secrets: Secrets::new() };
    submit(&app, visitor, sheet, 0, form).await
}

pub(super) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(number): Query<Number>,
) -> Result<Response, Problem> {
    let sheet = load(&app, &visitor.subject, id).await?;
    show(&app, visitor, &sheet, number.page, &Typed::default(), &[], false).await
}

pub(super) async fn answer(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(number): Query<Number>,
    form: Form,
) -> Result<Response, Problem> {
    let sheet = load(&app, &visitor.subject, id).await?;
    submit(&app, visitor, sheet, number.page, form).await
}

pub(super) async fn discard(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let mut conn = app.db.acquire().await?;
    store::delete_draft(&mut conn, id, visitor.subject.user_id).await?;
    flash::good(&visitor.session, "The draft is gone, secrets included.").await;
    Ok(Redirect::to("/scaffolder").into_response())
}

/// A draft of the subject's with its template.
pub(super) async fn load(app: &App, subject: &Subject, id: Uuid) -> Result<Sheet, ScaffolderError> {
    let mut conn = app.db.acquire().await?;
    let draft = store::draft(&mut conn, id, subject.user_id).await?.ok_or(ScaffolderError::NoDraft)?;
    drop(conn);
    let template = actions::template_by_ref(app, subject, &draft.template_ref).await?;
    let secrets = match &draft.secrets {
        Some(sealed) => {
            let plain = app.sealer.open(&place(id), sealed)?;
            let map: BTreeMap<String, String> = serde_json::from_slice(&plain).unwrap_or_default();
            map.into_iter().map(|(k, v)| (k, Secret::new(v))).collect()
        }
        None => Secrets::new(),
    };
    Ok(Sheet { template, draft: Some(id), answers: draft.answers, secrets })
}

fn place(draft: Uuid) -> String {
    format!("scaffolder_draft/{draft}")
}

async fn save(app: &App, subject: &Subject, sheet: &mut Sheet) -> Result<Uuid, ScaffolderError> {
    let id = *sheet.draft.get_or_insert_with(Uuid::now_v7);
    let sealed = if sheet.secrets.is_empty() {
        None
    } else {
        Some(app.sealer.seal(&place(id), Value::Object(actions::secrets_json(&sheet.secrets)).to_string().as_bytes())?)
    };
    let mut conn = app.db.acquire().await?;
    store::put_draft(
        &mut conn,
        id,
        subject.user_id,
        &sheet.template.reference.canonical(),
        &sheet.answers,
        sealed.as_deref(),
    )
    .await?;
    Ok(id)
}

async fn submit(app: &App, visitor: Visitor, mut sheet: Sheet, at: usize, pairs: Form) -> Result<Response, Problem> {
    let context = actions::form_context(app, &visitor.subject);
    let shown = sheet.template.shown_pages(&sheet.answers, &actions::when);
    let Some(page) = shown.get(at).and_then(|i| sheet.template.pages.get(*i)).cloned() else {
        return after_last(app, visitor, sheet).await;
    };
    let held = Held { answers: &sheet.answers, secrets: &sheet.secrets };
    let parsed = form::parse(&page, &pairs.0, held, &context).map_err(|e| ScaffolderError::TooManyFields(e.pairs))?;
    sheet.answers = parsed.answers;
    sheet.secrets = parsed.secrets;
    let id = save(app, &visitor.subject, &mut sheet).await?;
    let to = |page: usize| Redirect::to(&format!("/scaffolder/drafts/{id}?page={page}")).into_response();
    match parsed.action {
        Action::Back => return Ok(to(at.saturating_sub(1))),
        Action::Next if parsed.revealed.is_empty() => {}
        Action::Next => return show(app, visitor, &sheet, at, &parsed.typed, &[], true).await,
        _ => return show(app, visitor, &sheet, at, &parsed.typed, &[], false).await,
    }
    let drawn = form::Form {
        page: &page,
        answers: &sheet.answers,
        secrets: &sheet.secrets,
        typed: &parsed.typed,
        faults: &parsed.faults,
        context: &context,
    };
    let mut faults = drawn.check();
    let fetched = fetch(app, &visitor.subject, drawn.lookups()).await?;
    faults.extend(drawn.check_choices(&fetched));
    if !faults.is_empty() {
        return show(app, visitor, &sheet, at, &parsed.typed, &faults, false).await;
    }
    // An answer may have brought up or hidden later pages.
    let shown = sheet.template.shown_pages(&sheet.answers, &actions::when);
    if at + 1 < shown.len() {
        Ok(to(at + 1))
    } else {
        Ok(Redirect::to(&format!("/scaffolder/drafts/{id}/review")).into_response())
    }
}

/// A template without pages, or a number past the last one.
async fn after_last(app: &App, visitor: Visitor, mut sheet: Sheet) -> Result<Response, Problem> {
    let id = save(app, &visitor.subject, &mut sheet).await?;
    Ok(Redirect::to(&format!("/scaffolder/drafts/{id}/review")).into_response())
}

async fn show(
    app: &App,
    visitor: Visitor,
    sheet: &Sheet,
    at: usize,
    typed: &Typed,
    faults: &[FieldFault],
    revealed: bool,
) -> Result<Response, Problem> {
    let context = actions::form_context(app, &visitor.subject);
    let shown = sheet.template.shown_pages(&sheet.answers, &actions::when);
    let empty = form::Page {
        title: "Nothing to fill in".to_owned(),
        description: None,
        schema: Value::Object(Map::new()),
        when: None,
    };
    let page = shown.get(at).and_then(|i| sheet.template.pages.get(*i)).unwrap_or(&empty);
    let answers = page.start(&sheet.answers, &context.flags);
    let drawn = form::Form { page, answers: &answers, secrets: &sheet.secrets, typed, faults, context: &context };
    let fetched = fetch(app, &visitor.subject, drawn.lookups()).await?;
    let fields = drawn.fields(&fetched);
    let action = match sheet.draft {
        Some(id) => format!("/scaffolder/drafts/{id}?page={at}"),
        None => {
            format!("/scaffolder/templates/{}/{}", sheet.template.reference.namespace, sheet.template.reference.name)
        }
    };
    let template = WizardPage {
        page: visitor.page,
        title: sheet.template.title.clone(),
        owner: sheet.template.owner.as_deref().map(crate::engine::web::words::team),
        steps: wizard_steps(&sheet.template, &shown, at, sheet.draft),
        heading: page.title.clone(),
        description: page.description.as_deref().map(form::spans).unwrap_or_default(),
        action,
        errors: form::error_lines(&fields, faults),
        error_title: form::summary_title(faults.len()),
        fields: Fields::new(&fields, assets::url("icons.svg")),
        revealed,
        back: at > 0 && sheet.draft.is_some(),
        next: shown.get(at + 1).map_or_else(|| "Plan".to_owned(), |i| sheet.template.pages[*i].title.clone()),
        draft: sheet.draft,
    };
    if faults.is_empty() { html(&template) } else { html_invalid(&template) }
}

/// The row of pages: those before can be gone back to.
pub(super) fn wizard_steps(template: &Template, shown: &[usize], at: usize, draft: Option<Uuid>) -> Vec<WizardStep> {
    let mut steps: Vec<WizardStep> = shown
        .iter()
        .enumerate()
        .map(|(i, page)| WizardStep {
            title: template.pages[*page].title.clone(),
            href: draft.filter(|_| i < at).map(|id| format!("/scaffolder/drafts/{id}?page={i}")),
            current: i == at,
        })
        .collect();
    steps.push(WizardStep { title: "Plan".to_owned(), href: None, current: at >= shown.len() });
    steps
}

/// Does the searches of a page in the catalog, with the subject's eyes.
pub(super) async fn fetch(app: &App, subject: &Subject, lookups: Vec<Lookup>) -> Result<Fetched, ScaffolderError> {
    let claims = subject.claims();
    let mut fetched = Fetched::default();
    let mut conn = app.db.acquire().await?;
    for lookup in lookups {
        let found = find(&mut conn, &claims, &lookup).await?;
        fetched.0.insert(lookup.name, found);
    }
    Ok(fetched)
}

async fn find(conn: &mut sqlx::PgConnection, claims: &[String], lookup: &Lookup) -> sqlx::Result<Found> {
    let limit = i64::try_from(lookup.limit).unwrap_or(20);
    let plain = |value: String| Choice { title: value.clone(), value, note: String::new() };
    if lookup.filter.tags_of.is_some() {
        let mut tags = catalog::tags(conn, claims, &lookup.query, limit + 1).await?;
        let more = tags.len() > lookup.limit;
        tags.truncate(lookup.limit);
        let selected = lookup.selected.iter().cloned().map(plain).collect();
        return Ok(Found { choices: tags.into_iter().map(plain).collect(), selected, more });
    }
    let demands = |all: &Vec<(String, form::Demand)>| {
        all.iter()
            .filter_map(|(key, demand)| match demand {
                form::Demand::Is(values) => Some((key.clone(), Some(values.clone()))),
                form::Demand::Exists(true) => Some((key.clone(), None)),
                form::Demand::Exists(false) => None,
            })
            .collect()
    };
    let filter = catalog::PickFilter {
        any_of: lookup.filter.any_of.iter().map(demands).collect(),
        owned_by: lookup.filter.owned_by.clone(),
        only: lookup.filter.only.clone(),
        text: lookup.query.clone(),
    };
    let mut picks = catalog::picks(conn, claims, &filter, limit + 1).await?;
    let more = picks.len() > lookup.limit;
    picks.truncate(lookup.limit);
    let lower: Vec<String> = lookup.selected.iter().map(|s| s.to_lowercase()).collect();
    let selected = catalog::names(conn, &lower, claims).await?;
    let choice =
        |p: catalog::Pick| Choice { value: p.entity_ref, title: p.name, note: p.description.unwrap_or_default() };
    Ok(Found {
        choices: picks.into_iter().map(choice).collect(),
        selected: selected.into_iter().map(choice).collect(),
        more,
    })
}
