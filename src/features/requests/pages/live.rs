//! A run as it happens, by server-sent events: lines of the log, and word that steps or state changed.
//! `Last-Event-ID` is the number of the last line, so that a broken connection loses nothing. The
//! stream ends with the run, at shutdown and at sign-out; the right to see is checked again every minute.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use uuid::Uuid;

use super::run::{log_line, visible};
use crate::engine::access::{Resource, Subject, can};
use crate::engine::app::App;
use crate::engine::bus::News;
use crate::engine::runs::store;
use crate::engine::web::current::{self, CurrentUser};
use crate::engine::web::{Path, Problem, Query};

/// How often the right to see is checked again.
const CHECK_AGAIN: Duration = Duration::from_secs(60);
/// News are a hint; without any for so long the run is looked at all the same.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);
/// Lines in one event's turn.
const LINES: i64 = 200;

#[derive(Debug, Deserialize)]
pub(super) struct From {
    #[serde(default)]
    after: i64,
}

pub(super) async fn events(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(from): Query<From>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let CurrentUser(subject) = CurrentUser::from_request_parts(&mut parts, &app).await?;
    can(&subject, "requests.read", &Resource::NONE)?;
    let news = app.bus.subscribe();
    let mut conn = app.db.acquire().await?;
    visible(&mut conn, &subject, id).await?;
    drop(conn);
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let follower = Follower {
        app,
        parts,
        subject,
        id,
        news,
        after: last.unwrap_or(from.after),
        seen: String::new(),
        checked: Instant::now(),
        waiting: Vec::new(),
        ended: false,
    };
    Ok(Sse::new(stream(follower)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// One reader of one run.
struct Follower {
    app: App,
    parts: axum::http::request::Parts,
    subject: Subject,
    id: Uuid,
    news: Receiver<News>,
    after: i64,
    /// The state and steps as last told, in one text, to tell only changes.
    seen: String,
    checked: Instant,
    waiting: Vec<Event>,
    ended: bool,
}

fn stream(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(follower, |mut follower| async move {
        loop {
            if !follower.waiting.is_empty() {
                let event = follower.waiting.remove(0);
                return Some((Ok(event), follower));
            }
            if follower.ended || follower.app.stop.is_cancelled() {
                return None;
            }
            if !follower.seen.is_empty() && !follower.wait().await {
                return None;
            }
            follower.look().await?;
        }
    })
}

impl Follower {
    /// Waits for something to look at; false if the stream must end.
    async fn wait(&mut self) -> bool {
        let deadline = Instant::now() + LOOK_ANYWAY;
        loop {
            tokio::select! {
                () = self.app.stop.cancelled() => return false,
                () = tokio::time::sleep_until(deadline) => return self.may_still_see().await,
                news = self.news.recv() => match news {
                    Ok(News::Run(id)) if id == self.id => return self.may_still_see().await,
                    Ok(News::Access(user)) if user == self.subject.user_id => {
                        self.checked -= CHECK_AGAIN;
                        return self.may_still_see().await;
                    }
                    Ok(News::Gap) | Err(RecvError::Lagged(_)) => return true,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return false,
                },
            }
        }
    }

    async fn may_still_see(&mut self) -> bool {
        if self.checked.elapsed() < CHECK_AGAIN {
            return true;
        }
        self.checked = Instant::now();
        match current::subject(&mut self.parts, &self.app).await {
            Ok(subject) => {
                self.subject = subject;
                true
            }
            Err(_) => false,
        }
    }

    /// Looks at the run and queues what is new; `None` if it cannot be seen.
    async fn look(&mut self) -> Option<()> {
        let mut conn = self.app.db.acquire().await.ok()?;
        let run = visible(&mut conn, &self.subject, self.id).await.ok()?;
        let steps = store::steps(&mut conn, self.id).await.ok()?;
        let rows = store::log(&mut conn, self.id, self.after, LINES).await.ok()?;
        drop(conn);
        let full = i64::try_from(rows.len()).unwrap_or(0) == LINES;
        for row in &rows {
            let line = log_line(row);
            let data = json!({ "at": line.at, "step": line.step, "err": line.err, "line": line.line });
            self.waiting.push(Event::default().event("log").id(row.seq.to_string()).data(data.to_string()));
            self.after = row.seq;
        }
        let states: Vec<String> = steps.iter().map(|s| format!("{}{}", s.state.as_str(), s.attempt)).collect();
        let now = format!("{} {} {}", run.state.as_str(), run.attempt, states.join(" "));
        if now != self.seen {
            self.seen = now;
            self.waiting.push(Event::default().event("changed").data(run.state.as_str()));
        }
        if run.state.is_final() && !full {
            self.waiting.push(Event::default().event("end").data(run.state.as_str()));
            self.ended = true;
        }
        Some(())
    }
}
