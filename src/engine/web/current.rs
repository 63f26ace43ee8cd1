//! Who makes this request: by the session's cookie or by a bearer token.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use tower_sessions::Session;
use uuid::Uuid;

use super::page::sign_in_needed;
use super::problem::Problem;
use crate::engine::access::session::USER;
use crate::engine::access::{Subject, Via, store, token};
use crate::engine::app::App;
use crate::kernel::fault::Kind;

/// Somebody who is signed in, by session or by token.
#[derive(Debug, Clone)]
pub struct CurrentUser(pub Subject);

impl FromRequestParts<App> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        subject(parts, app).await.map(Self)
    }
}

/// The subject of a request.
///
/// # Errors
/// Nobody is signed in, the token is not valid, or the database is away.
pub async fn subject(parts: &mut Parts, app: &App) -> Result<Subject, Problem> {
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let secret = text.strip_prefix("Bearer ").map(str::trim).map(str::to_owned);
        return match secret {
            Some(secret) => by_token(app, &secret).await?.ok_or_else(bad_token),
            None => Err(bad_token()),
        };
    }
    let session = Session::from_request_parts(parts, app).await.map_err(|_| sign_in_needed())?;
    let user = session.get::<Uuid>(USER).await.map_err(|e| {
        tracing::warn!(error = %e, "a session cannot be read");
        Problem::new(
            Kind::Unavailable("The database".into()),
            "The database is not answering",
            "Nothing was lost. The portal goes on by itself as soon as the database answers; try again in a moment.",
        )
    })?;
    let Some(user) = user else { return Err(sign_in_needed()) };
    app.sessions.subject(user, Via::Session).await?.ok_or_else(sign_in_needed)
}

/// The subject of a token, if it lives.
///
/// # Errors
/// The database.
pub async fn by_token(app: &App, secret: &str) -> sqlx::Result<Option<Subject>> {
    if !secret.starts_with(token::PREFIX) {
        return Ok(None);
    }
    let mut conn = app.db.acquire().await?;
    let Some((id, user, scopes)) = store::use_token(&mut conn, &token::hash(secret)).await? else { return Ok(None) };
    drop(conn);
    app.sessions.subject(user, Via::Token { id, scopes }).await
}

fn bad_token() -> Problem {
    Problem::new(
        Kind::SignInNeeded,
        "This token is not valid",
        "It may have ended, been revoked, or been cut when it was copied. Make a new one under My tokens.",
    )
}
