//! Who calls, and what they may see and do. Never kinder than GitHub: a token that is not known is
//! refused, a scope that is missing hides or refuses, and what one may not see is "not found".

use std::collections::BTreeMap;

use base64::Engine as _;
use octocrab::jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use super::reply::{Reply, refuse};
use super::state::{Grants, Holder, Installation, Level, Repo, Role, State};

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody that we know.
    Anonymous,
    /// A person, by token.
    Person {
        /// Lower-case login.
        login: String,
        /// What the token may do.
        grants: Grants,
    },
    /// An app in an organization.
    Installation(Installation),
    /// An app as itself.
    App(u64),
}

impl Caller {
    /// The person's login.
    pub fn login(&self) -> Option<&str> {
        match self {
            Self::Person { login, .. } => Some(login),
            _ => None,
        }
    }

    /// Whether a scope was given; always for tokens that have no scopes.
    pub fn scope(&self, any_of: &[&str]) -> bool {
        match self {
            Self::Person { grants: Grants::Scopes(scopes), .. } => any_of.iter().any(|s| has_scope(scopes, s)),
            Self::Anonymous => false,
            _ => true,
        }
    }

    /// The scopes, for the header that tells them.
    pub fn scopes(&self) -> Option<String> {
        match self {
            Self::Person { grants: Grants::Scopes(scopes), .. } => {
                Some(scopes.iter().cloned().collect::<Vec<_>>().join(", "))
            }
            _ => None,
        }
    }
}

/// Scopes include smaller ones (docs, "Scopes for OAuth apps").
fn has_scope(scopes: &std::collections::BTreeSet<String>, wanted: &str) -> bool {
    let larger: &[&str] = match wanted {
        "public_repo" => &["repo"],
        "read:org" => &["write:org", "admin:org"],
        "write:org" => &["admin:org"],
        "read:user" | "user:email" => &["user"],
        _ => &[],
    };
    scopes.contains(wanted) || larger.iter().any(|s| scopes.contains(*s))
}

/// Reads the Authorization header.
pub fn caller(state: &State, authorization: Option<&str>) -> Result<Caller, Reply> {
    let Some(header) = authorization else { return Ok(Caller::Anonymous) };
    let (scheme, token) = header.split_once(' ').unwrap_or(("", header));
    if !["bearer", "token"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(refuse(401, "Bad credentials"));
    }
    if token.starts_with("ey") && token.matches('.').count() == 2 {
        return app(state, token).map(Caller::App);
    }
    let known = state.tokens.get(token).filter(|t| t.expires.is_none_or(|at| at > chrono::Utc::now()));
    match known.map(|t| &t.holder) {
        Some(Holder::Person { login, grants }) => Ok(Caller::Person { login: login.clone(), grants: grants.clone() }),
        Some(Holder::Installation { id }) => match state.installations.get(id) {
            Some(found) => Ok(Caller::Installation(found.clone())),
            None => Err(refuse(401, "Bad credentials")),
        },
        None => Err(refuse(401, "Bad credentials")),
    }
}

/// Checks an app's own token (docs, "Generating a JSON Web Token (JWT) for a GitHub App").
fn app(state: &State, token: &str) -> Result<u64, Reply> {
    let broken = || refuse(401, "A JSON web token could not be decoded");
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| broken())?;
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| broken())?;
    let issuer = &claims["iss"];
    let id = issuer.as_u64().or_else(|| issuer.as_str()?.parse().ok()).ok_or_else(broken)?;
    // actions/create-github-app-token issue 76.
    let key = state.apps.get(&id).ok_or_else(|| refuse(404, "Integration not found"))?;
    let key = DecodingKey::from_rsa_pem(key.as_bytes()).expect("the world's key is RSA");
    decode::<Value>(token, &key, &Validation::new(Algorithm::RS256)).map_err(|_| broken())?;
    let expires = claims["exp"].as_i64().unwrap_or_default();
    if expires > chrono::Utc::now().timestamp() + 600 {
        return Err(refuse(401, "'Expiration time' claim ('exp') is too far in the future"));
    }
    Ok(id)
}

