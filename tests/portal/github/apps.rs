//! As a GitHub App, and on a GitHub Enterprise Server.

use super::*;

const APP: u64 = 4_711;
const PERMISSIONS: [(&str, &str); 5] = [
    ("metadata", "read"),
    ("administration", "write"),
    ("contents", "write"),
    ("members", "read"),
    ("workflows", "write"),
];

#[tokio::test]
async fn an_app_does_everything_with_one_token() {
    let bench = bench();
    bench.world.install_app(APP, "acme", &PERMISSIONS);
    let github = app(&bench.world, APP);
    github.create(&new_repository(shop())).await.expect("it is made");
    let tree = files(&[(".github/workflows/build.yaml", b"on: push\n", Mode::Regular)]);
    github.commit(&shop(), &first_commit("main", tree)).await.expect("it is committed");
    github.configure(&shop(), &Setting::Topics(vec!["a".to_owned()])).await.expect("it is set");
    github.team_members("acme").await.expect("they are read");
    github.read_tree(&shop(), "main", "").await.expect("it is read");
    assert_eq!(github.repositories("acme").await.expect("they are listed").len(), 1);
    assert_eq!(bench.posts("/app/installations"), 1);
    assert_eq!(bench.world.count("GET", "/orgs/acme/installation"), 1);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn an_apps_token_is_renewed_when_it_has_run_out() {
    let bench = bench();
    bench.world.install_app(APP, "acme", &PERMISSIONS);
    bench.world.seed_repo("acme", "shop", "private", &[]);
    let github = app(&bench.world, APP);
    assert!(github.find(&shop()).await.expect("an answer").is_some());
    bench.world.expire_app_tokens();
    assert!(github.find(&shop()).await.expect("an answer").is_some());
    assert_eq!(bench.posts("/app/installations"), 2);
}

#[tokio::test]
async fn an_app_that_was_installed_again_is_found_again() {
    let bench = bench();
    let old = bench.world.install_app(APP, "acme", &PERMISSIONS);
    bench.world.seed_repo("acme", "shop", "private", &[]);
    let github = app(&bench.world, APP);
    assert!(github.find(&shop()).await.expect("an answer").is_some());
    bench.world.uninstall(old);
    bench.world.expire_app_tokens();
    bench.world.install_app(APP, "acme", &PERMISSIONS);
    // The call that meets the change may fail, but must not say that there is no repository.
    let met = github.find(&shop()).await;
    assert!(matches!(met, Err(PortError::Unauthorized { .. })), "{met:?}");
    assert!(github.find(&shop()).await.expect("an answer").is_some());
}

#[tokio::test]
async fn an_app_that_is_suspended_or_not_installed_or_unknown_says_so() {
    let bench = bench();
    let unknown = app(&bench.world, 1).find(&shop()).await.expect_err("unknown");
    assert!(matches!(unknown, PortError::Unauthorized { .. }), "{unknown:?}");
    let installation = bench.world.install_app(APP, "acme", &PERMISSIONS);
    bench.world.suspend_installation(installation, true);
    let suspended = app(&bench.world, APP).find(&shop()).await.expect_err("suspended");
    assert!(matches!(&suspended, PortError::Refused { why, .. } if why.contains("suspended")), "{suspended:?}");
    bench.world.uninstall(installation);
    let gone = app(&bench.world, APP).create(&new_repository(shop())).await.expect_err("not installed");
    assert!(matches!(&gone, PortError::Unauthorized { why, .. } if why.contains("acme")), "{gone:?}");
}

#[tokio::test]
async fn a_lost_token_call_is_no_lost_call() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    bench.world.install_app(APP, "acme", &PERMISSIONS);
    let github = app(&bench.world, APP);
    bench.world.fail_next(Match::prefix("POST", "/app/installations"), Fault::DropBefore);
    let error = github.configure(&shop(), &Setting::Topics(Vec::new())).await.expect_err("no token");
    assert!(matches!(error, PortError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_app_without_a_permission_is_refused() {
    let bench = bench();
    bench.world.install_app(APP, "acme", &[("metadata", "read"), ("contents", "read")]);
    let error = app(&bench.world, APP).create(&new_repository(shop())).await.expect_err("no permission");
    let told = "Resource not accessible by integration".to_owned();
    assert_eq!(error, PortError::Refused { system: "GitHub".to_owned(), why: told });
}

#[tokio::test]
async fn a_fine_grained_token_does_what_its_permissions_say() {
    let bench = bench();
    let token = bench.world.fine_grained_token("ada", "acme", &PERMISSIONS);
    let github = adapter(&bench.world, &token);
    github.create(&new_repository(shop())).await.expect("it is made");
    github.commit(&shop(), &first_commit("main", one_file())).await.expect("it is committed");
    let reader = adapter(&bench.world, &bench.world.fine_grained_token("ada", "acme", &[("contents", "read")]));
    reader.read_tree(&shop(), "main", "").await.expect("it is read");
    let error = reader.configure(&shop(), &Setting::Topics(Vec::new())).await;
    assert!(
        matches!(&error, Err(PortError::Refused { why, .. }) if why.contains("personal access token")),
        "{error:?}"
    );
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn an_enterprise_server_is_used_under_its_path() {
    let world = GitHubWorld::start_enterprise_server();
    world.add_org("acme");
    world.add_user("ada");
    world.add_member("acme", "ada", Role::Owner);
    world.install_app(APP, "acme", &PERMISSIONS);
    let host = "github.example.com".to_owned();
    let token = Secret::new(world.token("ada", &SCOPES));
    let private_key_pem = Secret::new(APP_KEY);
    let both = [
        ("one", Credentials::Token(token)),
        ("two", Credentials::App { app_id: APP, private_key_pem, org: "acme".to_owned() }),
    ];
    assert!(world.api_url().path().ends_with("/api/v3"));
    for (name, credentials) in both {
        let github = GitHub::new(GitHubSettings { host: host.clone(), api_url: world.api_url(), credentials })
            .expect("settings");
        let name = RepositoryName { host: host.clone(), owner: "acme".to_owned(), name: name.to_owned() };
        github.create(&new_repository(name.clone())).await.expect("it is made");
        github.commit(&name, &first_commit("main", one_file())).await.expect("it is committed");
        assert_eq!(github.read_tree(&name, "main", "").await, Ok(one_file()));
        let missing = RepositoryName { name: "missing".to_owned(), ..name };
        let error = github.read_file(&missing, "main", "a", None).await.expect_err("missing");
        assert!(error.to_string().starts_with("GitHub (github.example.com)"), "{error}");
    }
    world.assert_kept_contract();
}
