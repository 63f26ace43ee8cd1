//! Teams and who is in them, for sign-in and for owners in the catalog.

use super::GitHub;
use super::client::Call;
use super::names;
use super::wire::{Account, Team};
use crate::ports::PortError;

/// All teams with their members, both sorted.
pub(super) async fn team_members(github: &GitHub, org: &str) -> Result<Vec<(String, Vec<String>)>, PortError> {
    names::owner(github, org)?;
    let what = format!("the teams of {org}");
    let teams: Vec<Team> = github.client.pages(&format!("/orgs/{org}/teams"), "", &what).await?;
    let mut all = Vec::with_capacity(teams.len());
    for team in teams {
        let path = format!("/orgs/{org}/teams/{}/members", names::part(&team.slug));
        let members: Vec<Account> = match github.client.pages(&path, "", &what).await {
            // Deleted since the list was read.
            Err(PortError::NotFound { .. }) => continue,
            other => other?,
        };
        let mut logins: Vec<String> = members.into_iter().map(|m| m.login).collect();
        logins.sort_unstable();
        all.push((team.slug, logins));
    }
    all.sort_unstable();
    Ok(all)
}

/// Whether the owner is an organization; if it is a person, it must be ourselves.
pub(super) async fn is_organization(github: &GitHub, owner: &str) -> Result<bool, PortError> {
    let call = Call::get(format!("/users/{owner}"), format!("the owner {owner}"));
    let account: Account = github.client.json(&call).await?;
    if account.kind != "User" {
        return Ok(true);
    }
    match myself(github).await? {
        Some(login) if login.eq_ignore_ascii_case(owner) => Ok(false),
        _ => Err(github.client.refused(format!("{owner} is a person, and only {owner} can make repositories there"))),
    }
}

/// Our own login; `None` for an app, which is nobody.
pub(super) async fn myself(github: &GitHub) -> Result<Option<String>, PortError> {
    match github.client.json::<Account>(&Call::get("/user", "our own account")).await {
        Ok(account) => Ok(Some(account.login)),
        Err(PortError::Refused { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
