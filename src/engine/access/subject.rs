//! A person, or a token that acts for one, as the rest of the portal sees them.

use uuid::Uuid;

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Row in `access_user`.
    pub user_id: Uuid,
    /// Login, lower case.
    pub login: String,
    /// As people call them.
    pub name: String,
    /// Address, if the code host told it.
    pub email: Option<String>,
    /// Slugs of their teams, sorted.
    pub teams: Vec<String>,
    /// Whether they may do everything.
    pub admin: bool,
    /// Whether they are a demo person.
    pub demo: bool,
    /// By what they came in.
    pub via: Via,
}

/// By what somebody came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// In a browser.
    Session,
    /// With a token, which may do less than its owner.
    Token {
        /// Row in `access_token`.
        id: Uuid,
        /// `feature.verb`, or `feature.*`, or `*`.
        scopes: Vec<String>,
    },
}

impl Subject {
    /// How they are written in requests and in the audit log.
    pub fn who(&self) -> String {
        format!("user:{}", self.login)
    }

    /// What they hold against a row's `visible_to`.
    pub fn claims(&self) -> Vec<String> {
        let mut claims = vec![self.who()];
        claims.extend(self.teams.iter().map(|team| format!("group:{team}")));
        if self.admin {
            claims.push("admin".to_owned());
        }
        claims
    }

    /// Whether they belong to a team.
    pub fn is_in(&self, team: &str) -> bool {
        self.teams.iter().any(|t| t == team)
    }

    /// The token they came with, if any.
    pub fn token_id(&self) -> Option<Uuid> {
        match &self.via {
            Via::Session => None,
            Via::Token { id, .. } => Some(*id),
        }
    }

    /// First letters of first and last name, for the avatar.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// First letters of the first and last word, upper case: "Mara Lindqvist" is "ML".
pub fn initials(name: &str) -> String {
    let mut words = name.split([' ', '-', '_']).filter(|w| !w.is_empty());
    let first = words.next().and_then(|w| w.chars().next());
    let last = words.next_back().and_then(|w| w.chars().next());
    let mut out: String = first.into_iter().chain(last).flat_map(char::to_uppercase).collect();
    if last.is_none() {
        out.extend(name.chars().nth(1).into_iter().flat_map(char::to_uppercase));
    }
    out
}
