//! Why somebody cannot come in, in words.

use std::borrow::Cow;

use crate::engine::access::Denied;
use crate::kernel::fault::{Explain, FieldFault, Kind, WayOn};
use crate::ports::PortError;

/// What can go wrong at the door.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// GitHub came back with something that this session did not ask for.
    #[error("the state does not match")]
    Stale,
    /// The person said no on GitHub's page.
    #[error("GitHub answered {0}")]
    Refused(String),
    /// Somebody from outside the organization.
    #[error("{0} does not belong to the organization")]
    Outsider(String),
    /// No sign-in with GitHub is set up.
    #[error("sign-in with GitHub is not configured")]
    NotConfigured,
    /// Demo people are not offered here.
    #[error("demo people are not offered")]
    NoDemo,
    /// GitHub failed.
    #[error(transparent)]
    Host(#[from] PortError),
    /// The session cannot be written.
    #[error("the session: {0}")]
    Session(#[from] tower_sessions::session::Error),
    /// A token as asked for cannot be made.
    #[error("the token's form has mistakes")]
    Token(Vec<FieldFault>),
    /// No such token.
    #[error("no such token")]
    NoToken,
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Explain for LoginError {
    fn kind(&self) -> Kind {
        match self {
            Self::Stale | Self::Refused(_) => Kind::Invalid(Vec::new()),
            Self::NotConfigured | Self::NoDemo | Self::NoToken => Kind::NotFound,
            Self::Host(e) if e.is_transient() => Kind::Unavailable("GitHub".into()),
            Self::Outsider(_) | Self::Host(_) | Self::Denied(_) => Kind::Forbidden,
            Self::Session(_) => Kind::Unavailable("The database".into()),
            Self::Token(fields) => Kind::Invalid(fields.clone()),
            Self::Database(e) => e.kind(),
        }
    }

    fn title(&self) -> Cow<'static, str> {
        match self {
            Self::Stale => "This sign-in is too old".into(),
            Self::Refused(_) => "GitHub did not let you through".into(),
            Self::Outsider(_) => "You do not belong to the organization".into(),
            Self::NotConfigured => "Sign-in with GitHub is not set up here".into(),
            Self::NoDemo => "Demo people are not offered here".into(),
            Self::Host(e) if e.is_transient() => "GitHub is not answering".into(),
            Self::Host(_) => "GitHub did not accept the sign-in".into(),
            Self::Session(_) => "The database is not answering".into(),
            Self::Token(_) => "The token needs a change".into(),
            Self::NoToken => "There is no such token".into(),
            Self::Denied(e) => e.title(),
            Self::Database(e) => e.title(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Stale => "It was begun in another window, or more than a while ago. Begin again.".into(),
            Self::Refused(why) => format!("It said “{why}”. Begin again and allow the portal to know who you are and to which teams you belong.").into(),
            Self::Outsider(login) => format!("GitHub does not count {login} among the people of the organization that this portal serves. Accept its invitation first, or sign in with another account. If you do belong to it, one of its owners has yet to let this application see the organization (Settings, Third-party access).").into(),
            Self::NotConfigured => "An admin sets SLIPWAY_GITHUB_CLIENT_ID and SLIPWAY_GITHUB_CLIENT_SECRET.".into(),
            Self::NoDemo => "They exist only on a loopback address or with SLIPWAY_DEMO=1, and not beside sign-in with GitHub.".into(),
            Self::Host(e) if e.is_transient() => "Nothing was changed. Try again in a moment.".into(),
            Self::Host(_) => "The code may have been used already. Begin again; if it stays, an admin checks the application's secret.".into(),
            Self::Session(_) => "You were not signed in. Try again in a moment.".into(),
            Self::Token(_) => "See the fields.".into(),
            Self::NoToken => "It may have ended or been revoked already.".into(),
            Self::Denied(e) => e.detail(),
            Self::Database(e) => e.detail(),
        }
    }

    fn ways_on(&self) -> Vec<WayOn> {
        match self {
            Self::Token(_) | Self::NoToken => {
                vec![WayOn { label: "My tokens".into(), href: "/login/tokens".to_owned() }]
            }
            _ => vec![WayOn { label: "Sign in".into(), href: "/login".to_owned() }],
        }
    }
}
