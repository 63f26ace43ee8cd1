//! The settings of a repository, one call each.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::{Configured, Protection, RepositoryName, Setting};
use super::client::Call;
use super::repositories::{one_line, settle};
use super::{GitHub, names};
use crate::ports::PortError;

/// Sets one setting.
pub(super) async fn configure(
    github: &GitHub,
    name: &RepositoryName,
    setting: &Setting,
) -> Result<Configured, PortError> {
    let path = names::repository(github, name)?;
    match setting {
        Setting::DefaultBranch(branch) | Setting::Protection { branch, .. } => names::branch(github, branch)?,
        Setting::TeamAccess { team: other, .. } | Setting::UserAccess { login: other, .. } => {
            names::owner(github, other)?;
        }
        Setting::Topics(_) | Setting::About { .. } => {}
    }
    settle(github, name).await?;
    match github.client.send(&call(&path, name, setting)).await {
        Ok(_) => Ok(Configured::Done),
        // "Upgrade to GitHub Pro or make this repository public to enable this feature."
        Err(PortError::Refused { why, .. }) if why.contains("Upgrade to GitHub") => Ok(Configured::NotOffered(why)),
        Err(other) => Err(other),
    }
}

fn call(path: &str, name: &RepositoryName, setting: &Setting) -> Call {
    let repository = format!("the repository {name}");
    match setting {
        Setting::Topics(topics) => {
            let names: Vec<String> = topics.iter().map(|t| t.to_lowercase()).collect();
            Call::new(Method::PUT, format!("{path}/topics"), repository).body(json!({ "names": names }))
        }
        Setting::About { description, homepage } => Call::new(Method::PATCH, path, repository)
            .body(json!({ "description": one_line(description), "homepage": homepage })),
        Setting::DefaultBranch(branch) => default_branch(path, name, branch),
        Setting::TeamAccess { team, permission } => {
            let team_path = format!("/orgs/{}/teams/{}", name.owner, names::part(team));
            let what = format!("the team {}/{team}, or the repository {name}", name.owner);
            Call::new(Method::PUT, format!("{team_path}{path}"), what).body(json!({ "permission": permission }))
        }
        Setting::UserAccess { login, permission } => {
            let what = format!("the person {login}, or the repository {name}");
            Call::new(Method::PUT, format!("{path}/collaborators/{}", names::part(login)), what)
                .body(json!({ "permission": permission }))
        }
        Setting::Protection { branch, rules } => {
            let what = format!("the branch {branch} of {name}");
            Call::new(Method::PUT, format!("{path}/branches/{}/protection", names::part(branch)), what)
                .body(protection(rules))
        }
    }
}

/// Makes a branch the one that a clone checks out.
pub(super) fn default_branch(path: &str, name: &RepositoryName, branch: &str) -> Call {
    Call::new(Method::PATCH, path, format!("the repository {name}")).body(json!({ "default_branch": branch }))
}

/// The body of the protection call. The first four keys must be there, `null` for off (REST,
/// "Update branch protection").
fn protection(rules: &Protection) -> Value {
    let checks = (!rules.checks.is_empty() || rules.up_to_date)
        .then(|| json!({ "strict": rules.up_to_date, "contexts": rules.checks }));
    json!({
        "required_status_checks": checks,
        "enforce_admins": rules.enforce_admins,
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": rules.dismiss_stale,
            "require_code_owner_reviews": rules.code_owners,
            "required_approving_review_count": rules.approvals,
        },
        "restrictions": null,
        "required_linear_history": rules.linear_history,
        "required_conversation_resolution": rules.conversation_resolution,
    })
}
