//! `/api/v1/me` and `/api/v1/tokens`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::actions::{self, TokenWish};
use crate::engine::access::{Resource, can, store};
use crate::engine::app::App;
use crate::engine::web::api::{Body, List};
use crate::engine::web::current::CurrentUser;
use crate::engine::web::problem::ProblemBody;
use crate::engine::web::{Path, Problem};

/// The routes under `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(tokens, create)).routes(routes!(revoke))
}

/// Whoever asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Login, lower case.
    pub login: String,
    /// Name.
    pub name: String,
    /// Team slugs.
    pub teams: Vec<String>,
    /// Whether they may do everything.
    pub admin: bool,
}

/// Who you are
#[utoipa::path(get, path = "/me", tag = "access", responses((status = 200, body = Me), (status = 401, body = ProblemBody)))]
async fn me(CurrentUser(subject): CurrentUser) -> Json<Me> {
    Json(Me { login: subject.login, name: subject.name, teams: subject.teams, admin: subject.admin })
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    /// Key.
    pub id: Uuid,
    /// Its owner's name for it.
    pub name: String,
    /// First characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Your tokens
#[utoipa::path(get, path = "/tokens", tag = "access", responses((status = 200, body = List<Token>), (status = 401, body = ProblemBody)))]
async fn tokens(State(app): State<App>, CurrentUser(subject): CurrentUser) -> Result<Json<List<Token>>, Problem> {
    can(&subject, "access.tokens", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let rows = store::tokens(&mut conn, subject.user_id).await?;
    let items = rows
        .into_iter()
        .map(|r| Token {
            id: r.id,
            name: r.name,
            hint: r.hint,
            scopes: r.scopes,
            created_at: r.created_at,
            expires_at: r.expires_at,
            last_used_at: r.last_used_at,
        })
        .collect();
    Ok(Json(List { items, next: None }))
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewToken {
    /// Your name for it.
    pub name: String,
    /// What it may do: `feature.verb`, `feature.*` or `*`.
    pub scopes: Vec<String>,
    /// How many days it lives, 1 to 366.
    #[serde(default = "ninety")]
    pub days: i64,
}

fn ninety() -> i64 {
    90
}

/// A token as it was made: the only time its secret is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeToken {
    /// Key.
    pub id: Uuid,
    /// The secret.
    pub token: String,
}

/// Make a token
#[utoipa::path(post, path = "/tokens", tag = "access", request_body = NewToken,
    responses((status = 201, body = MadeToken), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn create(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Body(new): Body<NewToken>,
) -> Result<impl IntoResponse, Problem> {
    let wish = TokenWish { name: new.name, scopes: new.scopes, days: new.days };
    let (id, secret) = actions::create_token(&app.db, &subject, &wish, app.clock.now()).await?;
    let body = MadeToken { id, token: secret.expose().to_owned() };
    Ok((StatusCode::CREATED, [("cache-control", "no-store")], Json(body)))
}

/// Revoke a token
#[utoipa::path(delete, path = "/tokens/{id}", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn revoke(
    State(app): State<App>,
    CurrentUser(subject): CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    actions::revoke_token(&app.db, &subject, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
