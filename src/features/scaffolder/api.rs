//! `/api/v1/templates`: see, plan and create.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::actions::{self, Wish};
use super::model::form::Secrets;
use super::model::template::Template as Model;
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::web::api::{Body, List};
use crate::engine::web::current::CurrentUser;
use crate::engine::web::problem::ProblemBody;
use crate::engine::web::{Path, Problem};
use crate::features::catalog::store as catalog;
use crate::kernel::secret::Secret;

/// The routes under `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(plan)).routes(routes!(create))
}

/// A template.
#[derive(Debug, Serialize, ToSchema)]
pub struct Template {
    /// Canonical reference.
    #[serde(rename = "ref")]
    pub entity_ref: String,
    /// For people.
    pub title: String,
    /// One or a few sentences.
    pub description: String,
    /// What it makes.
    #[serde(rename = "type")]
    pub makes: String,
    /// Canonical reference of its owner.
    pub owner: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Why it cannot be used, if it cannot.
    pub problems: Vec<String>,
    /// Its parameters as JSON Schema, page by page, where a single template is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub parameters: Option<Value>,
}

impl Template {
    fn of(model: &Model, parameters: bool) -> Self {
        Self {
            entity_ref: model.reference.canonical(),
            title: model.title.clone(),
            description: model.description.clone(),
            makes: model.makes.clone(),
            owner: model.owner.clone(),
            tags: model.tags.clone(),
            problems: model.problems.clone(),
            parameters: parameters.then(|| model.parameters.clone()),
        }
    }
}

/// Templates, by name
#[utoipa::path(get, path = "/templates", tag = "scaffolder", responses((status = 200, body = List<Template>), (status = 401, body = ProblemBody)))]
async fn list(State(app): State<App>, CurrentUser(subject): CurrentUser) -> Result<Json<List<Template>>, Problem> {
    can(&subject, "scaffolder.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let rows = catalog::of_kind(&mut conn, "template", &subject.claims()).await?;
    let items = rows.iter().map(|r| Template::of(&Model::read(&r.body, &r.etag), false)).collect();
    Ok(Json(List { items, next: None }))
}

/// One template with its parameters
#[utoipa::path(get, path = "/templates/{namespace}/{name}", tag = "scaffolder", params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Template), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn show(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Json<Template>, Problem> {
    let model = actions::template(&app, &subject, &namespace, &name).await?;
    Ok(Json(Template::of(&model, true)))
}

/// What to create.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Values {
    /// Answers to the template's parameters.
    #[schema(value_type = Object)]
    pub values: Value,
    /// Secret answers by name.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// The hash of the plan that was seen; another plan now is refused.
    pub plan_hash: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// What would be made.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanBody {
    /// Its canonical hash.
    pub hash: String,
    /// The plan: files with sizes and hashes, steps.
    #[schema(value_type = Object)]
    pub plan: Value,
    /// Contents of the text files by path.
    #[schema(value_type = Object)]
    pub contents: Value,
    /// What would be done outside.
    pub calls: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// What is in the way.
    pub blocker: Option<String>,
    /// What policy says.
    #[schema(value_type = Object)]
    pub decision: Value,
}

/// Plan; nothing is made
#[utoipa::path(post, path = "/templates/{namespace}/{name}/plan", tag = "scaffolder", params(("namespace" = String, Path), ("name" = String, Path)),
    request_body = Values, responses((status = 200, body = PlanBody), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn plan(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path((namespace, name)): Path<(String, String)>,
    Body(values): Body<Values>,
) -> Result<Json<PlanBody>, Problem> {
    let model = actions::template(&app, &subject, &namespace, &name).await?;
    let secrets = secrets(&values);
    let answers = actions::check_answers(&model, &values.values, &secrets, &actions::form_context(&app, &subject))?;
    let plan = actions::plan(&app, &subject, &model, &answers, &secrets).await?;
    let decision = actions::preview_policy(&app, &subject, &model, &answers, &plan);
    let contents =
        plan.files.iter().filter_map(|(p, f)| Some((p.to_string(), Value::String(f.text()?.to_owned())))).collect();
    Ok(Json(PlanBody {
        hash: plan.hash,
        plan: plan.document,
        contents: Value::Object(contents),
        calls: plan.calls,
        warnings: plan.warnings,
        blocker: plan.blocker,
        decision: json!(decision),
    }))
}

fn secrets(values: &Values) -> Secrets {
    values.secrets.iter().map(|(k, v)| (k.clone(), Secret::new(v.clone()))).collect()
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Created {
    /// The request.
    pub request_id: Uuid,
    /// Its run, if policy allowed it at once.
    pub run_id: Option<Uuid>,
    /// `allow`, `require` or `deny`.
    pub decision: String,
}

/// Create
#[utoipa::path(post, path = "/templates/{namespace}/{name}/requests", tag = "scaffolder", params(("namespace" = String, Path), ("name" = String, Path)),
    request_body = Values, responses((status = 201, body = Created), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn create(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path((namespace, name)): Path<(String, String)>,
    Body(values): Body<Values>,
) -> Result<impl IntoResponse, Problem> {
    let model = actions::template(&app, &subject, &namespace, &name).await?;
    let secrets = secrets(&values);
    let answers = actions::check_answers(&model, &values.values, &secrets, &actions::form_context(&app, &subject))?;
    let wish = Wish {
        template: &model,
        answers: &answers,
        secrets: &secrets,
        plan_hash: values.plan_hash.as_deref(),
        reason: values.reason.clone(),
        draft: None,
    };
    let created = actions::create(&app, &subject, &wish).await?;
    app.waiting.clear();
    let body =
        Created { request_id: created.request, run_id: created.run, decision: created.verdict.as_str().to_owned() };
    Ok((StatusCode::CREATED, Json(body)))
}
