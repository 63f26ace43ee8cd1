//! What the simulated GitHub knows: people, organizations with their teams, repositories, tokens,
//! apps. Plain data; who may see or change what is decided in `access`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::git::Git;
use super::limits::Limits;
use super::oauth::OAuth;

/// How the simulated GitHub behaves where the real one differs by place or time.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the API is under `/api/v3`, as on a GitHub Enterprise Server.
    pub enterprise_server: bool,
    /// For how long a new repository answers 404 after it was made (`PyGithub` issue 2457).
    pub creation_delay: Duration,
    /// For how much longer it then seems to be empty, while `auto_init` is still at work
    /// (conda-smithy issue 2080: the default branch is not there yet).
    pub init_delay: Duration,
    /// The name of the branch that `auto_init` makes.
    pub initial_branch: String,
    /// How many entries a recursive listing has at most (REST, "Get a tree": 100,000).
    pub tree_limit: usize,
    /// How many inline files, and bytes of them, a tree call takes before GitHub gives up after ten
    /// seconds (codesandbox-client issue 8614, ir-engine pull request 647: about 200 or 2.5 MB).
    pub inline_limit: (usize, usize),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enterprise_server: false,
            creation_delay: Duration::from_millis(200),
            init_delay: Duration::from_millis(100),
            initial_branch: "main".to_owned(),
            tree_limit: 100_000,
            inline_limit: (200, 2_500_000),
        }
    }
}

/// What an organization pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// No protected branches in private repositories.
    Free,
    /// Protected branches everywhere.
    Team,
    /// As Team, and internal repositories.
    Enterprise,
}

/// A person's role in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// May see what members see.
    Member,
    /// May do everything.
    Owner,
}

/// What somebody may do with a repository, from nothing to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not even see it.
    None,
    /// Read.
    Read,
    /// Read, and sort issues.
    Triage,
    /// Push.
    Write,
    /// Push, and some settings.
    Maintain,
    /// Everything.
    Admin,
}

impl Level {
    /// From the API's word, which is also what is kept; custom roles count as reading.
    pub fn from_word(word: &str) -> Self {
        match word {
            "admin" => Self::Admin,
            "maintain" => Self::Maintain,
            "push" | "write" => Self::Write,
            "triage" => Self::Triage,
            _ => Self::Read,
        }
    }
}

/// An address of a person.
#[derive(Debug, Clone)]
pub struct Email {
    /// The address.
    pub address: String,
    /// Whether it is the first one.
    pub primary: bool,
    /// Whether the person proved that it is theirs.
    pub verified: bool,
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// Login as the person wrote it.
    pub login: String,
    /// Number.
    pub id: u64,
    /// Display name.
    pub name: String,
    /// Addresses.
    pub emails: Vec<Email>,
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// Number.
    pub id: u64,
    /// Display name.
    pub name: String,
    /// Direct members, lower case.
    pub members: BTreeSet<String>,
    /// The slug of the team above.
    pub parent: Option<String>,
    /// Permissions by repository.
    pub repos: BTreeMap<u64, String>,
}

/// An organization.
#[derive(Debug, Clone)]
pub struct Org {
    /// Its name.
    pub login: String,
    /// Number.
    pub id: u64,
    /// What it pays for.
    pub plan: Plan,
    /// Members by lower-case login.
    pub members: BTreeMap<String, Role>,
    /// Teams by slug.
    pub teams: BTreeMap<String, Team>,
    /// Whether members who are not owners may make repositories.
    pub members_create: bool,
    /// What every member may do with every repository.
    pub base: Level,
}

/// A repository.
#[derive(Debug, Clone)]
pub struct Repo {
    /// Number.
    pub id: u64,
    /// Owner's name as the owner wrote it.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// `private`, `public` or `internal`.
    pub visibility: String,
    /// One sentence.
    pub description: String,
    /// An address.
    pub homepage: String,
    /// The branch that a clone checks out.
    pub default_branch: String,
    /// When it was made.
    pub created: chrono::DateTime<chrono::Utc>,
    /// From when on it can be seen.
    pub visible_at: Instant,
    /// From when on its first commit can be seen.
    pub ready_at: Instant,
    /// Whether it is read-only.
    pub archived: bool,
    /// Topics.
    pub topics: Vec<String>,
    /// `has_…`, `allow_…` and `delete_branch_on_merge`.
    pub settings: BTreeMap<String, bool>,
    /// Its objects, branches and tags.
    pub git: Git,
    /// Protection bodies by branch, as they were sent.
    pub protection: BTreeMap<String, Value>,
    /// Permissions by lower-case login.
    pub collaborators: BTreeMap<String, String>,
    /// Invitations that nobody has accepted yet, by lower-case login.
    pub invitations: BTreeMap<String, String>,
}

