//! Lists of repositories. A new repository is not in them before it can be seen.

use std::time::Instant;

use serde_json::Value;

use super::super::access;
use super::super::reply::{Outcome, not_found, refuse};
use super::super::shapes;
use super::super::state::{Level, Repo};
use super::Ask;

/// REST, "List organization repositories".
pub fn of_org(ask: &mut Ask<'_>) -> Outcome {
    let org = ask.state.orgs.get(&ask.param("org").to_lowercase()).ok_or_else(not_found)?;
    let login = org.login.clone();
    let visible = visible(ask, |repo| repo.owner == login);
    Ok(ask.page(visible))
}

/// REST, "List repositories for a user": public ones only.
pub fn of_user(ask: &mut Ask<'_>) -> Outcome {
    let user = ask.state.users.get(&ask.param("username").to_lowercase()).ok_or_else(not_found)?;
    let login = user.login.clone();
    let visible = visible(ask, |repo| repo.owner == login && !repo.private());
    Ok(ask.page(visible))
}

/// REST, "List repositories for the authenticated user".
pub fn own(ask: &mut Ask<'_>) -> Outcome {
    let Some(login) = ask.caller.login().map(str::to_owned) else {
        return Err(match ask.caller {
            access::Caller::Anonymous => refuse(401, "Requires authentication"),
            _ => access::not_accessible(&ask.caller),
        });
    };
    let only_owned = ask.query("affiliation") == Some("owner");
    let visible = visible(ask, |repo| {
        let owned = repo.owner.eq_ignore_ascii_case(&login);
        owned || (!only_owned && repo.collaborators.contains_key(&login))
    });
    Ok(ask.page(visible))
}

fn visible(ask: &Ask<'_>, which: impl Fn(&Repo) -> bool) -> Vec<Value> {
    let mut found: Vec<&Repo> =
        ask.state.repos.values().filter(|r| which(r) && r.visible_at <= Instant::now()).collect();
    // The newest first: the order by which an organization's list is sorted unless asked otherwise.
    found.sort_by_key(|r| std::cmp::Reverse(r.id));
    found
        .into_iter()
        .filter_map(|repo| {
            let level = access::level(ask.state, &ask.caller, repo);
            (level > Level::None).then(|| shapes::minimal_repository(&ask.base, ask.state, repo, level))
        })
        .collect()
}
