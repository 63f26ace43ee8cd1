//! Repositories as a test sets them up and looks at them, past the API.

use std::collections::BTreeMap;

use serde_json::Value;

use super::GitHubWorld;
use super::git::{Commit, Flat, Kind, Signature};
use super::state::Repo;

/// A repository as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The files of the default branch: content and mode.
    pub files: BTreeMap<String, (Vec<u8>, String)>,
    /// The commits of the default branch, newest first: id and message.
    pub commits: Vec<(String, String)>,
    /// All branches and where they are.
    pub branches: BTreeMap<String, String>,
    /// The default branch.
    pub default_branch: String,
    /// One sentence.
    pub description: String,
    /// An address.
    pub homepage: String,
    /// `private`, `public` or `internal`.
    pub visibility: String,
    /// Whether it is read-only.
    pub archived: bool,
    /// Topics.
    pub topics: Vec<String>,
    /// The bodies of the protection calls, by branch.
    pub protection: BTreeMap<String, Value>,
    /// Permissions of teams by slug.
    pub teams: BTreeMap<String, String>,
    /// Permissions of people by lower-case login.
    pub collaborators: BTreeMap<String, String>,
    /// Permissions of people who were invited.
    pub invitations: BTreeMap<String, String>,
    /// `has_…`, `allow_…`, `delete_branch_on_merge`, as they were set.
    pub settings: BTreeMap<String, bool>,
}

impl GitHubWorld {
    /// Puts a repository there, in sight at once, with one commit if there are files. A mode is
    /// Git's, for example `100644`.
    pub fn seed_repo(&self, owner: &str, name: &str, visibility: &str, files: &[(&str, &[u8], &str)]) {
        let mut state = self.state();
        let owner = state.orgs.get(&owner.to_lowercase()).map_or(owner.to_owned(), |o| o.login.clone());
        let repo = state.blank_repo(&owner, name, visibility);
        let branch = repo.default_branch.clone();
        state.repos.insert(repo.id, repo);
        drop(state);
        if !files.is_empty() {
            self.push(&owner, name, &branch, "First", files);
        }
    }

    /// Pushes a commit with exactly these files, as somebody outside would; tells its id.
    pub fn push(&self, owner: &str, name: &str, branch: &str, message: &str, files: &[(&str, &[u8], &str)]) -> String {
        self.change(owner, name, |repo| {
            let mut flat = Flat::new();
            for (path, content, mode) in files {
                let blob = repo.git.put(Kind::Blob, content.to_vec());
                flat.insert((*path).to_owned(), ((*mode).to_owned(), blob));
            }
            let tree = repo.git.put_flat(&flat);
            let name = format!("refs/heads/{branch}");
            let parents = repo.git.refs.get(&name).cloned().into_iter().collect();
            let time = chrono::Utc::now().timestamp();
            let author = Signature { name: "Somebody".to_owned(), email: "somebody@example.com".to_owned(), time };
            let committer = author.clone();
            let sha = repo.git.put_commit(&Commit { tree, parents, author, committer, message: message.to_owned() });
            repo.git.refs.insert(name, sha.clone());
            sha
        })
    }

    /// Puts a tag on a commit.
    pub fn tag(&self, owner: &str, name: &str, tag: &str, sha: &str) {
        self.change(owner, name, |repo| repo.git.refs.insert(format!("refs/tags/{tag}"), sha.to_owned()));
    }

    /// Makes a repository read-only.
    pub fn archive_repo(&self, owner: &str, name: &str) {
        self.change(owner, name, |repo| repo.archived = true);
    }

    /// Gives a repository another name; the old one leads to it.
    pub fn rename_repo(&self, owner: &str, name: &str, to: &str) {
        let old = self.change(owner, name, |repo| {
            let old = (repo.full_name().to_lowercase(), repo.id);
            to.clone_into(&mut repo.name);
            old
        });
        self.state().moved.insert(old.0, old.1);
    }

    fn change<T>(&self, owner: &str, name: &str, change: impl FnOnce(&mut Repo) -> T) -> T {
        change(self.state().repo_mut(owner, name).expect("the repository exists"))
    }

    /// A repository as it is, whether it can be seen from outside yet or not.
    pub fn repo(&self, owner: &str, name: &str) -> Option<Snapshot> {
        let state = self.state();
        let repo = state.repo(owner, name)?;
        let mut commits = Vec::new();
        let head = repo.git.refs.get(&format!("refs/heads/{}", repo.default_branch));
        let mut next = head.cloned();
        let mut files = BTreeMap::new();
        while let Some(sha) = next {
            let commit = repo.git.commit(&sha)?;
            if commits.is_empty() {
                for (path, (mode, blob)) in repo.git.flat(&commit.tree)? {
                    files.insert(path, (repo.git.get(Kind::Blob, &blob)?.to_vec(), mode));
                }
            }
            commits.push((sha, commit.message));
            next = commit.parents.first().cloned();
        }
        let branch =
            |(name, sha): (&String, &String)| Some((name.strip_prefix("refs/heads/")?.to_owned(), sha.clone()));
        let teams = state.org_of(repo).into_iter().flat_map(|o| &o.teams);
        let teams = teams.filter_map(|(slug, t)| Some((slug.clone(), t.repos.get(&repo.id)?.clone()))).collect();
        Some(Snapshot {
            files,
            commits,
            branches: repo.git.refs.iter().filter_map(branch).collect(),
            default_branch: repo.default_branch.clone(),
            description: repo.description.clone(),
            homepage: repo.homepage.clone(),
            visibility: repo.visibility.clone(),
            archived: repo.archived,
            topics: repo.topics.clone(),
            protection: repo.protection.clone(),
            teams,
            collaborators: repo.collaborators.clone(),
            invitations: repo.invitations.clone(),
            settings: repo.settings.clone(),
        })
    }
}
