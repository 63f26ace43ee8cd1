//! A simulated GitHub over real HTTP: organizations, teams, repositories with real Git objects,
//! tokens with scopes, apps, sign-in, limits. It keeps state, it is never kinder than the real one
//! where the real one's ways are known (each such place names its source), and it holds every call
//! to GitHub's published description: a test ends with `world.assert_kept_contract()`.
//!
//! What it cannot show: that GitHub itself behaves so. Where no source was found, the place says
//! that the words are assumed.
//!
//! ```ignore
//! let world = GitHubWorld::start();
//! world.add_org("acme");
//! world.add_user("ada");
//! world.add_member("acme", "ada", Role::Owner);
//! let token = world.token("ada", &["repo", "read:org", "workflow", "delete_repo"]);
//! // … a portal that is pointed at world.api_url() …
//! assert_eq!(world.repo("acme", "shop").unwrap().homepage, "https://portal.example/runs/1");
//! world.assert_kept_contract();
//! ```

mod access;
mod contract;
mod faults;
mod git;
mod limits;
mod oauth;
mod reply;
mod repos;
mod rest;
mod server;
mod sha1;
mod shapes;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use url::Url;

pub use faults::{Fault, Match};
pub use state::{Options, Plan, Role};

use server::{Inner, Server, lock};
use shapes::Base;
use state::{Email, Grants, Holder, Installation, Level, Org, State, Team, Token, User};

/// The private key of the app that [`GitHubWorld::install_app`] makes. For tests only.
pub const APP_KEY: &str = include_str!("app_key.pem");
const APP_PUBLIC_KEY: &str = include_str!("app_key.pub.pem");

/// A call that was made.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path, without `/api/v3`.
    pub path: String,
    /// Query.
    pub query: String,
    /// Body.
    pub body: String,
    /// What was answered; `None` if the connection was closed without an answer.
    pub status: Option<u16>,
    /// Who called: a lower-case login, an app, or nobody.
    pub who: String,
}

/// A running simulation.
#[derive(Debug)]
pub struct GitHubWorld {
    inner: Arc<Inner>,
    _server: Server,
}

impl GitHubWorld {
    /// Starts one like github.com.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// Starts one like a GitHub Enterprise Server: the API is under `/api/v3`.
    pub fn start_enterprise_server() -> Self {
        Self::with(Options { enterprise_server: true, ..Options::default() })
    }

