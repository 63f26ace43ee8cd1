//! What every page's layout needs: who is here, where they are, what waits for them, and the message
//! that the last action left. [`Visitor`] is the extractor of all pages behind sign-in.

use std::time::Instant;

use askama::Template;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use tower_sessions::Session;

use super::current;
use super::flash::{self, Flash};
use super::problem::{AsItIs, Problem};
use crate::engine::access::Subject;
use crate::engine::app::App;
use crate::engine::requests;
use crate::kernel::fault::{Explain, Kind};

/// The portal's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Light, dark, or as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// From the request's cookie.
    pub fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        let theme = cookies.flat_map(|c| c.split(';')).find_map(|c| c.trim().strip_prefix("theme="));
        match theme {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// The attribute's value, empty where the system decides.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What the layout shows around every page.
#[derive(Debug, Clone)]
pub struct Page {
    /// First segment of the path, for the navigation.
    pub section: String,
    /// Path and query, so that changing the theme comes back here.
    pub here: String,
    /// Light or dark.
    pub theme: Theme,
    /// Name of whoever is here.
    pub name: String,
    /// Their initials.
    pub initials: String,
    /// Their teams, in words.
    pub teams: String,
    /// Whether they see the admin pages.
    pub admin: bool,
    /// Whether anybody may sign in as a demo person: the banner.
    pub demo: bool,
    /// Requests that wait for them.
    pub waiting: i64,
    /// The message that the last action left.
    pub flash: Option<Flash>,
    /// The organization's name.
    pub organization: String,
    /// The portal's version.
    pub version: &'static str,
    /// What stands in the search box.
    pub search: String,
    started: Instant,
}

impl Page {
    /// Milliseconds since the request came.
    pub fn made_in(&self) -> u128 {
        self.started.elapsed().as_millis()
    }

    /// `aria-current` of a navigation link.
    pub fn is(&self, section: &str) -> bool {
        self.section == section
    }

    /// A page as samples for tests of templates need it.
    pub fn sample() -> Self {
        Self {
            section: "catalog".to_owned(),
            here: "/catalog".to_owned(),
            theme: Theme::System,
            name: "Mara Lindqvist".to_owned(),
            initials: "ML".to_owned(),
            teams: "Tracking".to_owned(),
            admin: true,
            demo: true,
            waiting: 2,
            flash: Some(Flash { tone: "good".to_owned(), text: "Done.".to_owned() }),
            organization: "Tidepost".to_owned(),
            version: VERSION,
            search: String::new(),
            started: Instant::now(),
        }
    }
}

/// The organization's name: the configured one, the example's, or none.
pub fn organization(app: &App) -> &str {
    match &app.config.github.org {
        Some(org) => org,
        None if app.config.catalog.example => "Tidepost",
        None => "",
    }
}

/// Somebody who is signed in and looks at a page.
#[derive(Debug)]
pub struct Visitor {
    /// Who.
    pub subject: Subject,
    /// Their session.
    pub session: Session,
    /// The layout's context.
    pub page: Page,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let started = Instant::now();
        let subject = current::subject(parts, app).await?;
        let session = Session::from_request_parts(parts, app).await.map_err(|_| sign_in_needed())?;
        let uri = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |u| u.0.clone());
        let here = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let section = uri.path().trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
        let waiting = requests::waiting(app, &subject).await?;
        let flash = if parts.method == axum::http::Method::GET { flash::take(&session).await } else { None };
        let page = Page {
            section,
            here,
            theme: Theme::of(&parts.headers),
            name: subject.name.clone(),
            initials: subject.initials(),
            teams: subject.teams.iter().map(|t| super::words::team(t)).collect::<Vec<_>>().join(", "),
            admin: subject.admin,
            demo: subject.demo,
            waiting,
            flash,
            organization: organization(app).to_owned(),
            version: VERSION,
            search: String::new(),
            started,
        };
        Ok(Self { subject, session, page })
    }
}

/// The problem of somebody who is not signed in.
pub fn sign_in_needed() -> Problem {
    Problem::new(Kind::SignInNeeded, "Sign in first", "This page is for people of the organization.")
        .way_on("Sign in", "/login")
}

/// A page that does not render: a mistake of ours.
#[derive(Debug, thiserror::Error)]
#[error("a page does not render: {0}")]
pub struct RenderError(#[from] askama::Error);

impl Explain for RenderError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }

    fn title(&self) -> std::borrow::Cow<'static, str> {
        "Something went wrong here".into()
    }

    fn detail(&self) -> std::borrow::Cow<'static, str> {
        "It is our mistake, not yours. It has been written down; with the request id the platform team finds it.".into()
    }
}

/// Renders a page.
///
/// # Errors
/// It does not render.
pub fn html(template: &impl Template) -> Result<Response, Problem> {
    Ok(Html(template.render().map_err(RenderError)?).into_response())
}

/// Renders a form again with what is wrong with it: status 422, and the page stands as it is.
///
/// # Errors
/// It does not render.
pub fn html_invalid(template: &impl Template) -> Result<Response, Problem> {
    let mut response = html(template)?;
    *response.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    response.extensions_mut().insert(AsItIs);
    Ok(response)
}
