//! The REST API: which operation does what. The operation is found in GitHub's description, so
//! nothing is answered that is not described.

mod apps;
mod contents;
mod git_data;
mod git_trees;
mod lists;
mod people;
mod repositories;
mod settings;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{self, Caller};
use super::reply::{Outcome, Reply, empty_repository, not_found, refuse};
use super::shapes::Base;
use super::state::{Level, Repo, State};

/// A call that was let in.
pub struct Ask<'a> {
    /// Everything.
    pub state: &'a mut State,
    /// Who calls.
    pub caller: Caller,
    /// GitHub's name for the operation.
    pub operation: &'a str,
    /// The raw path.
    pub path: String,
    /// Path parameters, decoded.
    pub params: BTreeMap<String, String>,
    /// Query parameters.
    pub query: Vec<(String, String)>,
    /// The body, or null.
    pub body: Value,
    /// The Accept header.
    pub accept: String,
    /// Where we are.
    pub base: Base,
}

impl Ask<'_> {
    /// A path parameter.
    pub fn param(&self, name: &str) -> String {
        self.params.get(name).cloned().unwrap_or_default()
    }

    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A text of the body.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key).and_then(Value::as_str)
    }

    /// Whether one of GitHub's media types was asked for.
    pub fn wants(&self, form: &str) -> bool {
        self.accept.contains(&format!("application/vnd.github.{form}"))
            || self.accept.contains(&format!("application/vnd.github.v3.{form}"))
    }

    /// The repository of the path, if the caller may see it and do this much with it.
    pub fn repo(&mut self, least: Level) -> Result<&mut Repo, Reply> {
        let (owner, name) = (self.param("owner"), self.param("repo"));
        let found = self.state.repo(&owner, &name).ok_or_else(not_found)?;
        let level = access::level(self.state, &self.caller, found);
        if found.visible_at > std::time::Instant::now() || level == Level::None {
            return Err(not_found());
        }
        let archived = found.archived;
        access::require(&self.caller, self.operation, !found.private())?;
        if level < least {
            // JuliaWeb/GitHub.jl issue 176 for the first; PyGithub issue 1662 for the second.
            let admin = least == Level::Admin;
            return Err(if admin { refuse(403, "Must have admin rights to Repository.") } else { not_found() });
        }
        if archived && least >= Level::Write && !self.allowed_when_archived() {
            return Err(refuse(403, "Repository was archived so is read-only."));
        }
        self.state.repo_mut(&owner, &name).ok_or_else(not_found)
    }

    /// An archived repository can still be deleted, and taken out of the archive.
    fn allowed_when_archived(&self) -> bool {
        let unarchives = self.operation == "repos/update" && self.body.get("archived") == Some(&json!(false));
        unarchives || self.operation == "repos/delete"
    }

    /// As [`Ask::repo`], where the operation needs a commit to be there.
    pub fn repo_with_commits(&mut self, least: Level) -> Result<&mut Repo, Reply> {
        let repo = self.repo(least)?;
        if repo.git.refs.is_empty() || repo.ready_at > std::time::Instant::now() {
            return Err(empty_repository());
        }
        Ok(repo)
    }

    /// One page of a list (docs, "Using pagination in the REST API"): 30 items unless more are
    /// asked for, 100 at most, and a Link header while there are more.
    pub fn page(&self, items: Vec<Value>) -> Reply {
        let number = |name: &str, default: usize| {
            self.query(name).and_then(|v| v.parse().ok()).filter(|n| *n > 0).unwrap_or(default)
        };
        let (size, page) = (number("per_page", 30).min(100), number("page", 1));
        let last = items.len().div_ceil(size).max(1);
        let shown: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
        let reply = Reply::json(200, &Value::Array(shown));
        if page >= last {
            return reply;
        }
        let others: Vec<String> =
            self.query.iter().filter(|(k, _)| k != "page").map(|(k, v)| format!("{k}={v}&")).collect();
        let link = |to: usize, rel: &str| {
            format!("<{}{}?{}page={to}>; rel=\"{rel}\"", self.base.api, self.path, others.concat())
        };
        reply.header("link", &format!("{}, {}", link(page + 1, "next"), link(last, "last")))
    }
}

type Handler = fn(&mut Ask<'_>) -> Outcome;

/// What carries an operation out.
fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "repos/get" => repositories::get,
        "repos/update" => repositories::update,
        "repos/delete" => repositories::delete,
        "repos/create-in-org" => repositories::create_in_org,
        "repos/create-for-authenticated-user" => repositories::create_for_user,
        "repos/list-for-org" => lists::of_org,
        "repos/list-for-user" => lists::of_user,
        "repos/list-for-authenticated-user" => lists::own,
        "repos/get-all-topics" => settings::topics,
        "repos/replace-all-topics" => settings::replace_topics,
        "repos/add-collaborator" => settings::add_collaborator,
        "repos/get-branch-protection" => settings::protection,
        "repos/update-branch-protection" => settings::protect,
        "teams/add-or-update-repo-permissions-in-org" => settings::give_team,
        "git/get-ref" => git_data::get_ref,
        "git/list-matching-refs" => git_data::matching_refs,
        "git/create-ref" => git_data::create_ref,
        "git/update-ref" => git_data::update_ref,
        "git/delete-ref" => git_data::delete_ref,
        "git/create-blob" => git_data::create_blob,
        "git/get-blob" => git_data::get_blob,
        "git/create-commit" => git_data::create_commit,
        "git/get-commit" => git_data::get_commit,
        "git/create-tree" => git_trees::create,
        "git/get-tree" => git_trees::get,
        "repos/get-commit" => contents::commit,
        "repos/get-content" => contents::get,
        "repos/download-tarball-archive" => contents::tarball,
        "users/get-authenticated" => people::myself,
        "users/get-by-username" => people::by_name,
        "users/list-emails-for-authenticated-user" => people::emails,
        "orgs/list-for-authenticated-user" => people::orgs,
        "teams/list-for-authenticated-user" => people::own_teams,
        "orgs/list-members" => people::members,
        "teams/list" => people::teams,
        "teams/list-members-in-org" => people::team_members,
        "apps/get-org-installation" => apps::installation,
        "apps/create-installation-access-token" => apps::token,
        _ => return None,
    })
}

/// Carries a call out.
pub fn answer(ask: &mut Ask<'_>) -> Outcome {
    let handler = handler(ask.operation).expect("there is a handler for every described operation");
    handler(ask)
}

/// What the archive host serves.
pub fn archive(state: &State, full_name: &str, sha: &str) -> Option<Vec<u8>> {
    contents::archive(state, full_name, sha)
}

#[test]
fn every_described_operation_can_be_carried_out() {
    let missing = super::contract::all().iter().filter(|op| handler(&op.id).is_none());
    assert_eq!(missing.map(|op| op.id.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
}
