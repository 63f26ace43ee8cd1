//! Why something cannot be created, in words.

use std::borrow::Cow;

use crate::engine::access::Denied;
use crate::engine::requests::RequestError;
use crate::engine::seal::SealError;
use crate::kernel::fault::{Explain, FieldFault, Kind, WayOn};
use crate::ports::PortError;

/// What can go wrong between a template and a repository.
#[derive(Debug, thiserror::Error)]
pub enum ScaffolderError {
    /// No such template, or not for this reader.
    #[error("no template {0}")]
    NoTemplate(String),
    /// It cannot be used as it is.
    #[error("the template cannot be used: {}", .0.join(" "))]
    Unusable(Vec<String>),
    /// No such draft of this person.
    #[error("no such draft")]
    NoDraft,
    /// Answers need a change.
    #[error("answers need a change")]
    Answers(Vec<FieldFault>),
    /// The form is too large.
    #[error("the form has {0} fields")]
    TooManyFields(usize),
    /// A step cannot be planned.
    #[error("step {step}: {why}")]
    Step {
        /// Which.
        step: String,
        /// What is wrong.
        why: String,
    },
    /// The plan that was seen is not the plan of now.
    #[error("the plan has changed")]
    PlanChanged,
    /// Something in the way of the plan.
    #[error("blocked: {0}")]
    Blocked(String),
    /// A code host.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Secrets do not open or seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Explain for ScaffolderError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoTemplate(_) | Self::NoDraft => Kind::NotFound,
            Self::Unusable(_) | Self::PlanChanged | Self::Blocked(_) => Kind::Conflict,
            Self::Answers(fields) => Kind::Invalid(fields.clone()),
            Self::Step { .. } => Kind::Invalid(Vec::new()),
            Self::TooManyFields(_) => Kind::TooLarge(super::model::form::MAX_PAIRS as u64),
            Self::Port(e) if e.is_transient() => Kind::Unavailable("The code host".into()),
            Self::Port(_) => Kind::Conflict,
            Self::Seal(_) => Kind::Internal,
            Self::Denied(e) => e.kind(),
            Self::Request(e) => e.kind(),
            Self::Database(e) => e.kind(),
        }
    }

    fn title(&self) -> Cow<'static, str> {
        match self {
            Self::NoTemplate(_) => "There is no such template".into(),
            Self::Unusable(_) => "This template cannot be used".into(),
            Self::NoDraft => "This draft is gone".into(),
            Self::Answers(faults) => super::model::form::summary_title(faults.len()).into(),
            Self::TooManyFields(_) => "This form has too many fields".into(),
            Self::Step { step, .. } => format!("The step “{step}” of this template does not work").into(),
            Self::PlanChanged => "The plan has changed since you saw it".into(),
            Self::Blocked(_) => "Something is in the way".into(),
            Self::Port(PortError::NotFound { .. }) => "The template's files were not found".into(),
            Self::Port(e) if e.is_transient() => "The code host is not answering".into(),
            Self::Port(_) => "The code host refused".into(),
            Self::Seal(_) => "Something went wrong here".into(),
            Self::Denied(e) => e.title(),
            Self::Request(e) => e.title(),
            Self::Database(e) => e.title(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::NoTemplate(name) => format!("{name} is not in the catalog, or you may not see it.").into(),
            Self::Unusable(problems) => problems.join(" ").into(),
            Self::NoDraft => "Drafts are kept for a day after the last change, and go when their run starts.".into(),
            Self::Answers(_) => "See the fields.".into(),
            Self::TooManyFields(n) => format!("It has {n}; the portal takes up to {}.", super::model::form::MAX_PAIRS).into(),
            Self::Step { why, .. } => format!("{why}. Its owner can mend it; nothing was made.").into(),
            Self::PlanChanged => "The template or the code host changed meanwhile. Nothing was made; look at the new plan and go on.".into(),
            Self::Blocked(why) => format!("{why} Nothing was made.").into(),
            Self::Port(e) => format!("{e}. Nothing was made.").into(),
            Self::Seal(_) => "It is our mistake, not yours. It has been written down; with the request id the platform team finds it.".into(),
            Self::Denied(e) => e.detail(),
            Self::Request(e) => e.detail(),
            Self::Database(e) => e.detail(),
        }
    }

    fn ways_on(&self) -> Vec<WayOn> {
        vec![WayOn { label: "See all templates".into(), href: "/scaffolder".to_owned() }]
    }
}
