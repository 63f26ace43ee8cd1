//! `/api/v1/requests` and `/api/v1/runs`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::actions::{self, Verb};
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::requests::answer::Answer as Verdict;
use crate::engine::requests::store as requests;
use crate::engine::requests::{RequestError, RequestRow};
use crate::engine::runs::manage::RunError;
use crate::engine::runs::store as runs;
use crate::engine::web::api::{Body, List};
use crate::engine::web::current::CurrentUser;
use crate::engine::web::paging::{self, MOST, PAGE};
use crate::engine::web::problem::ProblemBody;
use crate::engine::web::{Path, Problem, Query};

/// The routes under `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_requests))
        .routes(routes!(show_request))
        .routes(routes!(answer_request))
        .routes(routes!(withdraw_request))
        .routes(routes!(list_runs))
        .routes(routes!(show_run))
        .routes(routes!(run_log))
        .routes(routes!(cancel_run))
        .routes(routes!(retry_run))
        .routes(routes!(roll_back_run))
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// `decide`, `mine` or `all` (requests); `mine` or `all` (runs).
    #[serde(default)]
    view: String,
    /// Only of this state.
    #[serde(default)]
    state: String,
    /// `next` of the page before.
    #[serde(default)]
    after: String,
    /// How many, 25 unless told, 500 at most.
    limit: Option<i64>,
}

impl Which {
    fn limit(&self) -> i64 {
        self.limit.unwrap_or(PAGE).clamp(1, MOST)
    }
}

/// Cuts a list that was asked for with one row too many, and makes the cursor of the next page.
fn cut<T>(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| paging::encode(&key(row)));
    (rows, next)
}

/// A request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Request {
    /// Key.
    pub id: Uuid,
    /// `feature.verb`.
    pub kind: String,
    /// For people.
    pub title: String,
    /// Where it is.
    pub state: String,
    /// Who asks.
    pub subject: String,
    /// For which team.
    pub team: Option<String>,
    /// What it concerns in the catalog.
    pub resource: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What exactly.
    #[schema(value_type = Object)]
    pub params: Value,
    /// What would happen.
    #[schema(value_type = Object)]
    pub plan: Option<Value>,
    /// Canonical hash of the plan.
    pub plan_hash: Option<String>,
    /// What policy answered.
    #[schema(value_type = Object)]
    pub decision: Option<Value>,
    /// How it came out.
    pub outcome: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when an answer counts.
    pub answer_by: Option<DateTime<Utc>>,
    /// Its newest run.
    pub run_id: Option<Uuid>,
}

impl Request {
    fn of(row: RequestRow, run_id: Option<Uuid>) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            title: row.title,
            state: row.state.as_str().to_owned(),
            subject: row.subject,
            team: row.team,
            resource: row.resource,
            reason: row.reason,
            params: row.params,
            plan: row.plan,
            plan_hash: row.plan_hash,
            decision: row.decision,
            outcome: row.outcome,
            created_at: row.created_at,
            answer_by: row.answer_by,
            run_id,
        }
    }
}

/// A request in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestLine {
    /// Key.
    pub id: Uuid,
    /// `feature.verb`.
    pub kind: String,
    /// For people.
    pub title: String,
    /// Where it is.
    pub state: String,
    /// Who asks.
    pub subject: String,
    /// For which team.
    pub team: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Its newest run.
    pub run_id: Option<Uuid>,
}

/// Requests, newest first
#[utoipa::path(get, path = "/requests", tag = "requests", params(Which), responses((status = 200, body = List<RequestLine>), (status = 401, body = ProblemBody)))]
async fn list_requests(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Query(which): Query<Which>,
) -> Result<Json<List<RequestLine>>, Problem> {
    can(&subject, "requests.read", &Resource::NONE)?;
    let view = match which.view.as_str() {
        "mine" => requests::View::Mine,
        "decide" => requests::View::ToDecide,
        _ => requests::View::All,
    };
    let mut conn = app.db.acquire().await?;
    let after = paging::decode(&which.after);
    let rows =
        requests::list(&mut conn, &subject.claims(), subject.user_id, &subject.teams, view, after, which.limit() + 1)
            .await?;
    let (rows, next) = cut(rows, which.limit(), |r| r.id);
    let line = |r: requests::RequestItem| RequestLine {
        id: r.id,
        kind: r.kind,
        title: r.title,
        state: r.state,
        subject: r.subject,
        team: r.team,
        created_at: r.created_at,
        run_id: r.run_id,
    };
    Ok(Json(List { items: rows.into_iter().map(line).collect(), next }))
}

