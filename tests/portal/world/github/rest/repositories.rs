//! Making, reading, changing and deleting repositories.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::access::{self, Caller};
use super::super::git::{Commit, Flat, Kind, Signature};
use super::super::reply::{Outcome, Reply, not_found, refuse, unprocessable};
use super::super::shapes;
use super::super::state::{Level, Plan, Repo, Role};
use super::Ask;

const SWITCHES: [&str; 10] = [
    "has_issues",
    "has_projects",
    "has_wiki",
    "has_downloads",
    "has_discussions",
    "allow_merge_commit",
    "allow_squash_merge",
    "allow_rebase_merge",
    "allow_auto_merge",
    "delete_branch_on_merge",
];

/// REST, "Get a repository".
pub fn get(ask: &mut Ask<'_>) -> Outcome {
    let repo = ask.repo(Level::Read)?.clone();
    Ok(Reply::json(200, &full(ask, &repo)))
}

fn full(ask: &Ask<'_>, repo: &Repo) -> Value {
    let level = access::level(ask.state, &ask.caller, repo);
    shapes::full_repository(&ask.base, ask.state, repo, level)
}

/// REST, "Create an organization repository".
pub fn create_in_org(ask: &mut Ask<'_>) -> Outcome {
    let org = ask.state.orgs.get(&ask.param("org").to_lowercase()).cloned().ok_or_else(not_found)?;
    let visibility = wanted_visibility(ask);
    check_scopes(ask, &visibility)?;
    match &ask.caller {
        Caller::Installation(found) if found.org.eq_ignore_ascii_case(&org.login) => {}
        Caller::Person { login, .. } => match org.members.get(login) {
            Some(Role::Owner) => {}
            Some(Role::Member) if org.members_create => {
                // "must be an organization owner to set this property to `true`".
                if ask.body["delete_branch_on_merge"] == true {
                    return Err(refuse(403, "You need to be an organization owner to set delete_branch_on_merge."));
                }
            }
            Some(Role::Member) => {
                return Err(refuse(403, "You need admin access to the organization before adding a repository to it."));
            }
            None => return Err(not_found()),
        },
        _ => return Err(not_found()),
    }
    access::require(&ask.caller, ask.operation, false)?;
    if visibility == "internal" && org.plan != Plan::Enterprise {
        let why = "Only organizations associated with an enterprise can set visibility to internal";
        return Err(failed(&json!([{ "resource": "Repository", "code": "custom", "message": why }])));
    }
    create(ask, &org.login, &visibility)
}

/// REST, "Create a repository for the authenticated user".
pub fn create_for_user(ask: &mut Ask<'_>) -> Outcome {
    let login = match ask.caller.login() {
        Some(login) => login.to_owned(),
        None => return Err(access::not_accessible(&ask.caller)),
    };
    let visibility = wanted_visibility(ask);
    check_scopes(ask, &visibility)?;
    access::require(&ask.caller, ask.operation, false)?;
    let login = ask.state.users.get(&login).map(|u| u.login.clone()).ok_or_else(not_found)?;
    create(ask, &login, &visibility)
}

fn wanted_visibility(ask: &Ask<'_>) -> String {
    let private = if ask.body["private"] == true { "private" } else { "public" };
    ask.text("visibility").unwrap_or(private).to_owned()
}

/// A token without the scope gets 404 (`PyGithub` issue 1703).
fn check_scopes(ask: &Ask<'_>, visibility: &str) -> Result<(), Reply> {
    let scope = if visibility == "public" { "public_repo" } else { "repo" };
    if ask.caller.scope(&[scope]) { Ok(()) } else { Err(not_found()) }
}

fn failed(errors: &Value) -> Reply {
    unprocessable("Repository creation failed.", errors)
}

fn create(ask: &mut Ask<'_>, owner: &str, visibility: &str) -> Outcome {
    let name = github_name(ask.text("name").unwrap_or_default());
    check_name(&name)?;
    if ask.state.repo(owner, &name).is_some() {
        return Err(failed(&json!([{
            "resource": "Repository", "code": "custom", "field": "name",
            "message": "name already exists on this account",
        }])));
    }
    check_texts(ask)?;
    let mut repo = ask.state.blank_repo(owner, &name, visibility);
    apply(&mut repo, &ask.body);
    check_merging(&repo)?;
    if let Some(login) = ask.caller.login()
        && !owner.eq_ignore_ascii_case(login)
    {
        // Whoever makes a repository in an organization administers it.
        repo.collaborators.insert(login.to_owned(), "admin".to_owned());
    }
    repo.visible_at = Instant::now() + ask.state.options.creation_delay;
    repo.ready_at = repo.visible_at + ask.state.options.init_delay;
    if ask.body["auto_init"] == true {
        initialize(&mut repo, &author(ask));
    }
    // A name that a redirect used is taken over (docs, "Renaming a repository").
    ask.state.moved.remove(&repo.full_name().to_lowercase());
    ask.state.repos.insert(repo.id, repo.clone());
    let location = format!("{}/repos/{}", ask.base.api, repo.full_name());
    Ok(Reply::json(201, &full(ask, &repo)).header("location", &location))
}

/// Every run of other characters becomes one hyphen (dead-claudia/github-limits issue 3).
fn github_name(wanted: &str) -> String {
    let mut name = String::new();
    let mut bad = false;
    for c in wanted.chars() {
        let good = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if good {
            name.push(c);
        } else if !bad {
            name.push('-');
        }
        bad = !good;
    }
    // github/docs issue 44518: names must not end with `.git`; GitHub drops it.
    name.strip_suffix(".git").map(str::to_owned).unwrap_or(name)
}

