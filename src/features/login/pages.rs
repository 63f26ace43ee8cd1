//! `/login`: the door, personal tokens and the theme.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_sessions::Session;
use uuid::Uuid;

use super::actions::{self, TokenWish};
use super::error::LoginError;
use crate::engine::access::session::USER;
use crate::engine::access::store::{self, TokenRow};
use crate::engine::access::{can, subject};
use crate::engine::app::App;
use crate::engine::config::SignIn;
use crate::engine::web::page::{self, Theme, VERSION, html_invalid};
use crate::engine::web::{Form, Page, Path, Problem, Query, Visitor, flash, html, layers, words};
use crate::kernel::fault::{Explain as _, FieldFault};
use crate::kernel::secret::Secret;
use crate::ports::sign_in::Pending;

const PENDING: &str = "login.pending";
const NEXT: &str = "login.next";

/// The routes under `/login`.
pub fn routes() -> Router<App> {
    let door = Router::new().route("/github", get(github)).route("/callback", get(callback)).route("/demo", post(demo));
    layers::sign_in_limit(door)
        .route("/", get(index))
        .route("/sign-out", post(sign_out))
        .route("/sign-out-everywhere", post(sign_out_everywhere))
        .route("/theme", post(theme))
        .route("/tokens", get(tokens).post(create_token))
        .route("/tokens/{id}/revoke", post(revoke_token))
}

#[derive(Template)]
#[template(path = "login/index.html")]
struct IndexPage {
    theme: Theme,
    organization: String,
    version: &'static str,
    github: bool,
    closed: bool,
    next: String,
    people: Vec<PersonLine>,
}

struct PersonLine {
    login: String,
    name: String,
    initials: String,
    role: String,
}

#[derive(Debug, Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn index(State(app): State<App>, Query(query): Query<Next>, headers: HeaderMap) -> Result<Response, Problem> {
    let mode = app.config.sign_in();
    let mut people = Vec::new();
    if mode == SignIn::Demo {
        let mut conn = app.db.acquire().await?;
        people = store::demo_people(&mut conn).await?.into_iter().map(person_line).collect();
    }
    html(&IndexPage {
        theme: Theme::of(&headers),
        organization: page::organization(&app).to_owned(),
        version: VERSION,
        github: mode == SignIn::GitHub,
        closed: mode == SignIn::Closed,
        next: own_path(&query.next),
        people,
    })
}

fn person_line(row: store::UserRow) -> PersonLine {
    let teams = row.teams.iter().map(|t| words::team(t)).collect::<Vec<_>>().join(", ");
    let role = match (row.demo_admin, teams.is_empty()) {
        (true, true) => "Admin".to_owned(),
        (true, false) => format!("{teams}, admin"),
        (false, true) => "In no team".to_owned(),
        (false, false) => format!("Member of {teams}"),
    };
    PersonLine { initials: subject::initials(&row.name), login: row.login, name: row.name, role }
}

/// Only paths of our own: an address elsewhere would make the door a springboard for phishing.
fn own_path(next: &str) -> String {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if own && !next.starts_with("/login") { next.to_owned() } else { "/".to_owned() }
}

async fn github(State(app): State<App>, session: Session, Query(query): Query<Next>) -> Result<Response, Problem> {
    let host = app.sign_in.as_ref().ok_or(LoginError::NotConfigured)?;
    let (url, pending) = host.begin();
    session.insert(PENDING, pending).await.map_err(LoginError::from)?;
    session.insert(NEXT, own_path(&query.next)).await.map_err(LoginError::from)?;
    Ok(Redirect::to(url.as_str()).into_response())
}

#[derive(Debug, Deserialize)]
struct Callback {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    error: Option<String>,
    error_description: Option<String>,
}

async fn callback(
    State(app): State<App>,
    session: Session,
    Query(query): Query<Callback>,
) -> Result<Response, Problem> {
    let host = app.sign_in.as_ref().ok_or(LoginError::NotConfigured)?;
    let pending: Option<Pending> = session.remove(PENDING).await.map_err(LoginError::from)?;
    if let Some(error) = query.error {
        return Err(LoginError::Refused(query.error_description.unwrap_or(error)).into());
    }
    let pending = pending.filter(|p| same(&p.state, &query.state)).ok_or(LoginError::Stale)?;
    let person = host.finish(&Secret::new(query.code), &pending).await.map_err(LoginError::from)?;
    let user = actions::sign_in(&app.db, &person).await?;
    let next: Option<String> = session.remove(NEXT).await.map_err(LoginError::from)?;
    enter(&session, user).await?;
    Ok(Redirect::to(&next.unwrap_or_else(|| "/".to_owned())).into_response())
}

