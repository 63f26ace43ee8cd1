//! The JSON of things, with every field that GitHub's description demands.

use serde_json::{Map, Value, json};

use super::git::{Commit, Signature};
use super::state::{Level, Org, Plan, Repo, State, Team, User};

/// Where the simulated GitHub can be reached.
#[derive(Debug, Clone)]
pub struct Base {
    /// The API.
    pub api: String,
    /// The pages.
    pub web: String,
    /// The host of archives, another origin than the API's.
    pub codeload: String,
}

/// `2026-01-31T12:00:00Z`.
pub fn time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The other sort of id that everything has.
pub fn node_id(kind: &str, id: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(format!("{kind}:{id}"))
}

/// `simple-user`, for persons and organizations.
pub fn account(base: &Base, login: &str, id: u64, kind: &str) -> Value {
    let api = format!("{}/users/{login}", base.api);
    let mut all = json!({
        "login": login,
        "id": id,
        "node_id": node_id(kind, &id.to_string()),
        "avatar_url": format!("{}/avatars/{id}", base.web),
        "gravatar_id": "",
        "url": api,
        "html_url": format!("{}/{login}", base.web),
        "type": kind,
        "site_admin": false,
        "gists_url": format!("{api}/gists{{/gist_id}}"),
        "following_url": format!("{api}/following{{/other_user}}"),
        "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
        "events_url": format!("{api}/events{{/privacy}}"),
    });
    for key in ["followers", "subscriptions", "repos", "received_events"] {
        all[format!("{key}_url")] = json!(format!("{api}/{key}"));
    }
    all["organizations_url"] = json!(format!("{api}/orgs"));
    all
}

/// `simple-user` of a person.
pub fn simple_user(base: &Base, user: &User) -> Value {
    account(base, &user.login, user.id, "User")
}

/// `simple-user` of whoever owns a repository.
pub fn owner(base: &Base, state: &State, repo: &Repo) -> Value {
    let key = repo.owner.to_lowercase();
    match (state.orgs.get(&key), state.users.get(&key)) {
        (Some(org), _) => account(base, &org.login, org.id, "Organization"),
        (None, Some(user)) => simple_user(base, user),
        (None, None) => account(base, &repo.owner, 0, "User"),
    }
}

/// `public-user`, or `private-user` for the person's own eyes.
pub fn full_user(base: &Base, user: &User, own: bool) -> Value {
    let mut all = simple_user(base, user);
    let public = json!({
        "name": user.name, "company": null, "blog": "", "location": null, "email": null,
        "hireable": null, "bio": null, "twitter_username": null, "public_repos": 0,
        "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    let private = json!({
        "private_gists": 0, "total_private_repos": 0, "owned_private_repos": 0, "disk_usage": 0,
        "collaborators": 0, "two_factor_authentication": true,
    });
    merge(&mut all, public);
    if own {
        merge(&mut all, private);
    }
    all
}

/// `public-user` of an organization, which `GET /users/{username}` also knows.
pub fn org_as_user(base: &Base, org: &Org) -> Value {
    let stand_in = User { login: org.login.clone(), id: org.id, name: org.login.clone(), emails: Vec::new() };
    let mut all = full_user(base, &stand_in, false);
    all["type"] = json!("Organization");
    all
}

/// `organization-simple`.
pub fn organization(base: &Base, org: &Org) -> Value {
    let api = format!("{}/orgs/{}", base.api, org.login);
    json!({
        "login": org.login, "id": org.id, "node_id": node_id("Organization", &org.id.to_string()),
        "url": api, "repos_url": format!("{api}/repos"), "events_url": format!("{api}/events"),
        "hooks_url": format!("{api}/hooks"), "issues_url": format!("{api}/issues"),
        "members_url": format!("{api}/members{{/member}}"),
        "public_members_url": format!("{api}/public_members{{/member}}"),
        "avatar_url": format!("{}/avatars/{}", base.web, org.id), "description": "",
    })
}

/// `team`.
pub fn team(base: &Base, org: &Org, slug: &str, team: &Team) -> Value {
    let mut all = team_simple(base, org, slug, team);
    let parent = team.parent.as_ref().and_then(|p| Some((p, org.teams.get(p)?)));
    all["parent"] = parent.map_or(Value::Null, |(slug, parent)| team_simple(base, org, slug, parent));
    all
}