/// The permission that an operation needs from a fine-grained token or an app (docs, "Permissions
/// required for GitHub Apps").
fn needed(operation: &str) -> Option<(&'static str, &'static str)> {
    match operation {
        "repos/update"
        | "repos/delete"
        | "repos/create-in-org"
        | "repos/create-for-authenticated-user"
        | "repos/replace-all-topics"
        | "repos/add-collaborator"
        | "repos/update-branch-protection"
        | "teams/add-or-update-repo-permissions-in-org" => Some(("administration", "write")),
        "repos/get-branch-protection" => Some(("administration", "read")),
        "git/create-ref" | "git/update-ref" | "git/delete-ref" | "git/create-blob" | "git/create-tree"
        | "git/create-commit" => Some(("contents", "write")),
        "git/get-ref"
        | "git/list-matching-refs"
        | "git/get-blob"
        | "git/get-tree"
        | "git/get-commit"
        | "repos/get-commit"
        | "repos/get-content"
        | "repos/download-tarball-archive" => Some(("contents", "read")),
        "orgs/list-members" | "teams/list" | "teams/list-members-in-org" => Some(("members", "read")),
        _ => None,
    }
}

/// Refuses an operation for which a fine-grained token or an app lacks the permission. Reading what
/// is public needs none.
pub fn require(caller: &Caller, operation: &str, public: bool) -> Result<(), Reply> {
    let Some((area, level)) = needed(operation) else { return Ok(()) };
    if public && level == "read" {
        return Ok(());
    }
    let has = |permissions: &BTreeMap<String, String>| match permissions.get(area).map(String::as_str) {
        Some("write" | "admin") => true,
        Some("read") => level == "read",
        _ => false,
    };
    match caller {
        Caller::Person { grants: Grants::Fine { permissions, .. }, .. } if !has(permissions) => {
            Err(not_accessible(caller))
        }
        Caller::Installation(found) if !has(&found.permissions) => Err(not_accessible(caller)),
        _ => Ok(()),
    }
}

/// 403 of fine-grained tokens and apps (docs, "Troubleshooting", "Resource not accessible").
pub fn not_accessible(caller: &Caller) -> Reply {
    match caller {
        Caller::Installation(_) | Caller::App(_) => refuse(403, "Resource not accessible by integration"),
        _ => refuse(403, "Resource not accessible by personal access token"),
    }
}

/// Whether workflow files may be written.
pub fn may_write_workflows(caller: &Caller) -> bool {
    let write = |p: &BTreeMap<String, String>| p.get("workflows").is_some_and(|l| l == "write");
    match caller {
        Caller::Person { grants: Grants::Fine { permissions, .. }, .. } => write(permissions),
        Caller::Installation(found) => write(&found.permissions),
        _ => caller.scope(&["workflow"]),
    }
}

/// What the caller may do with a repository.
pub fn level(state: &State, caller: &Caller, repo: &Repo) -> Level {
    let public = if repo.private() { Level::None } else { Level::Read };
    match caller {
        Caller::Installation(found) if found.org.eq_ignore_ascii_case(&repo.owner) => Level::Admin,
        Caller::Anonymous | Caller::App(_) | Caller::Installation(_) => public,
        Caller::Person { login, grants } => {
            let own = person(state, login, repo);
            match grants {
                Grants::Fine { owner, .. } if owner.eq_ignore_ascii_case(&repo.owner) => own,
                Grants::Fine { .. } => public,
                Grants::Scopes(_) if repo.private() && !caller.scope(&["repo"]) => Level::None,
                Grants::Scopes(_) if !caller.scope(&["public_repo"]) => own.min(Level::Read),
                Grants::Scopes(_) => own,
            }
        }
    }
}

/// What a person may do with a repository, whatever token is used.
pub fn person(state: &State, login: &str, repo: &Repo) -> Level {
    let mut best = if repo.private() { Level::None } else { Level::Read };
    if repo.owner.eq_ignore_ascii_case(login) {
        return Level::Admin;
    }
    if let Some(word) = repo.collaborators.get(login) {
        best = best.max(Level::from_word(word));
    }
    let Some(org) = state.org_of(repo) else { return best };
    match org.members.get(login) {
        Some(Role::Owner) => return Level::Admin,
        Some(Role::Member) => best = best.max(org.base),
        None => {}
    }
    for (slug, team) in &org.teams {
        if let Some(word) = team.repos.get(&repo.id)
            && State::team_people(org, slug).contains(login)
        {
            best = best.max(Level::from_word(word));
        }
    }
    best
}