    /// Starts one with other options.
    pub fn with(options: Options) -> Self {
        let listen = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.set_nonblocking(true).expect("a listener for tokio");
            let at = listener.local_addr().expect("an address");
            (listener, format!("http://{at}"))
        };
        let ((main, web), (archives, codeload)) = (listen(), listen());
        let api = if options.enterprise_server { format!("{web}/api/v3") } else { web.clone() };
        let inner = Arc::new(Inner {
            state: Mutex::new(State { options, ..State::default() }),
            log: Mutex::default(),
            violations: Mutex::default(),
            faults: Mutex::default(),
            base: Base { api, web, codeload },
        });
        let server = Server::start(Arc::clone(&inner), main, archives);
        Self { inner, _server: server }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.inner.state)
    }

    /// Where the API is.
    pub fn api_url(&self) -> Url {
        Url::parse(&self.inner.base.api).expect("our own address")
    }

    /// Where the pages are: `/login/oauth/authorize` and `/login/oauth/access_token` are below it.
    pub fn web_url(&self) -> Url {
        Url::parse(&self.inner.base.web).expect("our own address")
    }

    // ---- people -------------------------------------------------------------------------------

    /// Adds a person, with one verified address.
    pub fn add_user(&self, login: &str) {
        let mut state = self.state();
        let id = state.next_id();
        let address = format!("{}@example.com", login.to_lowercase());
        let emails = vec![Email { address, primary: true, verified: true }];
        let user = User { login: login.to_owned(), id, name: format!("{login} Example"), emails };
        state.users.insert(login.to_lowercase(), user);
    }

    /// Adds an address to a person.
    pub fn add_email(&self, login: &str, address: &str, primary: bool, verified: bool) {
        let mut state = self.state();
        let user = state.users.get_mut(&login.to_lowercase()).expect("the person exists");
        if primary {
            user.emails.iter_mut().for_each(|e| e.primary = false);
        }
        user.emails.push(Email { address: address.to_owned(), primary, verified });
    }

    /// The number of a person.
    pub fn user_id(&self, login: &str) -> u64 {
        self.state().users[&login.to_lowercase()].id
    }

    /// Adds an organization on the Team plan.
    pub fn add_org(&self, login: &str) {
        let mut state = self.state();
        let id = state.next_id();
        let org = Org {
            login: login.to_owned(),
            id,
            plan: Plan::Team,
            members: BTreeMap::new(),
            teams: BTreeMap::new(),
            members_create: true,
            base: Level::Read,
        };
        state.orgs.insert(login.to_lowercase(), org);
    }

    fn org<T>(&self, org: &str, change: impl FnOnce(&mut Org) -> T) -> T {
        change(self.state().orgs.get_mut(&org.to_lowercase()).expect("the organization exists"))
    }

    /// Changes what an organization pays for.
    pub fn set_plan(&self, org: &str, plan: Plan) {
        self.org(org, |o| o.plan = plan);
    }

    /// Whether members who are not owners may make repositories.
    pub fn let_members_create(&self, org: &str, may: bool) {
        self.org(org, |o| o.members_create = may);
    }

    /// Makes a person a member.
    pub fn add_member(&self, org: &str, login: &str, role: Role) {
        self.org(org, |o| o.members.insert(login.to_lowercase(), role));
    }

    /// Takes a person out of an organization and its teams.
    pub fn remove_member(&self, org: &str, login: &str) {
        let login = login.to_lowercase();
        self.org(org, |o| {
            o.members.remove(&login);
            for team in o.teams.values_mut() {
                team.members.remove(&login);
            }
        });
    }

    /// Adds a team, or replaces its members. The members must be members of the organization.
    pub fn add_team(&self, org: &str, slug: &str, members: &[&str]) {
        self.add_child_team(org, None, slug, members);
    }

    /// Adds a team below another one.
    pub fn add_child_team(&self, org: &str, parent: Option<&str>, slug: &str, members: &[&str]) {
        let id = self.state().next_id();
        let members: BTreeSet<String> = members.iter().map(|m| m.to_lowercase()).collect();
        let team =
            Team { id, name: slug.to_owned(), members, parent: parent.map(str::to_owned), repos: BTreeMap::new() };
        self.org(org, |o| o.teams.insert(slug.to_owned(), team));
    }

    // ---- tokens and apps ----------------------------------------------------------------------

    fn grant(&self, prefix: &str, holder: Holder) -> String {
        let token = format!("{prefix}{}", uuid::Uuid::new_v4().simple());
        self.state().tokens.insert(token.clone(), Token { holder, expires: None });
        token
    }

    /// A classic token of a person, with scopes.
    pub fn token(&self, login: &str, scopes: &[&str]) -> String {
        let grants = Grants::Scopes(scopes.iter().map(|s| (*s).to_owned()).collect());
        self.grant("ghp_", Holder::Person { login: login.to_lowercase(), grants })
    }

    /// A fine-grained token of a person for one owner, with permissions such as
    /// `("contents", "write")`.
    pub fn fine_grained_token(&self, login: &str, owner: &str, permissions: &[(&str, &str)]) -> String {
        let grants = Grants::Fine { owner: owner.to_owned(), permissions: owned(permissions) };
        self.grant("github_pat_", Holder::Person { login: login.to_lowercase(), grants })
    }

    /// Takes a token back.
    pub fn revoke_token(&self, token: &str) {
        self.state().tokens.remove(token);
    }

    /// Lets all tokens of apps run out, as after an hour.
    pub fn expire_app_tokens(&self) {
        self.state().tokens.retain(|_, t| !matches!(t.holder, Holder::Installation { .. }));
    }

    /// Makes an app with [`APP_KEY`] and installs it; tells the installation's number.
    pub fn install_app(&self, app_id: u64, org: &str, permissions: &[(&str, &str)]) -> u64 {
        let mut state = self.state();
        let id = state.next_id();
        state.apps.insert(app_id, APP_PUBLIC_KEY.to_owned());
        let permissions = owned(permissions);
        let installation = Installation { id, app_id, org: org.to_owned(), permissions, suspended: false };
        state.installations.insert(id, installation);
        id
    }

    /// Suspends an installation, or ends that.
    pub fn suspend_installation(&self, id: u64, suspended: bool) {
        let mut state = self.state();
        state.installations.get_mut(&id).expect("the installation exists").suspended = suspended;
    }

    /// Takes an installation away.
    pub fn uninstall(&self, id: u64) {
        self.state().installations.remove(&id);
    }

    // ---- sign-in ------------------------------------------------------------------------------

    /// Registers an OAuth app.
    pub fn add_oauth_app(&self, client_id: &str, secret: &str, callback: &str) {
        let client = oauth::Client { secret: secret.to_owned(), callback: callback.to_owned() };
        self.state().oauth.clients.insert(client_id.to_owned(), client);
    }

    /// Who is at the browser from now on.
    pub fn sign_in_as(&self, login: &str) {
        self.state().oauth.person = Some(login.to_lowercase());
    }

    /// The person at the browser refuses the next request.
    pub fn refuse_next_sign_in(&self) {
        self.state().oauth.refuses = true;
    }

    /// Lets all sign-in codes run out, as after ten minutes.
    pub fn expire_codes(&self) {
        self.state().oauth.expire_codes();
    }

    // ---- faults, limits, what happened --------------------------------------------------------

    /// The next call that matches fails.
    pub fn fail_next(&self, which: Match, fault: Fault) {
        lock(&self.inner.faults).add(which, fault);
    }

    /// How many ordered faults were not met.
    pub fn faults_left(&self) -> usize {
        lock(&self.inner.faults).left()
    }

    /// Leaves so many calls to a token until so many seconds from now.
    pub fn leave_calls(&self, token: &str, remaining: u64, reset_in: i64) {
        self.state().limits.set(token, remaining, reset_in);
    }

    /// All calls so far.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.inner.log).clone()
    }

    /// How many calls had this method and a path that begins so.
    pub fn count(&self, method: &str, prefix: &str) -> usize {
        self.requests().iter().filter(|s| s.method == method && s.path.starts_with(prefix)).count()
    }

    /// What broke GitHub's description, by the caller or by the simulation itself.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.inner.violations).clone()
    }

    /// Fails the test if anything broke GitHub's description.
    pub fn assert_kept_contract(&self) {
        assert_eq!(self.violations(), Vec::<String>::new());
    }
}

fn owned(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}
