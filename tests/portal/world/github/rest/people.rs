//! People, organizations and teams.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::access::{self, Caller};
use super::super::reply::{Outcome, Reply, not_found, refuse};
use super::super::shapes::{self, Base};
use super::super::state::{Grants, Org, Role, State, User};
use super::Ask;
use super::settings::sees_members;

/// The person who calls.
fn person(ask: &Ask<'_>) -> Result<User, Reply> {
    match &ask.caller {
        Caller::Person { login, .. } => ask.state.users.get(login).cloned().ok_or_else(not_found),
        Caller::Anonymous => Err(refuse(401, "Requires authentication")),
        // actions/create-github-app-token issue 258.
        _ => Err(access::not_accessible(&ask.caller)),
    }
}

/// REST, "Get the authenticated user": private fields with the `user` scope only.
pub fn myself(ask: &mut Ask<'_>) -> Outcome {
    let user = person(ask)?;
    let mut shown = shapes::full_user(&ask.base, &user, ask.caller.scope(&["user"]));
    let email = user.emails.iter().find(|e| e.primary).map(|e| e.address.clone());
    if ask.caller.scope(&["user:email", "read:user"]) {
        shown["email"] = json!(email);
    }
    Ok(Reply::json(200, &shown))
}

/// REST, "Get a user": organizations too.
pub fn by_name(ask: &mut Ask<'_>) -> Outcome {
    let name = ask.param("username").to_lowercase();
    if let Some(org) = ask.state.orgs.get(&name) {
        return Ok(Reply::json(200, &shapes::org_as_user(&ask.base, org)));
    }
    let user = ask.state.users.get(&name).ok_or_else(not_found)?;
    Ok(Reply::json(200, &shapes::full_user(&ask.base, user, false)))
}

/// REST, "List email addresses for the authenticated user": 404 without the scope (docs,
/// "Troubleshooting").
pub fn emails(ask: &mut Ask<'_>) -> Outcome {
    let user = person(ask)?;
    if !ask.caller.scope(&["user:email"]) {
        return Err(not_found());
    }
    let shown = user
        .emails
        .iter()
        .map(|e| json!({ "email": e.address, "primary": e.primary, "verified": e.verified, "visibility": null }));
    Ok(ask.page(shown.collect()))
}

/// REST, "List organizations for the authenticated user".
pub fn orgs(ask: &mut Ask<'_>) -> Outcome {
    let login = person(ask)?.login.to_lowercase();
    if !ask.caller.scope(&["user", "read:org"]) {
        // octokit/octokit.rb issue 957.
        return Err(refuse(403, "You need at least read:org scope or user scope to list your organizations."));
    }
    // "Requests using a fine-grained access token will receive … an empty list."
    let fine = matches!(&ask.caller, Caller::Person { grants: Grants::Fine { .. }, .. });
    let mine = ask.state.orgs.values().filter(|o| !fine && o.members.contains_key(&login));
    Ok(ask.page(mine.map(|o| shapes::organization(&ask.base, o)).collect()))
}

/// REST, "List teams for the authenticated user".
pub fn own_teams(ask: &mut Ask<'_>) -> Outcome {
    let login = person(ask)?.login.to_lowercase();
    if !ask.caller.scope(&["user", "repo", "read:org"]) {
        return Err(refuse(403, "You need at least user, repo or read:org scope to list your teams."));
    }
    let mut shown = Vec::new();
    for org in ask.state.orgs.values() {
        for (slug, team) in org.teams.iter().filter(|(_, t)| t.members.contains(&login)) {
            shown.push(shapes::team_full(&ask.base, org, slug, team));
        }
    }
    Ok(ask.page(shown))
}

/// The organization of the path, if the caller may see who is in it. A token that may not sees no
/// team (docs, "Troubleshooting"); a fine-grained one or an app is told so.
fn org(ask: &Ask<'_>) -> Result<Org, Reply> {
    let name = ask.param("org").to_lowercase();
    let org = ask.state.orgs.get(&name).cloned().ok_or_else(not_found)?;
    access::require(&ask.caller, ask.operation, false)?;
    if sees_members(ask, &name) { Ok(org) } else { Err(not_found()) }
}

/// REST, "List organization members".
pub fn members(ask: &mut Ask<'_>) -> Outcome {
    let org = org(ask)?;
    let owners_only = ask.query("role") == Some("admin");
    let members: BTreeSet<String> = org
        .members
        .iter()
        .filter(|(_, role)| !owners_only || **role == Role::Owner)
        .map(|(login, _)| login.clone())
        .collect();
    Ok(ask.page(people(ask.state, &ask.base, &members)))
}

/// REST, "List teams".
pub fn teams(ask: &mut Ask<'_>) -> Outcome {
    let org = org(ask)?;
    let shown = org.teams.iter().map(|(slug, team)| shapes::team(&ask.base, &org, slug, team));
    Ok(ask.page(shown.collect()))
}

/// REST, "List team members": with those of child teams.
pub fn team_members(ask: &mut Ask<'_>) -> Outcome {
    let org = org(ask)?;
    let slug = ask.param("team_slug");
    let direct = &org.teams.get(&slug).ok_or_else(not_found)?.members;
    let all = State::team_people(&org, &slug);
    let mut shown = people(ask.state, &ask.base, &all);
    for member in &mut shown {
        let login = member["login"].as_str().unwrap_or_default().to_lowercase();
        member["role"] = json!("member");
        member["inherited"] = json!(!direct.contains(&login));
    }
    Ok(ask.page(shown))
}

fn people(state: &State, base: &Base, logins: &BTreeSet<String>) -> Vec<Value> {
    logins.iter().filter_map(|l| state.users.get(l)).map(|u| shapes::simple_user(base, u)).collect()
}
