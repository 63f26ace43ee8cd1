//! May this person do that to this thing? One function for pages, API and jobs.
//! Verbs are `feature.verb`; token scopes are the same names. Roles and conditions come behind it later.

use std::borrow::Cow;

use uuid::Uuid;

use super::subject::{Subject, Via};
use crate::kernel::fault::{Explain, Kind};

/// What a verb is done to. Only what rules look at.
#[derive(Debug, Clone, Default)]
pub struct Resource<'a> {
    /// Slug of the team that owns it.
    pub owner_team: Option<&'a str>,
    /// Person who asked for it or made it.
    pub owner_user: Option<Uuid>,
}

impl<'a> Resource<'a> {
    /// Something that nobody owns: a list, a page.
    pub const NONE: Resource<'static> = Resource { owner_team: None, owner_user: None };

    /// Something that a person asked for, perhaps for a team.
    pub fn of(user: Option<Uuid>, team: Option<&'a str>) -> Self {
        Self { owner_team: team, owner_user: user }
    }
}

/// The answer no, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The token was not given this scope.
    #[error("this token does not hold the scope {0}")]
    Scope(&'static str),
    /// Only admins.
    #[error("only admins may do this")]
    AdminOnly,
    /// Only whoever asked, the team that owns it, or admins.
    #[error("only whoever asked for it, the team that owns it, or an admin may do this")]
    OwnerOnly,
    /// A verb that no rule knows: no.
    #[error("nothing allows {0}")]
    Unknown(String),
}

impl Explain for Denied {
    fn kind(&self) -> Kind {
        Kind::Forbidden
    }

    fn title(&self) -> Cow<'static, str> {
        "You may not do this".into()
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Scope(verb) => format!("The token was not given the scope {verb}. Make one that has it.").into(),
            other => {
                let text = other.to_string();
                let mut letters = text.chars();
                let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
                format!("{first}{}.", letters.as_str()).into()
            }
        }
    }
}

/// Who may do a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Everybody who is signed in.
    Member,
    /// Whoever asked for it, its team, and admins.
    Owner,
    /// Admins.
    Admin,
}

/// Every verb there is, for the rules and for the list of token scopes.
const VERBS: &[(&str, Rule, &str)] = &[
    ("catalog.read", Rule::Member, "Read the catalog"),
    ("catalog.register", Rule::Member, "Register a source of the catalog"),
    ("catalog.refresh", Rule::Member, "Read a source again"),
    ("catalog.unregister", Rule::Owner, "Remove a source and its entities"),
    ("scaffolder.read", Rule::Member, "See templates"),
    ("scaffolder.create", Rule::Member, "Create from a template"),
    ("requests.read", Rule::Member, "See requests and runs"),
    ("requests.decide", Rule::Member, "Answer requests of your teams"),
    ("requests.withdraw", Rule::Owner, "Withdraw a request"),
    ("runs.cancel", Rule::Owner, "Cancel a run"),
    ("runs.retry", Rule::Owner, "Retry a run"),
    ("runs.undo", Rule::Owner, "Roll a run back"),
    ("access.tokens", Rule::Member, "Make and revoke your tokens"),
    ("git.read", Rule::Member, "Clone from the local code host"),
    ("git.write", Rule::Member, "Push to the local code host"),
    ("admin.read", Rule::Admin, "See the admin pages"),
    ("admin.write", Rule::Admin, "Change what admins curate"),
];

/// All verbs with a sentence each, in the order of the pages.
pub fn verbs() -> impl Iterator<Item = (&'static str, &'static str)> {
    VERBS.iter().map(|(verb, _, title)| (*verb, *title))
}

/// Whether the subject may do the verb to the resource.
///
/// # Errors
/// The reason why not.
pub fn can(subject: &Subject, verb: &str, resource: &Resource<'_>) -> Result<(), Denied> {
    let Some((verb, rule, _)) = VERBS.iter().find(|(name, ..)| *name == verb) else {
        return Err(Denied::Unknown(verb.to_owned()));
    };
    if let Via::Token { scopes, .. } = &subject.via
        && !scopes.iter().any(|scope| covers(scope, verb))
    {
        return Err(Denied::Scope(verb));
    }
    match rule {
        Rule::Admin if !subject.admin => Err(Denied::AdminOnly),
        Rule::Owner if !owns(subject, resource) => Err(Denied::OwnerOnly),
        Rule::Member | Rule::Owner | Rule::Admin => Ok(()),
    }
}

fn owns(subject: &Subject, resource: &Resource<'_>) -> bool {
    subject.admin
        || resource.owner_user == Some(subject.user_id)
        || resource.owner_team.is_some_and(|team| subject.is_in(team))
}

/// Whether a scope as given to a token covers a verb.
fn covers(scope: &str, verb: &str) -> bool {
    scope == "*"
        || scope == verb
        || scope.strip_suffix('*').is_some_and(|head| head.ends_with('.') && verb.starts_with(head))
}

/// Whether a text is a scope that a token may be given.
pub fn is_scope(scope: &str) -> bool {
    scope == "*" || VERBS.iter().any(|(verb, ..)| covers(scope, verb))
}