/// Compares without telling by the time it takes how much of it was right.
fn same(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

async fn demo(State(app): State<App>, session: Session, form: Form) -> Result<Response, Problem> {
    if app.config.sign_in() != SignIn::Demo {
        return Err(LoginError::NoDemo.into());
    }
    let user = actions::sign_in_demo(&app.db, form.get("person").unwrap_or_default()).await?;
    enter(&session, user).await?;
    Ok(Redirect::to(&own_path(form.get("next").unwrap_or("/"))).into_response())
}

/// A new session for whoever came in: an id that was known before must not be worth anything.
async fn enter(session: &Session, user: Uuid) -> Result<(), LoginError> {
    session.cycle_id().await?;
    session.insert(USER, user).await?;
    Ok(())
}

async fn sign_out(session: Session) -> Result<Response, Problem> {
    session.flush().await.map_err(LoginError::from)?;
    Ok(Redirect::to("/login").into_response())
}

async fn sign_out_everywhere(State(app): State<App>, visitor: Visitor) -> Result<Response, Problem> {
    actions::sign_out_everywhere(&app.db, &visitor.subject).await?;
    app.sessions.forget(visitor.subject.user_id);
    app.bus.tell(crate::engine::bus::News::Access(visitor.subject.user_id));
    visitor.session.flush().await.map_err(LoginError::from)?;
    Ok(Redirect::to("/login").into_response())
}

async fn theme(form: Form) -> Response {
    let back = own_path(form.get("back").unwrap_or("/"));
    let cookie = match form.get("theme") {
        Some(theme @ ("light" | "dark")) => format!("theme={theme}; Path=/; Max-Age=31536000; SameSite=Lax"),
        _ => "theme=; Path=/; Max-Age=0; SameSite=Lax".to_owned(),
    };
    let mut response = Redirect::to(&back).into_response();
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

#[derive(Template)]
#[template(path = "login/tokens.html")]
struct TokensPage {
    page: Page,
    tokens: Vec<TokenLine>,
    scopes: Vec<ScopeLine>,
    name: String,
    days: String,
    faults: Vec<FieldFault>,
    made: Option<String>,
}

struct TokenLine {
    row: TokenRow,
    made: String,
    ends: String,
    used: String,
}

struct ScopeLine {
    verb: &'static str,
    title: &'static str,
    chosen: bool,
}

impl TokensPage {
    /// What is wrong with a field.
    fn fault(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|f| f.field == field).map(|f| f.message.as_str())
    }
}

async fn tokens(State(app): State<App>, visitor: Visitor) -> Result<Response, Problem> {
    html(&tokens_page(&app, visitor, TokenForm::default()).await?)
}

#[derive(Default)]
struct TokenForm {
    name: String,
    days: String,
    scopes: Vec<String>,
    faults: Vec<FieldFault>,
    made: Option<String>,
}

async fn tokens_page(app: &App, visitor: Visitor, form: TokenForm) -> Result<TokensPage, Problem> {
    let now = app.clock.now();
    let mut conn = app.db.acquire().await?;
    let rows = store::tokens(&mut conn, visitor.subject.user_id).await?;
    let line = |row: TokenRow| TokenLine {
        made: words::when(row.created_at, now),
        ends: words::when(row.expires_at, now),
        used: row.last_used_at.map_or_else(|| "never".to_owned(), |at| words::when(at, now)),
        row,
    };
    Ok(TokensPage {
        page: visitor.page,
        tokens: rows.into_iter().map(line).collect(),
        scopes: can::verbs()
            .map(|(verb, title)| ScopeLine { verb, title, chosen: form.scopes.iter().any(|s| s == verb) })
            .collect(),
        name: form.name,
        days: if form.days.is_empty() { "90".to_owned() } else { form.days },
        faults: form.faults,
        made: form.made,
    })
}

async fn create_token(State(app): State<App>, visitor: Visitor, form: Form) -> Result<Response, Problem> {
    let mut answer = TokenForm {
        name: form.get("name").unwrap_or_default().to_owned(),
        days: form.get("days").unwrap_or_default().to_owned(),
        scopes: form.all("scopes"),
        ..TokenForm::default()
    };
    let wish =
        TokenWish { name: answer.name.clone(), scopes: answer.scopes.clone(), days: answer.days.parse().unwrap_or(0) };
    match actions::create_token(&app.db, &visitor.subject, &wish, app.clock.now()).await {
        Ok((_, secret)) => {
            let made = TokenForm { made: Some(secret.expose().to_owned()), ..TokenForm::default() };
            let mut response = html(&tokens_page(&app, visitor, made).await?)?;
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Err(e) => {
            let crate::kernel::fault::Kind::Invalid(faults) = e.kind() else { return Err(e.into()) };
            answer.faults = faults;
            html_invalid(&tokens_page(&app, visitor, answer).await?)
        }
    }
}

async fn revoke_token(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    actions::revoke_token(&app.db, &visitor.subject, id).await?;
    flash::good(&visitor.session, "Revoked. Whatever still uses this token is refused from now on.").await;
    Ok(Redirect::to("/login/tokens").into_response())
}
