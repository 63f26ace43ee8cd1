//! `/requests`: the inbox, a request's story, and every run's page.

mod index;
mod live;
mod run;
mod show;

use axum::Router;
use axum::routing::{get, post};

use crate::engine::app::App;
use crate::engine::requests::RequestState;

/// The routes under `/requests`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(index::index))
        .route("/{id}", get(show::show))
        .route("/{id}/answer", post(show::answer))
        .route("/{id}/withdraw", post(show::withdraw))
        .route("/runs", get(index::runs))
        .route("/runs/{id}", get(run::show))
        .route("/runs/{id}/log", get(run::log))
        .route("/runs/{id}/events", get(live::events))
        .route("/runs/{id}/cancel", get(run::confirm_cancel).post(run::cancel))
        .route("/runs/{id}/retry", post(run::retry))
        .route("/runs/{id}/roll-back", get(run::confirm_roll_back).post(run::roll_back))
}

/// A state as people see it: tone, icon, words.
#[derive(Debug, Clone)]
pub struct Badge {
    /// `good`, `warn`, `bad`, `info` or `idle`.
    pub tone: &'static str,
    /// In the sprite.
    pub icon: &'static str,
    /// For people.
    pub words: String,
}

impl Badge {
    fn new(tone: &'static str, icon: &'static str, words: impl Into<String>) -> Self {
        Self { tone, icon, words: words.into() }
    }

    /// Of a run's state as stored.
    pub fn of_run(state: &str) -> Self {
        match state {
            "queued" => Self::new("info", "clock", "Waiting for a worker"),
            "running" => Self::new("info", "running", "Running"),
            "parked" => Self::new("info", "pause", "Waiting"),
            "cancelling" => Self::new("warn", "stop", "Being cancelled"),
            "rolling_back" => Self::new("warn", "undo", "Being rolled back"),
            "succeeded" => Self::new("good", "good", "Succeeded"),
            "failed" => Self::new("bad", "bad", "Failed"),
            "cancelled" => Self::new("idle", "stop", "Cancelled"),
            "rolled_back" => Self::new("idle", "undo", "Rolled back"),
            other => Self::new("idle", "idle", other),
        }
    }

    /// Of a request's state.
    pub fn of_request(state: RequestState) -> Self {
        match state {
            RequestState::Submitted => Self::new("info", "running", "Being planned"),
            RequestState::Planned => Self::new("info", "running", "Being decided"),
            RequestState::AwaitingApproval => Self::new("info", "clock", "Waits for an answer"),
            RequestState::Approved => Self::new("info", "running", "About to start"),
            RequestState::Denied => Self::new("bad", "bad", "Denied"),
            RequestState::Expired => Self::new("idle", "clock", "Expired"),
            RequestState::Withdrawn => Self::new("idle", "undo", "Withdrawn"),
            RequestState::Running => Self::new("info", "running", "Running"),
            RequestState::Fulfilled => Self::new("good", "good", "Done"),
            RequestState::Failed => Self::new("bad", "bad", "Failed"),
            RequestState::Cancelled => Self::new("idle", "stop", "Cancelled"),
        }
    }
}

/// "user:mara" is "mara" for people.
pub fn person(who: &str) -> &str {
    who.strip_prefix("user:").unwrap_or(who)
}
