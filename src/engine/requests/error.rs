//! Why a request cannot go on as asked, in words for people.

use std::borrow::Cow;

use uuid::Uuid;

use super::store::RequestState;
use crate::engine::access::Denied;
use crate::engine::runs::manage::RunError;
use crate::kernel::fault::{Explain, FieldFault, Kind, WayOn};

/// What can go wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No such request, or not for this reader.
    #[error("no request {0}")]
    NotFound(Uuid),
    /// Whoever asks never decides.
    #[error("the asker cannot answer")]
    OwnRequest,
    /// Not a member of a group that must agree.
    #[error("not among those who must agree: {}", .0.join(", "))]
    NotAsked(Vec<String>),
    /// Its state does not allow it.
    #[error("the request is {}", .0.as_str())]
    State(RequestState),
    /// A denial without a reason.
    #[error("a reason is needed")]
    ReasonNeeded,
    /// No such kind of request in this portal.
    #[error("no kind of request {0}")]
    UnknownKind(String),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Its run cannot be started.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The kind of request refuses, in its own words.
    #[error("{title}")]
    Kind {
        /// What happened.
        title: String,
        /// Why and what next.
        detail: String,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Explain for RequestError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) | Self::UnknownKind(_) => Kind::NotFound,
            Self::OwnRequest | Self::NotAsked(_) | Self::Denied(_) => Kind::Forbidden,
            Self::State(_) | Self::Kind { .. } => Kind::Conflict,
            Self::ReasonNeeded => Kind::Invalid(vec![FieldFault {
                field: "reason".to_owned(),
                message: "Say why, so that the asker knows what to change.".to_owned(),
            }]),
            Self::Run(e) => e.kind(),
            Self::Database(e) => crate::engine::db::database_kind(e),
        }
    }

    fn title(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound(_) => "There is no such request".into(),
            Self::OwnRequest => "Whoever asks never decides".into(),
            Self::NotAsked(_) => "This request is for others to answer".into(),
            Self::State(state) => format!("This request is {} already", state.words()).into(),
            Self::ReasonNeeded => "A denial needs a reason".into(),
            Self::UnknownKind(kind) => format!("This portal does not know requests of the kind {kind}").into(),
            Self::Denied(_) => "You may not do this".into(),
            Self::Run(e) => e.title(),
            Self::Kind { title, .. } => title.clone().into(),
            Self::Database(_) => "The database is not answering".into(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound(_) => "It may belong to another team, or the address is not complete.".into(),
            Self::OwnRequest => "Somebody else of the group that must agree decides.".into(),
            Self::NotAsked(groups) => format!("Policy wants an answer of {}.", groups.join(" or ")).into(),
            Self::State(_) => "It may have moved on since you opened the page; nothing was changed.".into(),
            Self::ReasonNeeded => "Say why, so that the asker knows what to change.".into(),
            Self::UnknownKind(_) => "The request was kept. An admin can tell what made it.".into(),
            Self::Denied(e) => format!("{e}.").into(),
            Self::Run(e) => e.detail(),
            Self::Kind { detail, .. } => detail.clone().into(),
            Self::Database(_) => "Nothing was changed. Try again in a moment.".into(),
        }
    }

    fn ways_on(&self) -> Vec<WayOn> {
        vec![WayOn { label: "See requests".into(), href: "/requests".to_owned() }]
    }
}
