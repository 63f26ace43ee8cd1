//! Repositories as a whole: found, made, deleted, listed.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::{NewRepository, Repository, RepositoryName, Visibility};
use super::GitHub;
use super::client::{Call, nothing_sent};
use super::wire::Repo;
use super::{names, people};
use crate::ports::PortError;

/// The repository of that name. Looks several times if we have just made it, or may have.
pub(super) async fn find(github: &GitHub, name: &RepositoryName) -> Result<Option<Repository>, PortError> {
    let path = names::repository(github, name)?;
    let unseen = github.fresh.unseen(name);
    let mut pauses = github.fresh.pauses(name).take_while(|_| unseen);
    loop {
        match github.client.json::<Repo>(&Call::get(&path, format!("the repository {name}"))).await {
            Ok(found) => {
                github.fresh.saw(name);
                let found = found.into_repository(&github.host);
                return Ok(same(&found.name, name).then_some(found));
            }
            Err(PortError::NotFound { .. }) => {
                let Some(pause) = pauses.next() else {
                    github.fresh.forget(name);
                    return Ok(None);
                };
                tokio::time::sleep(pause).await;
            }
            Err(other) => return Err(other),
        }
    }
}

/// Waits until a repository that we have just made is in sight. Returns at once for all others.
pub(super) async fn settle(github: &GitHub, name: &RepositoryName) -> Result<(), PortError> {
    if github.fresh.unseen(name) {
        find(github, name).await?;
    }
    Ok(())
}

/// An old name leads to the renamed repository by a redirect, yet the name itself is free again
/// (docs, "Renaming a repository"): what answers under another name is not the one asked for.
fn same(a: &RepositoryName, b: &RepositoryName) -> bool {
    a.owner.eq_ignore_ascii_case(&b.owner) && a.name.eq_ignore_ascii_case(&b.name)
}

/// Makes a repository, marked from its first moment.
pub(super) async fn create(github: &GitHub, new: &NewRepository) -> Result<Repository, PortError> {
    names::repository(github, &new.name)?;
    let owner = &new.name.owner;
    let organization = people::is_organization(github, owner).await.map_err(nothing_sent)?;
    if !organization && new.visibility == Visibility::Internal {
        return Err(github.client.invalid("only an enterprise's organization has internal repositories".to_owned()));
    }
    let path = if organization { format!("/orgs/{owner}/repos") } else { "/user/repos".to_owned() };
    let call = Call::new(Method::POST, path, format!("the owner {owner}")).body(creation(new, organization));
    // Before the call: even if no answer comes it may have been made, and `find` must know.
    github.fresh.announce(&new.name);
    match github.client.json::<Repo>(&call).await {
        Ok(made) => Ok(made.into_repository(&github.host)),
        Err(error) => {
            if error.had_no_effect() {
                github.fresh.forget(&new.name);
            }
            Err(error)
        }
    }
}

/// The body of the creating call. `auto_init`, because the Git data calls refuse a repository
/// without any commit (409 "Git Repository is empty.", rest-api-description issue 637).
fn creation(new: &NewRepository, organization: bool) -> Value {
    let mut body = json!({
        "name": new.name.name,
        "description": one_line(&new.description),
        "homepage": new.mark,
        "private": new.visibility != Visibility::Public,
        "auto_init": true,
        "allow_merge_commit": new.allow_merge_commit,
        "allow_squash_merge": new.allow_squash_merge,
        "allow_rebase_merge": new.allow_rebase_merge,
    });
    if organization {
        body["visibility"] = json!(match new.visibility {
            Visibility::Private => "private",
            Visibility::Internal => "internal",
            Visibility::Public => "public",
        });
    }
    // Only where it is wanted: `true` needs an owner of the organization (REST, "Create an
    // organization repository"), and `false` is the default anyhow.
    if new.delete_branch_on_merge {
        body["delete_branch_on_merge"] = json!(true);
    }
    let switches = [("has_issues", new.has_issues), ("has_projects", new.has_projects), ("has_wiki", new.has_wiki)];
    for (key, value) in switches {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    body
}

/// GitHub refuses control characters in a description, and many templates have line breaks there.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Deletes a repository; one that is gone is no error.
pub(super) async fn delete(github: &GitHub, name: &RepositoryName) -> Result<(), PortError> {
    let path = names::repository(github, name)?;
    settle(github, name).await?;
    match github.client.send(&Call::new(Method::DELETE, path, format!("the repository {name}"))).await {
        Ok(_) | Err(PortError::NotFound { .. }) => {
            github.fresh.forget(name);
            Ok(())
        }
        Err(other) => Err(other),
    }
}

/// The repositories of an owner, ordered by name, archived ones left out.
pub(super) async fn list(github: &GitHub, owner: &str) -> Result<Vec<Repository>, PortError> {
    names::owner(github, owner)?;
    let what = format!("the repositories of {owner}");
    let found: Result<Vec<Repo>, PortError> =
        github.client.pages(&format!("/orgs/{owner}/repos"), "type=all&", &what).await;
    let found = match found {
        Err(PortError::NotFound { .. }) => persons_repositories(github, owner, &what).await?,
        other => other?,
    };
    let mut all: Vec<Repository> =
        found.into_iter().map(|r| r.into_repository(&github.host)).filter(|r| !r.archived).collect();
    all.sort_by_cached_key(|r| r.name.name.to_ascii_lowercase());
    // A repository made between two pages moves the rest by one, so that one is seen twice.
    all.dedup_by(|a, b| a.id == b.id);
    Ok(all)
}

/// A person's repositories. Only the person's own list has the private ones.
async fn persons_repositories(github: &GitHub, owner: &str, what: &str) -> Result<Vec<Repo>, PortError> {
    let own = people::myself(github).await?.is_some_and(|login| login.eq_ignore_ascii_case(owner));
    if own {
        return github.client.pages("/user/repos", "affiliation=owner&", what).await;
    }
    github.client.pages(&format!("/users/{owner}/repos"), "", what).await
}