fn team_simple(base: &Base, org: &Org, slug: &str, team: &Team) -> Value {
    let api = format!("{}/organizations/{}/team/{}", base.api, org.id, team.id);
    json!({
        "id": team.id, "node_id": node_id("Team", &team.id.to_string()), "name": team.name, "slug": slug,
        "description": "", "privacy": "closed", "notification_setting": "notifications_enabled",
        "permission": "pull", "url": api, "html_url": format!("{}/orgs/{}/teams/{slug}", base.web, org.login),
        "members_url": format!("{api}/members{{/member}}"), "repositories_url": format!("{api}/repos"),
        "type": "organization", "organization_id": org.id,
    })
}

/// `team-full`.
pub fn team_full(base: &Base, org: &Org, slug: &str, found: &Team) -> Value {
    let mut all = team(base, org, slug, found);
    let mut organization = organization(base, org);
    merge(
        &mut organization,
        json!({
            "has_organization_projects": true, "has_repository_projects": true, "public_repos": 0,
            "public_gists": 0, "followers": 0, "following": 0,
            "html_url": format!("{}/{}", base.web, org.login), "type": "Organization",
            "created_at": "2020-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "archived_at": null,
        }),
    );
    merge(
        &mut all,
        json!({
            "created_at": "2020-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            "members_count": found.members.len(), "repos_count": found.repos.len(),
            "organization": organization,
        }),
    );
    all
}

/// `full-repository`, which also fits `repository`.
pub fn full_repository(base: &Base, state: &State, repo: &Repo, level: Level) -> Value {
    let mut all = minimal_repository(base, state, repo, level);
    merge(&mut all, json!({ "network_count": 0, "subscribers_count": 0, "license": null, "temp_clone_token": "" }));
    // REST, "Get a repository": merge settings only for those who may push.
    if level >= Level::Write {
        for key in ["allow_merge_commit", "allow_squash_merge", "allow_rebase_merge", "delete_branch_on_merge"] {
            all[key] = json!(repo.setting(key));
        }
    }
    if state.org_of(repo).is_some() {
        all["organization"] = owner(base, state, repo);
    }
    all
}

/// `minimal-repository`.
pub fn minimal_repository(base: &Base, state: &State, repo: &Repo, level: Level) -> Value {
    let mut all = Value::Object(addresses(base, repo));
    let homepage = if repo.homepage.is_empty() { Value::Null } else { json!(repo.homepage) };
    let description = if repo.description.is_empty() { Value::Null } else { json!(repo.description) };
    merge(
        &mut all,
        json!({
            "id": repo.id, "node_id": node_id("Repository", &repo.id.to_string()), "name": repo.name,
            "full_name": repo.full_name(), "owner": owner(base, state, repo), "private": repo.private(),
            "description": description, "fork": false, "homepage": homepage, "language": null,
            "forks_count": 0, "stargazers_count": 0, "watchers_count": 0, "size": 0, "forks": 0,
            "watchers": 0, "open_issues": 0, "open_issues_count": 0, "license": null, "mirror_url": null,
            "default_branch": repo.default_branch, "is_template": false, "topics": repo.topics,
            "archived": repo.archived, "disabled": false, "visibility": repo.visibility,
            "pushed_at": time(repo.created), "created_at": time(repo.created), "updated_at": time(repo.created),
            "permissions": {
                "admin": level >= Level::Admin, "maintain": level >= Level::Maintain,
                "push": level >= Level::Write, "triage": level >= Level::Triage, "pull": level >= Level::Read,
            },
        }),
    );
    for key in ["has_issues", "has_projects", "has_wiki", "has_downloads", "has_discussions"] {
        all[key] = json!(repo.setting(key));
    }
    all["has_pages"] = json!(false);
    all
}