/// One request
#[utoipa::path(get, path = "/requests/{id}", tag = "requests", params(("id" = Uuid, Path)),
    responses((status = 200, body = Request), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn show_request(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<Json<Request>, Problem> {
    can(&subject, "requests.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let row = requests::find(&mut conn, id, Some(&subject.claims())).await?.ok_or(RequestError::NotFound(id))?;
    let run = requests::latest_run(&mut conn, id).await?;
    Ok(Json(Request::of(row, run)))
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewAnswer {
    /// `approve` or `deny`.
    pub verdict: String,
    /// Why; needed to deny.
    pub reason: Option<String>,
}

/// Answer a request of one of your teams
#[utoipa::path(post, path = "/requests/{id}/answer", tag = "requests", params(("id" = Uuid, Path)), request_body = NewAnswer,
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn answer_request(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
    Body(new): Body<NewAnswer>,
) -> Result<StatusCode, Problem> {
    let verdict = match new.verdict.as_str() {
        "approve" => Verdict::Approve,
        "deny" => Verdict::Deny,
        _ => {
            let field = crate::kernel::fault::FieldFault {
                field: "verdict".to_owned(),
                message: "Say approve or deny.".to_owned(),
            };
            return Err(Problem::new(
                crate::kernel::fault::Kind::Invalid(vec![field]),
                "This is no answer",
                "An answer is approve or deny.",
            ));
        }
    };
    actions::answer(&app.db, &subject, id, verdict, new.reason.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a request of yours back
#[utoipa::path(post, path = "/requests/{id}/withdraw", tag = "requests", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn withdraw_request(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    actions::withdraw(&app.db, &subject, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A run in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunLine {
    /// Key.
    pub id: Uuid,
    /// `feature.verb`.
    pub kind: String,
    /// For people.
    pub title: String,
    /// Where it is.
    pub state: String,
    /// How it came out.
    pub outcome: Option<String>,
    /// Who.
    pub started_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How many things could not be undone.
    pub leftovers: i64,
}

/// Runs, newest first
#[utoipa::path(get, path = "/runs", tag = "runs", params(Which), responses((status = 200, body = List<RunLine>), (status = 401, body = ProblemBody)))]
async fn list_runs(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Query(which): Query<Which>,
) -> Result<Json<List<RunLine>>, Problem> {
    can(&subject, "requests.read", &Resource::NONE)?;
    let who = subject.who();
    let by = (which.view == "mine").then_some(who.as_str());
    let state = Some(which.state.as_str()).filter(|s| !s.is_empty());
    let mut conn = app.db.acquire().await?;
    let rows =
        runs::list(&mut conn, &subject.claims(), by, state, paging::decode(&which.after), which.limit() + 1).await?;
    let (rows, next) = cut(rows, which.limit(), |r| r.id);
    let line = |r: runs::RunItem| RunLine {
        id: r.id,
        kind: r.kind,
        title: r.title,
        state: r.state,
        outcome: r.outcome,
        started_by: r.started_by,
        created_at: r.created_at,
        ended_at: r.ended_at,
        leftovers: r.leftovers,
    };
    Ok(Json(List { items: rows.into_iter().map(line).collect(), next }))
}

/// A run with its steps and what it made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    /// Key.
    pub id: Uuid,
    /// The request that it carries out.
    pub request_id: Option<Uuid>,
    /// `feature.verb`.
    pub kind: String,
    /// For people.
    pub title: String,
    /// Where it is.
    pub state: String,
    /// Raised by each retry.
    pub attempt: i32,
    /// How it came out.
    pub outcome: Option<String>,
    /// What it waits for.
    #[schema(value_type = Object)]
    pub parked_on: Option<Value>,
    /// Who.
    pub started_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// In order.
    pub steps: Vec<Step>,
    /// In the order of being intended.
    pub effects: Vec<Effect>,
}

/// A step.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// Name within the run.
    pub key: String,
    /// For people.
    pub title: String,
    /// Where it is.
    pub state: String,
    /// One short line.
    pub detail: Option<String>,
    /// Words for the person.
    pub error: Option<String>,
    /// What later steps get.
    #[schema(value_type = Object)]
    pub output: Option<Value>,
}

/// Something done outside.
#[derive(Debug, Serialize, ToSchema)]
pub struct Effect {
    /// Kind.
    pub kind: String,
    /// What people call the thing.
    pub name: String,
    /// Where it is.
    pub state: String,
    /// Why, where that needs saying.
    pub note: Option<String>,
}

/// One run
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Run), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn show_run(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<Json<Run>, Problem> {
    can(&subject, "requests.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let run = runs::run(&mut conn, id, Some(&subject.claims())).await?.ok_or(RunError::NotFound(id))?;
    let steps = runs::steps(&mut conn, id).await?;
    let effects = runs::effects(&mut conn, id).await?;
    let step = |s: runs::StepRow| Step {
        key: s.key,
        title: s.title,
        state: s.state.as_str().to_owned(),
        detail: s.detail,
        error: s.error,
        output: s.output,
    };
    let effect =
        |e: runs::EffectRow| Effect { kind: e.kind, name: e.name, state: e.state.as_str().to_owned(), note: e.note };
    Ok(Json(Run {
        id: run.id,
        request_id: run.request_id,
        kind: run.kind,
        title: run.title,
        state: run.state.as_str().to_owned(),
        attempt: run.attempt,
        outcome: run.outcome,
        parked_on: run.parked_on,
        started_by: run.started_by,
        created_at: run.created_at,
        ended_at: run.ended_at,
        steps: steps.into_iter().map(step).collect(),
        effects: effects.into_iter().map(effect).collect(),
    }))
}

/// A line of a run's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogLine {
    /// Order; give the last as `after` for what follows.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// During which step.
    pub step: Option<String>,
    /// `out` or `err`.
    pub stream: String,
    /// The line, redacted.
    pub line: String,
}

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct After {
    /// `seq` of the last line that you have.
    #[serde(default)]
    after: i64,
}

/// Up to 500 lines of a run's log
#[utoipa::path(get, path = "/runs/{id}/log", tag = "runs", params(("id" = Uuid, Path), After),
    responses((status = 200, body = List<LogLine>), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn run_log(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
    Query(from): Query<After>,
) -> Result<Json<List<LogLine>>, Problem> {
    can(&subject, "requests.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    runs::run(&mut conn, id, Some(&subject.claims())).await?.ok_or(RunError::NotFound(id))?;
    let rows = runs::log(&mut conn, id, from.after, MOST).await?;
    let items = rows
        .into_iter()
        .map(|r| LogLine { seq: r.seq, at: r.at, step: r.step_key, stream: r.stream, line: r.line })
        .collect();
    Ok(Json(List { items, next: None }))
}

/// Cancel a run; what it made is undone
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = 202), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn cancel_run(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    actions::change_run(&app.db, &subject, id, Verb::Cancel).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Retry a failed run from its failed step
#[utoipa::path(post, path = "/runs/{id}/retry", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = 202), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn retry_run(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    actions::change_run(&app.db, &subject, id, Verb::Retry).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Roll an ended run back; everything it made is undone
#[utoipa::path(post, path = "/runs/{id}/roll-back", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = 202), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn roll_back_run(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    actions::change_run(&app.db, &subject, id, Verb::RollBack).await?;
    Ok(StatusCode::ACCEPTED)
}