fn check_name(name: &str) -> Result<(), Reply> {
    let refuse = |message: &str| {
        Err(failed(&json!([{ "resource": "Repository", "code": "custom", "field": "name", "message": message }])))
    };
    match name {
        "" => Err(failed(&json!([{ "resource": "Repository", "code": "missing_field", "field": "name" }]))),
        "." | ".." => refuse("name is reserved"),
        long if long.len() > 100 => refuse("name is too long (maximum is 100 characters)"),
        _ => Ok(()),
    }
}

fn check_texts(ask: &Ask<'_>) -> Result<(), Reply> {
    let description = ask.text("description").unwrap_or_default();
    let refuse = |field: &str, message: &str| {
        let error = json!({ "resource": "Repository", "code": "custom", "field": field, "message": message });
        Err(unprocessable("Validation Failed", &json!([error])))
    };
    if description.chars().any(char::is_control) {
        return refuse("description", "description control characters are not allowed");
    }
    if description.chars().count() > 350 {
        return refuse("description", "description is too long (maximum is 350 characters)");
    }
    if ask.text("homepage").unwrap_or_default().chars().count() > 255 {
        return refuse("homepage", "homepage is too long (maximum is 255 characters)");
    }
    Ok(())
}

/// "at least one merge method must be enabled" (rest-api-description issue 637).
fn check_merging(repo: &Repo) -> Result<(), Reply> {
    let any = ["allow_merge_commit", "allow_squash_merge", "allow_rebase_merge"].iter().any(|k| repo.setting(k));
    if any {
        return Ok(());
    }
    let message = "Sorry, you need to allow at least one merge strategy. (no_merge_method)";
    Err(unprocessable(
        "Validation Failed",
        &json!([{ "resource": "Repository", "code": "custom", "field": "merge_commit_allowed", "message": message }]),
    ))
}

fn apply(repo: &mut Repo, body: &Value) {
    if let Some(text) = body["description"].as_str() {
        text.clone_into(&mut repo.description);
    }
    if let Some(text) = body["homepage"].as_str() {
        text.clone_into(&mut repo.homepage);
    }
    for key in SWITCHES {
        if let Some(on) = body[key].as_bool() {
            repo.settings.insert(key.to_owned(), on);
        }
    }
}

fn author(ask: &Ask<'_>) -> Signature {
    let name = ask.caller.login().unwrap_or("app[bot]").to_owned();
    let email = format!("{name}@users.noreply.example");
    Signature { name, email, time: chrono::Utc::now().timestamp() }
}

/// The commit that `auto_init` makes.
fn initialize(repo: &mut Repo, who: &Signature) {
    let readme = format!("# {}\n{}", repo.name, repo.description).trim_end().to_owned();
    let blob = repo.git.put(Kind::Blob, readme.into_bytes());
    let tree = repo.git.put_flat(&Flat::from([("README.md".to_owned(), ("100644".to_owned(), blob))]));
    let sha = repo.git.put_commit(&Commit {
        tree,
        parents: Vec::new(),
        author: who.clone(),
        committer: who.clone(),
        message: "Initial commit".to_owned(),
    });
    repo.git.refs.insert(format!("refs/heads/{}", repo.default_branch), sha);
}

/// REST, "Update a repository".
pub fn update(ask: &mut Ask<'_>) -> Outcome {
    let mut repo = ask.repo(Level::Admin)?.clone();
    check_texts(ask)?;
    let validation = |field: &str, message: &str| {
        let error = json!({ "resource": "Repository", "code": "invalid", "field": field, "message": message });
        unprocessable("Validation Failed", &json!([error]))
    };
    if let Some(branch) = ask.text("default_branch") {
        let there = repo.git.refs.contains_key(&format!("refs/heads/{branch}"));
        if !there || repo.ready_at > Instant::now() {
            let message = format!(
                "The branch {branch} was not found. Please push that ref first or create it via the Git Data API."
            );
            return Err(validation("default_branch", &message));
        }
        branch.clone_into(&mut repo.default_branch);
    }
    if let Some(name) = ask.text("name").map(github_name).filter(|n| *n != repo.name) {
        check_name(&name)?;
        if ask.state.repo(&repo.owner, &name).is_some() {
            return Err(validation("name", "name already exists on this account"));
        }
        ask.state.moved.insert(repo.full_name().to_lowercase(), repo.id);
        repo.name = name;
    }
    apply(&mut repo, &ask.body);
    check_merging(&repo)?;
    if let Some(archived) = ask.body["archived"].as_bool() {
        repo.archived = archived;
    }
    if let Some(private) = ask.body["private"].as_bool() {
        if private { "private" } else { "public" }.clone_into(&mut repo.visibility);
    }
    if let Some(visibility) = ask.text("visibility") {
        visibility.clone_into(&mut repo.visibility);
    }
    ask.state.repos.insert(repo.id, repo.clone());
    Ok(Reply::json(200, &full(ask, &repo)))
}

/// REST, "Delete a repository". Without the scope GitHub speaks of rights to the repository
/// (rundel/ghclass issue 120).
pub fn delete(ask: &mut Ask<'_>) -> Outcome {
    let id = ask.repo(Level::Admin)?.id;
    if !ask.caller.scope(&["delete_repo"]) {
        return Err(refuse(403, "Must have admin rights to Repository."));
    }
    ask.state.repos.remove(&id);
    ask.state.moved.retain(|_, to| *to != id);
    for org in ask.state.orgs.values_mut() {
        for team in org.teams.values_mut() {
            team.repos.remove(&id);
        }
    }
    Ok(Reply::nothing())
}
