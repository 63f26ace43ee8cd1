//! The GitHub adapter against the simulated GitHub: what it makes there, what it reads, and what it
//! makes of every way in which GitHub can refuse, delay or lose a call.

use std::time::{Duration, Instant};

use slipway::kernel::secret::Secret;
use slipway::kernel::tree::{File, Mode, Tree, TreePath};
use slipway::ports::PortError;
use slipway::ports::code_host::github::{Credentials, GitHub, GitHubSettings};
use slipway::ports::code_host::{
    CodeHost, Configured, Fetched, NewCommit, NewRepository, Protection, Repository, RepositoryName, Setting,
    Visibility,
};

use crate::world::github::{APP_KEY, Fault, GitHubWorld, Match, Options, Plan, Role};

mod apps;
mod commits;
mod finding;
mod people;
mod reading;
mod refusals;
mod settings;
mod the_world;

const SCOPES: [&str; 4] = ["repo", "read:org", "workflow", "delete_repo"];
const MARK: &str = "https://portal.example/runs/7";

/// A world with the organization acme, its owner ada, its member bob and the outsider eve, and the
/// adapter as ada.
struct Bench {
    world: GitHubWorld,
    token: String,
    github: GitHub,
}

fn bench() -> Bench {
    bench_in(GitHubWorld::start())
}

/// As [`bench`], in a world where new repositories are there at once.
fn quick() -> Bench {
    bench_in(GitHubWorld::with(Options {
        creation_delay: Duration::ZERO,
        init_delay: Duration::ZERO,
        ..Options::default()
    }))
}

fn bench_in(world: GitHubWorld) -> Bench {
    world.add_org("acme");
    for login in ["ada", "bob", "eve"] {
        world.add_user(login);
    }
    world.add_member("acme", "ada", Role::Owner);
    world.add_member("acme", "bob", Role::Member);
    let token = world.token("ada", &SCOPES);
    let github = adapter(&world, &token);
    Bench { world, token, github }
}

fn adapter(world: &GitHubWorld, token: &str) -> GitHub {
    connect(world, Credentials::Token(Secret::new(token)))
}

fn app(world: &GitHubWorld, app_id: u64) -> GitHub {
    let private_key_pem = Secret::new(APP_KEY);
    connect(world, Credentials::App { app_id, private_key_pem, org: "acme".to_owned() })
}

fn connect(world: &GitHubWorld, credentials: Credentials) -> GitHub {
    let settings = GitHubSettings { host: "github.com".to_owned(), api_url: world.api_url(), credentials };
    GitHub::new(settings).expect("the settings are good")
}

fn named(owner: &str, name: &str) -> RepositoryName {
    RepositoryName { host: "github.com".to_owned(), owner: owner.to_owned(), name: name.to_owned() }
}

fn shop() -> RepositoryName {
    named("acme", "shop")
}

fn new_repository(name: RepositoryName) -> NewRepository {
    NewRepository {
        name,
        description: "Sells things".to_owned(),
        visibility: Visibility::Private,
        mark: MARK.to_owned(),
        has_issues: None,
        has_projects: Some(false),
        has_wiki: Some(false),
        allow_merge_commit: false,
        allow_squash_merge: true,
        allow_rebase_merge: false,
        delete_branch_on_merge: true,
    }
}

fn files(list: &[(&str, &[u8], Mode)]) -> Tree {
    let mut tree = Tree::new();
    for (path, content, mode) in list {
        let file = File { content: content.to_vec().into(), mode: *mode };
        tree.insert(TreePath::new(path).expect("a path"), file).expect("it fits");
    }
    tree
}

fn first_commit(branch: &str, files: Tree) -> NewCommit {
    let author = Some(("Portal".to_owned(), "portal@example.com".to_owned()));
    NewCommit { branch: branch.to_owned(), parent: None, message: "initial commit".to_owned(), author, files }
}

fn one_file() -> Tree {
    files(&[("catalog-info.yaml", b"kind: Component\n", Mode::Regular)])
}

impl Bench {
    async fn make(&self) -> Repository {
        self.github.create(&new_repository(shop())).await.expect("it is made")
    }

    fn posts(&self, prefix: &str) -> usize {
        self.world.count("POST", prefix)
    }
}

fn retry_after(error: &PortError) -> Duration {
    error.retry_after().unwrap_or_else(|| panic!("not a limit: {error}"))
}
