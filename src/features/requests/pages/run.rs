//! A run's page: one page for every kind, useful while it runs and years after.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Badge, person};
use crate::engine::access::{Resource, Subject, can};
use crate::engine::app::App;
use crate::engine::requests::{self, RequestRow};
use crate::engine::runs::manage::RunError;
use crate::engine::runs::store::{self, EffectRow, LogRow, RunRow, StepRow};
use crate::engine::runs::{EffectState, RunState, StepState};
use crate::engine::web::{Page, Path, Problem, Visitor, flash, html, words};
use crate::features::requests::actions::{self, Verb};

/// How many lines of the log the page shows; all of them are in the download.
const LINES: i64 = 500;

#[derive(Template)]
#[template(path = "requests/run.html")]
struct RunPage {
    page: Page,
    id: Uuid,
    title: String,
    short: String,
    badge: Badge,
    live: bool,
    by: String,
    started: String,
    took: String,
    attempt: i32,
    outcome: Option<String>,
    waits: Option<String>,
    steps: Vec<StepLine>,
    summary: String,
    log: Vec<LogLine>,
    last_seq: i64,
    links: Vec<Link>,
    texts: Vec<(String, String)>,
    effects: Vec<EffectLine>,
    leftovers: Vec<EffectLine>,
    request: Option<Uuid>,
    facts: Vec<(&'static str, String)>,
    may_cancel: bool,
    may_retry: bool,
    may_roll_back: bool,
}

struct StepLine {
    tone: &'static str,
    icon: &'static str,
    spin: bool,
    title: String,
    word: &'static str,
    time: String,
    detail: Option<String>,
    error: Option<String>,
}

/// A line of the log as the page shows it.
pub(super) struct LogLine {
    pub at: String,
    pub step: String,
    pub err: bool,
    pub line: String,
}

struct Link {
    title: String,
    href: String,
    icon: &'static str,
}

struct EffectLine {
    name: String,
    word: &'static str,
    tone: &'static str,
    icon: &'static str,
    note: Option<String>,
}

pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    can(&visitor.subject, "requests.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let run = visible(&mut conn, &visitor.subject, id).await?;
    let steps = store::steps(&mut conn, id).await?;
    let effects = store::effects(&mut conn, id).await?;
    let log = store::log_tail(&mut conn, id, LINES).await?;
    let request = match run.request_id {
        Some(request) => requests::store::find(&mut conn, request, None).await?,
        None => None,
    };
    drop(conn);
    html(&page(&app, visitor, run, &steps, &effects, &log, request.as_ref()))
}

/// The run, if the subject may see it.
pub(super) async fn visible(conn: &mut PgConnection, subject: &Subject, id: Uuid) -> Result<RunRow, Problem> {
    Ok(store::run(conn, id, Some(&subject.claims())).await?.ok_or(RunError::NotFound(id))?)
}

fn page(
    app: &App,
    visitor: Visitor,
    run: RunRow,
    steps: &[StepRow],
    effects: &[EffectRow],
    log: &[LogRow],
    request: Option<&RequestRow>,
) -> RunPage {
    let now = app.clock.now();
    let may = |verb| actions::may(&visitor.subject, &run, request, verb);
    let made = effects.iter().any(|e| e.state == EffectState::Made);
    let (may_cancel, may_retry, may_roll_back) = (
        run.state.may_become(RunState::Cancelling) && run.cancel_requested_at.is_none() && may(Verb::Cancel),
        run.state == RunState::Failed && may(Verb::Retry),
        run.state.is_final() && run.state.may_become(RunState::RollingBack) && made && may(Verb::RollBack),
    );
    let done = steps.iter().filter(|s| matches!(s.state, StepState::Done | StepState::Skipped)).count();
    let mut badge = Badge::of_run(run.state.as_str());
    if run.state == RunState::Running {
        badge.words = format!("Running, step {} of {}", (done + 1).min(steps.len()), steps.len());
    }
    RunPage {
        page: visitor.page,
        id: run.id,
        short: run.id.simple().to_string().chars().skip(26).collect(),
        badge,
        live: !run.state.is_final(),
        by: person(&run.started_by).to_owned(),
        started: words::when(run.created_at, now),
        took: words::duration(run.ended_at.unwrap_or(now) - run.created_at),
        attempt: run.attempt,
        outcome: run.outcome.clone().filter(|_| run.state.is_final()),
        waits: waits(&run, now),
        steps: steps.iter().map(|s| step_line(s, now)).collect(),
        summary: summary(steps, done),
        log: log.iter().map(log_line).collect(),
        last_seq: log.last().map_or(0, |l| l.seq),
        links: links(steps),
        texts: texts(steps),
        effects: effects
            .iter()
            .filter(|e| !matches!(e.state, EffectState::Absent | EffectState::Leftover))
            .map(effect_line)
            .collect(),
        leftovers: effects.iter().filter(|e| e.state == EffectState::Leftover).map(effect_line).collect(),
        request: run.request_id,
        facts: facts(&run, request),
        may_cancel,
        may_retry,
        may_roll_back,
        title: run.title,
    }
}

fn summary(steps: &[StepRow], done: usize) -> String {
    let failed = steps.iter().filter(|s| s.state == StepState::Failed).count();
    let left = steps.iter().filter(|s| matches!(s.state, StepState::Pending)).count();
    let mut parts = vec![format!("{done} of {} done", steps.len())];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if left > 0 && failed == 0 {
        parts.push(format!("{left} to go"));
    }
    parts.join(", ")
}

fn waits(run: &RunRow, now: DateTime<Utc>) -> Option<String> {
    let parked = run.parked_on.as_ref()?;
    let why = parked.get("why").and_then(Value::as_str);
    Some(match (parked.get("on").and_then(Value::as_str)?, run.resume_at) {
        ("decision", _) => "It waits for an answer and goes on by itself when that comes.".to_owned(),
        ("event", Some(at)) => format!("It waits for word from outside, until {} at the latest.", words::when(at, now)),
        (_, Some(at)) if at > now => match why {
            Some(why) => format!("{why}. It goes on by itself in {}.", words::duration(at - now)),
            None => format!("It goes on by itself in {}.", words::duration(at - now)),
        },
        _ => "It is about to go on.".to_owned(),
    })
}

fn step_line(step: &StepRow, now: DateTime<Utc>) -> StepLine {
    let (tone, icon, word) = match step.state {
        StepState::Pending if step.attempt > 0 => ("info", "clock", "waiting to be tried again"),
        StepState::Pending => ("idle", "clock", "not started"),
        StepState::Running => ("info", "running", "running"),
        StepState::Done => ("good", "good", "done"),
        StepState::Skipped => ("idle", "idle", "skipped"),
        StepState::Failed => ("bad", "bad", "failed"),
        StepState::Undone => ("idle", "undo", "undone"),
    };
    let time = match (step.started_at, step.ended_at, step.state) {
        (Some(start), Some(end), StepState::Done | StepState::Failed) => words::duration(end - start),
        (Some(start), _, StepState::Running) => words::duration(now - start),
        _ => word.to_owned(),
    };
    let time = if step.attempt > 1 { format!("{time}, tried {} times", step.attempt) } else { time };
    StepLine {
        tone,
        icon,
        spin: step.state == StepState::Running,
        title: step.title.clone(),
        word,
        time,
        detail: step.detail.clone().filter(|_| step.error.is_none()),
        error: step.error.clone(),
    }
}

/// A line as the page and the stream show it.
pub(super) fn log_line(row: &LogRow) -> LogLine {
    LogLine {
        at: row.at.format("%H:%M:%S").to_string(),
        step: row.step_key.as_deref().map(|k| k.trim_start_matches("step:").to_owned()).unwrap_or_default(),
        err: row.stream == "err",
        line: row.line.clone(),
    }
}

/// What the steps offer to look at: `links` in their outputs. Only http addresses and paths of ours.
fn links(steps: &[StepRow]) -> Vec<Link> {
    let all = steps.iter().filter_map(|s| s.output.as_ref()?.get("links")?.as_array().cloned()).flatten();
    all.filter_map(|link| {
        let href = link.get("url").and_then(Value::as_str)?.to_owned();
        if !(href.starts_with("https://")
            || href.starts_with("http://")
            || (href.starts_with('/') && !href.starts_with("//")))
        {
            return None;
        }
        let icon = match link.get("icon").and_then(Value::as_str) {
            Some("catalog") => "catalog",
            Some("docs") => "docs",
            Some("github" | "repository") => "branch",
            _ => "external",
        };
        Some(Link {
            title: link.get("title").and_then(Value::as_str).unwrap_or(&href).to_owned(),
            href: href.clone(),
            icon,
        })
    })
    .collect()
}

/// Texts that the steps leave, already turned from Markdown into safe HTML by whoever made them.
fn texts(steps: &[StepRow]) -> Vec<(String, String)> {
    let all = steps.iter().filter_map(|s| s.output.as_ref()?.get("texts")?.as_array().cloned()).flatten();
    all.filter_map(|text| {
        let get = |key: &str| text.get(key).and_then(Value::as_str).map(str::to_owned);
        Some((get("title").unwrap_or_else(|| "Next".to_owned()), get("html")?))
    })
    .collect()
}

fn effect_line(effect: &EffectRow) -> EffectLine {
    let (word, tone, icon) = match effect.state {
        EffectState::Intended => ("being made", "info", "running"),
        EffectState::Made => ("made", "good", "good"),
        EffectState::Absent => ("not made", "idle", "idle"),
        EffectState::Undone => ("undone", "idle", "undo"),
        EffectState::Leftover => ("left over", "warn", "warn"),
    };
    EffectLine { name: effect.name.clone(), word, tone, icon, note: effect.note.clone() }
}

fn facts(run: &RunRow, request: Option<&RequestRow>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Kind", run.kind.clone())];
    if let Some(template) = run.input.get("template").and_then(Value::as_str) {
        facts.push(("Template", template.to_owned()));
    }
    if let Some(team) = request.and_then(|r| r.team.as_deref()) {
        facts.push(("Team", words::team(team)));
    }
    if let Some(output) = request.and_then(crate::engine::requests::answer::output) {
        facts.push(("Policy", format!("{} by {}", output.decision.as_str(), output.rule_ids.join(", "))));
    }
    facts.push(("Attempt", run.attempt.to_string()));
    facts
}

/// The whole log as text.
pub(super) async fn log(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    can(&visitor.subject, "requests.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    visible(&mut conn, &visitor.subject, id).await?;
    drop(conn);
    let stream = futures::stream::unfold((app, 0_i64), move |(app, after)| async move {
        let mut conn = app.db.acquire().await.ok()?;
        let rows = store::log(&mut conn, id, after, 1_000).await.ok()?;
        drop(conn);
        let last = rows.last()?.seq;
        let text: String = rows
            .iter()
            .map(|r| {
                format!(
                    "{} {} {} {}\n",
                    r.at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
                    r.stream,
                    r.step_key.as_deref().unwrap_or("-"),
                    r.line
                )
            })
            .collect();
        Some((Ok::<_, std::convert::Infallible>(text), (app, last)))
    });
    let mut response = axum::body::Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"run-{id}.log\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

#[derive(Template)]
#[template(path = "requests/confirm.html")]
struct ConfirmPage {
    page: Page,
    id: Uuid,
    title: String,
    verb: &'static str,
    path: &'static str,
    lede: &'static str,
    icon: &'static str,
    goes: Vec<String>,
}

async fn confirm(app: &App, visitor: Visitor, id: Uuid, cancel: bool) -> Result<Response, Problem> {
    let mut conn = app.db.acquire().await?;
    let run = visible(&mut conn, &visitor.subject, id).await?;
    let effects = store::effects(&mut conn, id).await?;
    let goes = effects
        .into_iter()
        .rev()
        .filter(|e| matches!(e.state, EffectState::Made | EffectState::Intended))
        .map(|e| e.name)
        .collect();
    let (verb, path, lede, icon) = if cancel {
        (
            "Cancel run",
            "cancel",
            "It stops after the step that is running; what it has made is then undone, newest first.",
            "stop",
        )
    } else {
        (
            "Roll back",
            "roll-back",
            "Everything that this run made is undone, newest first. What cannot be undone is listed by name.",
            "undo",
        )
    };
    html(&ConfirmPage { page: visitor.page, id, title: run.title, verb, path, lede, icon, goes })
}

pub(super) async fn confirm_cancel(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    confirm(&app, visitor, id, true).await
}

pub(super) async fn confirm_roll_back(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    confirm(&app, visitor, id, false).await
}

async fn change(app: &App, visitor: &Visitor, id: Uuid, verb: Verb, text: &str) -> Result<Response, Problem> {
    actions::change_run(&app.db, &visitor.subject, id, verb).await?;
    flash::good(&visitor.session, text).await;
    Ok(Redirect::to(&format!("/requests/runs/{id}")).into_response())
}

pub(super) async fn cancel(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    change(&app, &visitor, id, Verb::Cancel, "It will stop after the step that is running, and undo what it has made.")
        .await
}

pub(super) async fn retry(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    change(&app, &visitor, id, Verb::Retry, "It goes on at the step that failed; what is done stays done.").await
}

pub(super) async fn roll_back(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    change(&app, &visitor, id, Verb::RollBack, "What this run made is being undone.").await
}