impl Repo {
    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Whether only those with access see it.
    pub fn private(&self) -> bool {
        self.visibility != "public"
    }

    /// A setting, with GitHub's default.
    pub fn setting(&self, key: &str) -> bool {
        let default = key != "delete_branch_on_merge" && key != "has_discussions" && key != "allow_auto_merge";
        self.settings.get(key).copied().unwrap_or(default)
    }
}

/// What a token may do.
#[derive(Debug, Clone)]
pub enum Grants {
    /// A classic or OAuth token: scopes.
    Scopes(BTreeSet<String>),
    /// A fine-grained token: permissions by area (`read` or `write`), for one owner.
    Fine {
        /// Whose things it may touch.
        owner: String,
        /// Permissions.
        permissions: BTreeMap<String, String>,
    },
}

/// Whose a token is.
#[derive(Debug, Clone)]
pub enum Holder {
    /// A person's.
    Person {
        /// Lower-case login.
        login: String,
        /// What it may do.
        grants: Grants,
    },
    /// An app's, in one organization.
    Installation {
        /// The installation.
        id: u64,
    },
}

/// A token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Whose it is.
    pub holder: Holder,
    /// Until when it is good.
    pub expires: Option<chrono::DateTime<chrono::Utc>>,
}

/// An installation of an app.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Number.
    pub id: u64,
    /// The app.
    pub app_id: u64,
    /// The organization.
    pub org: String,
    /// Permissions by area.
    pub permissions: BTreeMap<String, String>,
    /// Whether the owner suspended it.
    pub suspended: bool,
}

/// Everything.
#[derive(Debug, Default)]
pub struct State {
    /// How it behaves.
    pub options: Options,
    /// Persons by lower-case login.
    pub users: BTreeMap<String, User>,
    /// Organizations by lower-case name.
    pub orgs: BTreeMap<String, Org>,
    /// Repositories by number.
    pub repos: BTreeMap<u64, Repo>,
    /// Former lower-case full names of renamed repositories.
    pub moved: HashMap<String, u64>,
    /// Tokens that are good.
    pub tokens: HashMap<String, Token>,
    /// Public keys (PEM) of apps by number.
    pub apps: BTreeMap<u64, String>,
    /// Installations by number.
    pub installations: BTreeMap<u64, Installation>,
    /// Sign-in.
    pub oauth: OAuth,
    /// Limits.
    pub limits: Limits,
    /// The number that was given last.
    pub last_id: u64,
}

impl State {
    /// The next number.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        1_000 + self.last_id
    }

    /// A repository by its name, whether it can be seen yet or not.
    pub fn repo(&self, owner: &str, name: &str) -> Option<&Repo> {
        self.repos.values().find(|r| r.owner.eq_ignore_ascii_case(owner) && r.name.eq_ignore_ascii_case(name))
    }

    /// As [`State::repo`], to be changed.
    pub fn repo_mut(&mut self, owner: &str, name: &str) -> Option<&mut Repo> {
        self.repos.values_mut().find(|r| r.owner.eq_ignore_ascii_case(owner) && r.name.eq_ignore_ascii_case(name))
    }

    /// The organization that owns a repository, if one does.
    pub fn org_of(&self, repo: &Repo) -> Option<&Org> {
        self.orgs.get(&repo.owner.to_lowercase())
    }

    /// The members of a team and of all teams below it, lower case.
    pub fn team_people(org: &Org, slug: &str) -> BTreeSet<String> {
        let mut people = org.teams.get(slug).map(|t| t.members.clone()).unwrap_or_default();
        let below = org.teams.iter().filter(|(_, t)| t.parent.as_deref() == Some(slug));
        for (slug, _) in below {
            people.extend(Self::team_people(org, slug));
        }
        people
    }

    /// A repository as it is when it has just been made, without any commit.
    pub fn blank_repo(&mut self, owner: &str, name: &str, visibility: &str) -> Repo {
        let now = Instant::now();
        Repo {
            id: self.next_id(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            visibility: visibility.to_owned(),
            description: String::new(),
            homepage: String::new(),
            default_branch: self.options.initial_branch.clone(),
            created: chrono::Utc::now(),
            visible_at: now,
            ready_at: now,
            archived: false,
            topics: Vec::new(),
            settings: BTreeMap::new(),
            git: Git::default(),
            protection: BTreeMap::new(),
            collaborators: BTreeMap::new(),
            invitations: BTreeMap::new(),
        }
    }
}

/// A JSON object from permissions.
pub fn permissions_json(permissions: &BTreeMap<String, String>) -> Value {
    json!(permissions)
}
