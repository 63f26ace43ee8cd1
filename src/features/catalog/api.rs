//! `/api/v1/entities` and `/api/v1/sources`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::actions;
use super::error::CatalogError;
use super::store::{self, Cursor, Filter};
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::web::api::{Body, List};
use crate::engine::web::current::CurrentUser;
use crate::engine::web::paging::{self, MOST, PAGE};
use crate::engine::web::problem::ProblemBody;
use crate::engine::web::{Path, Problem, Query};
use crate::kernel::entity_ref::EntityRef;

/// The routes under `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(sources, register))
        .routes(routes!(source, unregister))
        .routes(routes!(refresh))
}

/// Which entities.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Free text.
    #[serde(default)]
    q: Option<String>,
    /// Kind, for example `component`.
    kind: Option<String>,
    /// `spec.type`.
    #[serde(rename = "type")]
    kind_type: Option<String>,
    /// Canonical reference of the owner.
    owner: Option<String>,
    /// `spec.lifecycle`.
    lifecycle: Option<String>,
    /// Canonical reference of the system.
    system: Option<String>,
    /// Has all of these tags.
    #[serde(default)]
    tag: Vec<String>,
    /// `next` of the page before.
    #[serde(default)]
    after: String,
    /// How many, 25 unless told, 500 at most.
    limit: Option<i64>,
}

/// An entity in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntityLine {
    /// Canonical reference.
    #[serde(rename = "ref")]
    pub entity_ref: String,
    /// Lower case.
    pub kind: String,
    /// Title or name.
    pub name: String,
    /// One or a few sentences.
    pub description: Option<String>,
    /// `spec.type`.
    #[serde(rename = "type")]
    pub kind_type: Option<String>,
    /// `spec.lifecycle`.
    pub lifecycle: Option<String>,
    /// Canonical reference of the owner.
    pub owner: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
}

/// Entities, by name
#[utoipa::path(get, path = "/entities", tag = "catalog", params(Which),
    responses((status = 200, body = List<EntityLine>), (status = 401, body = ProblemBody)))]
async fn list(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Query(which): Query<Which>,
) -> Result<Json<List<EntityLine>>, Problem> {
    can(&subject, "catalog.read", &Resource::NONE)?;
    let limit = which.limit.unwrap_or(PAGE).clamp(1, MOST);
    let filter = Filter {
        kind: which.kind.map(|k| k.to_lowercase()),
        r#type: which.kind_type,
        owner: which.owner,
        lifecycle: which.lifecycle,
        system: which.system,
        tags: which.tag,
        text: which.q.filter(|q| !q.trim().is_empty()),
        ..Filter::default()
    };
    let cursor: Option<Cursor> = paging::decode(&which.after);
    let mut conn = app.db.acquire().await?;
    let mut rows = store::list(&mut conn, &subject.claims(), &filter, cursor.as_ref(), limit + 1).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|r| paging::encode(&Cursor { name: r.sort_name.clone(), id: r.id, offset: 0, back: false }));
    let line = |r: store::Item| EntityLine {
        entity_ref: r.entity_ref,
        kind: r.kind,
        name: r.name,
        description: r.description,
        kind_type: r.r#type,
        lifecycle: r.lifecycle,
        owner: r.owner_ref,
        tags: r.tags,
    };
    Ok(Json(List { items: rows.into_iter().map(line).collect(), next }))
}

/// An entity with its relations.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entity {
    /// Canonical reference.
    #[serde(rename = "ref")]
    pub entity_ref: String,
    /// As written, with the annotations of its location.
    #[schema(value_type = Object)]
    pub entity: Value,
    /// Both ways.
    pub relations: Vec<Relation>,
    /// What is wrong in its file.
    pub problems: Vec<FileProblem>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// A relation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Relation {
    /// Name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Canonical reference.
    pub target_ref: String,
    /// Whether the target is in the catalog.
    pub exists: bool,
}

/// Something wrong in a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileProblem {
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// File or address.
    pub file: String,
    /// From one.
    pub line: Option<i32>,
    /// From one.
    pub column: Option<i32>,
}

impl FileProblem {
    fn of(row: store::ProblemRow) -> Self {
        Self {
            severity: row.severity,
            message: row.message,
            hint: row.hint,
            file: row.file,
            line: row.line,
            column: row.col,
        }
    }
}