/// The addresses of a repository's parts.
fn addresses(base: &Base, repo: &Repo) -> Map<String, Value> {
    let (full, api) = (repo.full_name(), format!("{}/repos/{}", base.api, repo.full_name()));
    let web = format!("{}/{full}", base.web);
    let host = base.web.split_once("://").map_or("", |(_, rest)| rest);
    let mut all = Map::new();
    for key in [
        "deployments",
        "downloads",
        "events",
        "forks",
        "hooks",
        "languages",
        "merges",
        "stargazers",
        "subscribers",
        "subscription",
        "tags",
        "teams",
    ] {
        all.insert(format!("{key}_url"), json!(format!("{api}/{key}")));
    }
    let templated = [
        ("archive", "/{archive_format}{/ref}"),
        ("assignees", "/assignees{/user}"),
        ("blobs", "/git/blobs{/sha}"),
        ("branches", "/branches{/branch}"),
        ("collaborators", "/collaborators{/collaborator}"),
        ("comments", "/comments{/number}"),
        ("commits", "/commits{/sha}"),
        ("compare", "/compare/{base}...{head}"),
        ("contents", "/contents/{+path}"),
        ("contributors", "/contributors"),
        ("git_commits", "/git/commits{/sha}"),
        ("git_refs", "/git/refs{/sha}"),
        ("git_tags", "/git/tags{/sha}"),
        ("issue_comment", "/issues/comments{/number}"),
        ("issue_events", "/issues/events{/number}"),
        ("issues", "/issues{/number}"),
        ("keys", "/keys{/key_id}"),
        ("labels", "/labels{/name}"),
        ("milestones", "/milestones{/number}"),
        ("notifications", "/notifications{?since,all,participating}"),
        ("pulls", "/pulls{/number}"),
        ("releases", "/releases{/id}"),
        ("statuses", "/statuses/{sha}"),
        ("trees", "/git/trees{/sha}"),
    ];
    for (key, suffix) in templated {
        all.insert(format!("{key}_url"), json!(format!("{api}{suffix}")));
    }
    all.insert("url".to_owned(), json!(api));
    all.insert("html_url".to_owned(), json!(web));
    all.insert("svn_url".to_owned(), json!(web));
    all.insert("clone_url".to_owned(), json!(format!("{web}.git")));
    all.insert("git_url".to_owned(), json!(format!("git://{host}/{full}.git")));
    all.insert("ssh_url".to_owned(), json!(format!("git@{host}:{full}.git")));
    all
}

/// `git-ref`.
pub fn git_ref(base: &Base, repo: &Repo, name: &str, sha: &str) -> Value {
    let api = format!("{}/repos/{}/git", base.api, repo.full_name());
    json!({
        "ref": name, "node_id": node_id("Ref", name), "url": format!("{api}/{name}"),
        "object": { "type": "commit", "sha": sha, "url": format!("{api}/commits/{sha}") },
    })
}

/// `git-commit`.
pub fn git_commit(base: &Base, repo: &Repo, sha: &str, commit: &Commit) -> Value {
    let api = format!("{}/repos/{}/git", base.api, repo.full_name());
    let web = format!("{}/{}/commit", base.web, repo.full_name());
    let parents = commit
        .parents
        .iter()
        .map(|p| json!({ "sha": p, "url": format!("{api}/commits/{p}"), "html_url": format!("{web}/{p}") }));
    json!({
        "sha": sha, "node_id": node_id("Commit", sha), "url": format!("{api}/commits/{sha}"),
        "html_url": format!("{web}/{sha}"), "author": signature(&commit.author),
        "committer": signature(&commit.committer), "message": commit.message,
        "tree": { "sha": commit.tree, "url": format!("{api}/trees/{}", commit.tree) },
        "parents": parents.collect::<Vec<_>>(), "verification": unsigned(),
    })
}

/// `commit`.
pub fn commit(base: &Base, repo: &Repo, sha: &str, commit: &Commit) -> Value {
    let api = format!("{}/repos/{}", base.api, repo.full_name());
    let web = format!("{}/{}/commit", base.web, repo.full_name());
    let parents = commit
        .parents
        .iter()
        .map(|p| json!({ "sha": p, "url": format!("{api}/commits/{p}"), "html_url": format!("{web}/{p}") }));
    json!({
        "sha": sha, "node_id": node_id("Commit", sha), "url": format!("{api}/commits/{sha}"),
        "html_url": format!("{web}/{sha}"), "comments_url": format!("{api}/commits/{sha}/comments"),
        "author": null, "committer": null, "parents": parents.collect::<Vec<_>>(),
        "commit": {
            "url": format!("{api}/git/commits/{sha}"), "author": signature(&commit.author),
            "committer": signature(&commit.committer), "message": commit.message, "comment_count": 0,
            "tree": { "sha": commit.tree, "url": format!("{api}/git/trees/{}", commit.tree) },
            "verification": unsigned(),
        },
    })
}

fn signature(who: &Signature) -> Value {
    let at = chrono::DateTime::from_timestamp(who.time, 0).unwrap_or_default();
    json!({ "name": who.name, "email": who.email, "date": time(at) })
}

fn unsigned() -> Value {
    json!({ "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null })
}

/// Whether protected branches are part of the plan here (REST, "Update branch protection").
pub fn offers_protection(state: &State, repo: &Repo) -> bool {
    let free = state.org_of(repo).is_none_or(|org| org.plan == Plan::Free);
    !(repo.private() && free)
}

/// Puts the fields of one object into another.
pub fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
