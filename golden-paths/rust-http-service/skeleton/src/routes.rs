//! What callers can ask. Keep `openapi.yaml` in step: a test compares the two.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, Request, rejection::PathRejection},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
};

use crate::{problem::Problem, telemetry};

/// A request that takes longer is answered with 504. Less than the time Kubernetes gives a pod
/// to end, so that a stop never cuts one off.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest name that is greeted.
const LONGEST_NAME: usize = 64;

/// All routes for callers.
pub fn router() -> Router {
    let routes = Router::new()
        .route("/", get(index))
        .route("/v1/greetings/{name}", get(greeting))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed);
    guarded(routes)
}

/// Gives every route an id, a log line, a measurement and a time limit.
///
/// The last layer is the outermost: the request gets its id before it is logged, and a panic or
/// a timeout is counted like any other failure.
fn guarded(routes: Router) -> Router {
    routes
        .layer(CatchPanicLayer::custom(|_| fault()))
        .layer(middleware::from_fn(limit_time))
        .layer(middleware::from_fn(telemetry::observe))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Who answers here.
#[derive(Serialize)]
struct Index {
    name: &'static str,
    version: &'static str,
    description: &'static str,
}

/// `GET /`
async fn index() -> Json<Index> {
    Json(Index {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: env!("CARGO_PKG_DESCRIPTION"),
    })
}

/// An example resource without state, so that every copy gives the same answer.
#[derive(Serialize)]
struct Greeting {
    name: String,
    message: String,
}

/// `GET /v1/greetings/{name}`: replace it with your first real route.
async fn greeting(name: Result<Path<String>, PathRejection>) -> Result<Json<Greeting>, Problem> {
    let Path(name) =
        name.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    if !is_name(&name) {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "The name must have 1 to {LONGEST_NAME} letters, spaces, hyphens or apostrophes."
            ),
        ));
    }
    let message = format!("Hello, {name}.");
    Ok(Json(Greeting { name, message }))
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'');
    (1..=LONGEST_NAME).contains(&text.chars().count())
        && text.chars().all(allowed)
        && text.chars().any(char::is_alphabetic)
}

async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "There is nothing at this address. openapi.yaml lists what there is.",
    )
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address exists, but not for this method. The Allow header lists the methods.",
    )
}

/// The panic itself is in the log, with the id of the request.
fn fault() -> Response {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The fault is ours. Report it with the x-request-id of this answer.",
    )
    .into_response()
}

async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "It took too long to answer. Try again in a moment.",
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, future};

    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;

    /// What a caller sees when the one route there is behaves badly.
    async fn answer_of(route: axum::routing::MethodRouter) -> Result<Response, Box<dyn Error>> {
        let request = Request::get("/").body(Body::empty())?;
        Ok(guarded(Router::new().route("/", route))
            .oneshot(request)
            .await?)
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_an_id_to_report() -> Result<(), Box<dyn Error>> {
        #[expect(clippy::panic, reason = "that is what is tested")]
        async fn broken() {
            panic!("on purpose")
        }
        let response = answer_of(get(broken)).await?;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert!(response.headers().contains_key("x-request-id"));
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_that_hangs_is_given_up() -> Result<(), Box<dyn Error>> {
        let response = answer_of(get(future::pending::<()>)).await?;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        Ok(())
    }

    #[test]
    fn names_of_people_are_names() {
        for name in ["Ada", "Ines Duarte", "O'Neill", "Zoë", "Anne-Marie"] {
            assert!(is_name(name), "{name}");
        }
        for other in ["", " ", "4711", "a/b", "<b>", &"x".repeat(65)] {
            assert!(!is_name(other), "{other}");
        }
    }
}
