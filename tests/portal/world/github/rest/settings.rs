//! Topics, access, and protected branches.

use serde_json::{Value, json};

use super::super::access;
use super::super::reply::{Outcome, Reply, not_found, refuse, unprocessable};
use super::super::shapes;
use super::super::state::Level;
use super::Ask;

const PERMISSIONS: [&str; 5] = ["pull", "triage", "push", "maintain", "admin"];

/// REST, "Get all repository topics".
pub fn topics(ask: &mut Ask<'_>) -> Outcome {
    let topics = &ask.repo(Level::Read)?.topics;
    Ok(Reply::json(200, &json!({ "names": topics })))
}

/// REST, "Replace all repository topics". Names are kept in lower case; what a topic may look like
/// is from docs, "Classifying your repository with topics".
pub fn replace_topics(ask: &mut Ask<'_>) -> Outcome {
    let names: Vec<String> =
        ask.body["names"].as_array().into_iter().flatten().filter_map(|n| n.as_str().map(str::to_lowercase)).collect();
    let repo = ask.repo(Level::Admin)?;
    let fits = |name: &String| {
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        starts && name.len() <= 50 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if !names.iter().all(fits) {
        let message = "Topics must start with a lowercase letter or number, consist of 50 characters or less, and \
                       can include hyphens.";
        return Err(unprocessable("Validation Failed", &json!([message])));
    }
    if names.len() > 20 {
        return Err(unprocessable("Validation Failed", &json!(["A repository cannot have more than 20 topics."])));
    }
    repo.topics.clone_from(&names);
    Ok(Reply::json(200, &json!({ "names": names })))
}

/// REST, "Add or update team repository permissions".
pub fn give_team(ask: &mut Ask<'_>) -> Outcome {
    let (org, slug) = (ask.param("org").to_lowercase(), ask.param("team_slug"));
    let permission = ask.text("permission").unwrap_or("pull").to_owned();
    let repo = ask.repo(Level::Admin)?;
    let (id, owner) = (repo.id, repo.owner.to_lowercase());
    let team = ask.state.orgs.get_mut(&org).and_then(|o| o.teams.get_mut(&slug)).ok_or_else(not_found)?;
    if owner != org {
        return Err(unprocessable("Validation Failed", &json!(["The repository is not owned by the organization."])));
    }
    check_permission(&permission)?;
    team.repos.insert(id, permission);
    Ok(Reply::nothing())
}

/// REST, "Add a repository collaborator": members of the organization at once, others by invitation.
pub fn add_collaborator(ask: &mut Ask<'_>) -> Outcome {
    let login = ask.param("username").to_lowercase();
    let permission = ask.text("permission").unwrap_or("push").to_owned();
    let repo = ask.repo(Level::Admin)?.clone();
    let guest = ask.state.users.get(&login).cloned().ok_or_else(not_found)?;
    check_permission(&permission)?;
    if repo.owner.eq_ignore_ascii_case(&login) {
        return Err(unprocessable("Validation Failed", &json!(["Repository owner cannot be a collaborator"])));
    }
    let member = ask.state.org_of(&repo).is_some_and(|org| org.members.contains_key(&login));
    let known = repo.collaborators.contains_key(&login);
    let stored = ask.repo(Level::Admin)?;
    if member || known {
        stored.collaborators.insert(login, permission);
        return Ok(Reply::nothing());
    }
    stored.invitations.insert(login, permission.clone());
    let id = ask.state.next_id();
    let host = ask.caller.login().and_then(|l| ask.state.users.get(l));
    Ok(Reply::json(
        201,
        &json!({
            "id": id, "node_id": shapes::node_id("Invitation", &id.to_string()),
            "repository": shapes::minimal_repository(&ask.base, ask.state, &repo, Level::Admin),
            "invitee": shapes::simple_user(&ask.base, &guest),
            "inviter": host.map_or(Value::Null, |u| shapes::simple_user(&ask.base, u)),
            "permissions": match permission.as_str() { "push" => "write", "pull" => "read", other => other },
            "created_at": shapes::time(chrono::Utc::now()), "expired": false,
            "url": format!("{}/user/repository_invitations/{id}", ask.base.api),
            "html_url": format!("{}/{}/invitations", ask.base.web, repo.full_name()),
        }),
    ))
}

fn check_permission(permission: &str) -> Result<(), Reply> {
    if PERMISSIONS.contains(&permission) {
        return Ok(());
    }
    let error = json!({ "resource": "Repository", "code": "invalid", "field": "permission" });
    Err(unprocessable("Validation Failed", &json!([error])))
}

/// What GitHub answers where the plan has no protected branches (openshift/release pull request
/// 58320).
fn not_offered() -> Reply {
    refuse(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")
}

/// REST, "Update branch protection".
pub fn protect(ask: &mut Ask<'_>) -> Outcome {
    let branch = ask.param("branch");
    let repo = ask.repo(Level::Admin)?.clone();
    if !shapes::offers_protection(ask.state, &repo) {
        return Err(not_offered());
    }
    // conda-smithy issue 2080: also while `auto_init` is at work.
    let there = repo.git.refs.contains_key(&format!("refs/heads/{branch}"));
    if !there || repo.ready_at > std::time::Instant::now() {
        return Err(refuse(404, "Branch not found"));
    }
    let count = &ask.body["required_pull_request_reviews"]["required_approving_review_count"];
    if count.as_u64().is_some_and(|n| n > 6) {
        return Err(unprocessable("Validation Failed", &json!(["required_approving_review_count must be 0 to 6"])));
    }
    let body = ask.body.clone();
    let url = format!("{}/repos/{}/branches/{branch}/protection", ask.base.api, repo.full_name());
    let reviews = body["required_pull_request_reviews"].is_object();
    let mut answer = json!({
        "url": url,
        "enforce_admins": { "url": format!("{url}/enforce_admins"), "enabled": body["enforce_admins"] == true },
        "required_linear_history": { "enabled": body["required_linear_history"] == true },
        "allow_force_pushes": { "enabled": false }, "allow_deletions": { "enabled": false },
    });
    if reviews {
        answer["required_pull_request_reviews"] = body["required_pull_request_reviews"].clone();
        answer["required_pull_request_reviews"]["url"] = json!(format!("{url}/required_pull_request_reviews"));
    }
    ask.repo(Level::Admin)?.protection.insert(branch, body);
    Ok(Reply::json(200, &answer))
}

/// REST, "Get branch protection".
pub fn protection(ask: &mut Ask<'_>) -> Outcome {
    let branch = ask.param("branch");
    let repo = ask.repo(Level::Admin)?.clone();
    if !shapes::offers_protection(ask.state, &repo) {
        return Err(not_offered());
    }
    let rules = repo.protection.get(&branch).ok_or_else(|| refuse(404, "Branch not protected"))?;
    let url = format!("{}/repos/{}/branches/{branch}/protection", ask.base.api, repo.full_name());
    let enabled = |key: &str| json!({ "enabled": rules[key] == true });
    Ok(Reply::json(
        200,
        &json!({
            "url": url,
            "enforce_admins": { "url": format!("{url}/enforce_admins"), "enabled": rules["enforce_admins"] == true },
            "required_linear_history": enabled("required_linear_history"),
            "required_conversation_resolution": enabled("required_conversation_resolution"),
        }),
    ))
}

/// Whether the caller may see the members of an organization.
pub fn sees_members(ask: &Ask<'_>, org: &str) -> bool {
    let Some(found) = ask.state.orgs.get(org) else { return false };
    match &ask.caller {
        access::Caller::Person { login, .. } => found.members.contains_key(login) && ask.caller.scope(&["read:org"]),
        access::Caller::Installation(installation) => installation.org.eq_ignore_ascii_case(org),
        _ => false,
    }
}
