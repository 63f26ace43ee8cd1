//! A request's story: what was asked, what policy said, who answered, what came of it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use uuid::Uuid;

use super::{Badge, person};
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::policy::model::Reason;
use crate::engine::requests::answer::{self, Answer};
use crate::engine::requests::store;
use crate::engine::requests::{RequestError, RequestRow, RequestState};
use crate::engine::web::{Form, Page, Path, Problem, Visitor, flash, html, words};
use crate::features::requests::actions;
use crate::kernel::canonical;

#[derive(Template)]
#[template(path = "requests/show.html")]
struct ShowPage {
    page: Page,
    id: Uuid,
    title: String,
    badge: Badge,
    by: String,
    team: Option<String>,
    at: String,
    answer_by: Option<String>,
    reason: Option<String>,
    outcome: Option<String>,
    facts: Vec<(String, String)>,
    reasons: Vec<Reason>,
    policy: Option<String>,
    answers: Vec<AnswerLine>,
    missing: Vec<String>,
    plan_files: Vec<String>,
    fingerprint: Option<String>,
    may_answer: bool,
    why_not: Option<String>,
    may_withdraw: bool,
    run: Option<Uuid>,
}

struct AnswerLine {
    who: String,
    group: String,
    approved: bool,
    reason: Option<String>,
    at: String,
    counts: bool,
}

pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    can(&visitor.subject, "requests.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let request =
        store::find(&mut conn, id, Some(&visitor.subject.claims())).await?.ok_or(RequestError::NotFound(id))?;
    let answers = store::answers(&mut conn, id).await?;
    let run = store::latest_run(&mut conn, id).await?;
    drop(conn);
    let now = app.clock.now();
    let may = answer::may_answer(&request, &visitor.subject);
    let why_not = match &may {
        Err(e @ RequestError::OwnRequest) => Some(crate::kernel::fault::Explain::detail(e).into_owned()),
        _ => None,
    };
    let output = answer::output(&request);
    html(&ShowPage {
        page: visitor.page,
        id,
        title: request.title.clone(),
        badge: Badge::of_request(request.state),
        by: person(&request.subject).to_owned(),
        team: request.team.as_deref().map(words::team),
        at: words::when(request.created_at, now),
        answer_by: request
            .answer_by
            .filter(|_| request.state == RequestState::AwaitingApproval)
            .map(|at| words::when(at, now)),
        reason: request.reason.clone(),
        outcome: request.outcome.clone(),
        facts: facts(&request),
        missing: missing(&request, &answers),
        answers: answers.into_iter().map(|a| answer_line(a, &request, now)).collect(),
        reasons: output.as_ref().map(|o| o.reasons.clone()).unwrap_or_default(),
        policy: output.map(|o| o.policy_version),
        plan_files: plan_files(&request),
        fingerprint: request.plan_hash.as_deref().map(canonical::fingerprint),
        may_answer: may.is_ok(),
        why_not,
        may_withdraw: request.user_id == Some(visitor.subject.user_id)
            && request.state.may_become(RequestState::Withdrawn),
        run,
    })
}

fn answer_line(row: store::AnswerRow, request: &RequestRow, now: chrono::DateTime<chrono::Utc>) -> AnswerLine {
    AnswerLine {
        who: person(&row.approver).to_owned(),
        group: words::team(&row.group_slug),
        approved: row.verdict == "approve",
        reason: row.reason,
        at: words::when(row.at, now),
        counts: row.plan_hash == request.plan_hash,
    }
}

fn missing(request: &RequestRow, answers: &[store::AnswerRow]) -> Vec<String> {
    if request.state != RequestState::AwaitingApproval {
        return Vec::new();
    }
    answer::missing(request, answers)
        .into_iter()
        .map(|a| {
            let groups = a.any_of.iter().map(|g| words::team(g)).collect::<Vec<_>>().join(" or ");
            if a.count == 1 { format!("one person of {groups}") } else { format!("{} people of {groups}", a.count) }
        })
        .collect()
}

/// The parameters as lines: names and values as they were given, nested ones flattened.
fn facts(request: &RequestRow) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    if let Some(resource) = &request.resource {
        lines.push(("For".to_owned(), resource.clone()));
    }
    if let Some(answers) = request.params.get("answers").or(Some(&request.params)).and_then(Value::as_object) {
        for (name, value) in answers {
            let text = match value {
                Value::String(s) => s.clone(),
                Value::Null => continue,
                Value::Bool(b) => if *b { "yes" } else { "no" }.to_owned(),
                other => other.to_string(),
            };
            lines.push((words::of_key(name), text));
        }
    }
    lines
}

fn plan_files(request: &RequestRow) -> Vec<String> {
    let files = request.plan.as_ref().and_then(|p| p.get("files")).and_then(Value::as_array);
    files
        .map(|f| f.iter().filter_map(|f| f.get("path").and_then(Value::as_str)).map(str::to_owned).collect())
        .unwrap_or_default()
}

pub(super) async fn answer(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    form: Form,
) -> Result<Response, Problem> {
    let verdict = if form.get("verdict") == Some("approve") { Answer::Approve } else { Answer::Deny };
    let state = actions::answer(&app.db, &visitor.subject, id, verdict, form.get("reason")).await?;
    app.waiting.clear();
    let text = match state {
        RequestState::Approved => "Approved. The work starts by itself.",
        RequestState::Denied => "Denied. The asker sees your reason.",
        _ => "Your answer is kept. Somebody else must agree too.",
    };
    flash::good(&visitor.session, text).await;
    Ok(Redirect::to(&format!("/requests/{id}")).into_response())
}

pub(super) async fn withdraw(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    actions::withdraw(&app.db, &visitor.subject, id).await?;
    app.waiting.clear();
    flash::good(&visitor.session, "Withdrawn. Nothing was made.").await;
    Ok(Redirect::to(&format!("/requests/{id}")).into_response())
}