/// One entity
#[utoipa::path(get, path = "/entities/{kind}/{namespace}/{name}", tag = "catalog",
    params(("kind" = String, Path), ("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Entity), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn show(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path((kind, namespace, name)): Path<(String, String, String)>,
) -> Result<Json<Entity>, Problem> {
    can(&subject, "catalog.read", &Resource::NONE)?;
    let reference = EntityRef::new(kind, namespace, name).canonical();
    let claims = subject.claims();
    let mut conn = app.db.acquire().await?;
    let row = store::entity(&mut conn, &reference, Some(&claims))
        .await?
        .ok_or_else(|| CatalogError::NoEntity(reference.clone()))?;
    let relations = store::relations(&mut conn, &reference, &claims).await?;
    let problems = store::problems_of_entity(&mut conn, &reference).await?;
    Ok(Json(Entity {
        entity_ref: reference,
        entity: row.body,
        relations: relations
            .into_iter()
            .map(|r| Relation { kind: r.kind, target_ref: r.to_ref, exists: r.exists })
            .collect(),
        problems: problems.into_iter().map(FileProblem::of).collect(),
        updated_at: row.updated_at,
    }))
}

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub struct Source {
    /// Key.
    pub id: Uuid,
    /// Where it is.
    pub place: String,
    /// Why it is read.
    pub origin: String,
    /// `waiting`, `good` or `failed`.
    pub state: String,
    /// How many entities it holds.
    pub entities: i32,
    /// What is wrong with it.
    pub problem_count: i32,
    /// When it was read.
    pub read_at: Option<DateTime<Utc>>,
    /// What is wrong with it, where a single source is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<FileProblem>,
}

impl Source {
    fn of(app: &App, row: store::SourceRow, problems: Vec<store::ProblemRow>) -> Self {
        Self {
            id: row.id,
            place: row.target.location(app).to_string(),
            origin: row.origin,
            state: row.state,
            entities: row.entity_count,
            problem_count: row.problem_count,
            read_at: row.read_at,
            problems: problems.into_iter().map(FileProblem::of).collect(),
        }
    }
}

/// Sources, those with problems first
#[utoipa::path(get, path = "/sources", tag = "catalog", responses((status = 200, body = List<Source>), (status = 401, body = ProblemBody)))]
async fn sources(State(app): State<App>, CurrentUser(subject): CurrentUser) -> Result<Json<List<Source>>, Problem> {
    can(&subject, "catalog.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let rows = store::sources(&mut conn, false, MOST).await?;
    Ok(Json(List { items: rows.into_iter().map(|r| Source::of(&app, r, Vec::new())).collect(), next: None }))
}

/// A source to be registered.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewSource {
    /// The whole address of a catalog-info.yaml.
    pub target: String,
}

/// Register a source and read it
#[utoipa::path(post, path = "/sources", tag = "catalog", request_body = NewSource,
    responses((status = 201, body = Source), (status = 401, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn register(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Body(new): Body<NewSource>,
) -> Result<impl IntoResponse, Problem> {
    let id = actions::register(&app, &subject, &new.target).await?;
    Ok((StatusCode::CREATED, Json(one(&app, id).await?)))
}

async fn one(app: &App, id: Uuid) -> Result<Source, Problem> {
    let mut conn = app.db.acquire().await?;
    let row = store::source(&mut conn, id).await?.ok_or(CatalogError::NoSource)?;
    let problems = store::problems_of_source(&mut conn, id).await?;
    Ok(Source::of(app, row, problems))
}

/// One source with its problems
#[utoipa::path(get, path = "/sources/{id}", tag = "catalog", params(("id" = Uuid, Path)),
    responses((status = 200, body = Source), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn source(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<Json<Source>, Problem> {
    can(&subject, "catalog.read", &Resource::NONE)?;
    Ok(Json(one(&app, id).await?))
}

/// Read a source again
#[utoipa::path(post, path = "/sources/{id}/refresh", tag = "catalog", params(("id" = Uuid, Path)),
    responses((status = 200, body = Source), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn refresh(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<Json<Source>, Problem> {
    actions::refresh(&app, &subject, id).await?;
    Ok(Json(one(&app, id).await?))
}

/// Remove a registered source and its entities
#[utoipa::path(delete, path = "/sources/{id}", tag = "catalog", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn unregister(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    actions::unregister(&app, &subject, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
