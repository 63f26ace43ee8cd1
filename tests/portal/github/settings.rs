//! The settings that a new repository gets.

use super::*;

fn rules() -> Protection {
    Protection {
        approvals: 1,
        code_owners: true,
        dismiss_stale: false,
        enforce_admins: true,
        checks: vec!["build".to_owned()],
        up_to_date: true,
        conversation_resolution: true,
        linear_history: false,
    }
}

#[tokio::test]
async fn settings_are_set_once_however_often() {
    let bench = bench();
    bench.world.add_team("acme", "platform", &["bob"]);
    bench.make().await;
    let settings = [
        Setting::Topics(vec!["Rust".to_owned(), "shop".to_owned()]),
        Setting::About { description: "Sells\nthings".to_owned(), homepage: String::new() },
        Setting::TeamAccess { team: "platform".to_owned(), permission: "maintain".to_owned() },
        Setting::UserAccess { login: "bob".to_owned(), permission: "push".to_owned() },
        Setting::UserAccess { login: "eve".to_owned(), permission: "pull".to_owned() },
        Setting::Protection { branch: "main".to_owned(), rules: rules() },
    ];
    bench.github.commit(&shop(), &first_commit("main", one_file())).await.expect("it is committed");
    for setting in settings.iter().chain(&settings) {
        assert_eq!(bench.github.configure(&shop(), setting).await, Ok(Configured::Done), "{setting:?}");
    }
    let there = bench.world.repo("acme", "shop").expect("it is there");
    assert_eq!(there.topics, ["rust", "shop"]);
    assert_eq!((there.description.as_str(), there.homepage.as_str()), ("Sells things", ""));
    assert_eq!(there.teams["platform"], "maintain");
    assert_eq!(there.collaborators["bob"], "push");
    assert_eq!(there.invitations["eve"], "pull");
    let protection = &there.protection["main"];
    for key in ["required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions"] {
        assert!(protection.get(key).is_some(), "{key}");
    }
    assert_eq!(protection["required_status_checks"]["contexts"][0], "build");
    assert_eq!(protection["required_pull_request_reviews"]["required_approving_review_count"], 1);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_default_branch_must_be_there() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("a", b"a", "100644")]);
    bench.world.push("acme", "shop", "trunk", "Other", &[("b", b"b", "100644")]);
    let to = |branch: &str| Setting::DefaultBranch(branch.to_owned());
    assert_eq!(bench.github.configure(&shop(), &to("trunk")).await, Ok(Configured::Done));
    let error = bench.github.configure(&shop(), &to("nowhere")).await;
    assert!(matches!(&error, Err(PortError::Invalid { why, .. }) if why.contains("nowhere")), "{error:?}");
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").default_branch, "trunk");
}

#[tokio::test]
async fn protection_that_the_plan_does_not_offer_is_a_warning_in_githubs_words() {
    let bench = bench();
    bench.world.set_plan("acme", Plan::Free);
    bench.world.seed_repo("acme", "shop", "private", &[("a", b"a", "100644")]);
    let setting = Setting::Protection { branch: "main".to_owned(), rules: rules() };
    let told = "Upgrade to GitHub Pro or make this repository public to enable this feature.";
    let refused = bench.github.configure(&shop(), &setting).await;
    assert_eq!(refused, Ok(Configured::NotOffered(told.to_owned())));
    // In a public one it is offered.
    bench.world.seed_repo("acme", "open", "public", &[("a", b"a", "100644")]);
    assert_eq!(bench.github.configure(&named("acme", "open"), &setting).await, Ok(Configured::Done));
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn protection_without_checks_switches_them_off() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("a", b"a", "100644")]);
    let rules = Protection { checks: Vec::new(), up_to_date: false, ..rules() };
    let setting = Setting::Protection { branch: "main".to_owned(), rules };
    bench.github.configure(&shop(), &setting).await.expect("it is set");
    let protection = bench.world.repo("acme", "shop").expect("it is there").protection;
    assert!(protection["main"]["required_status_checks"].is_null());
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn unknown_teams_people_and_permissions_are_told_apart() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    let permission = "push".to_owned();
    let team = Setting::TeamAccess { team: "ghosts".to_owned(), permission: permission.clone() };
    let error = bench.github.configure(&shop(), &team).await;
    assert!(matches!(&error, Err(PortError::NotFound { what, .. }) if what.contains("ghosts")), "{error:?}");
    let person = Setting::UserAccess { login: "nobody".to_owned(), permission };
    assert!(matches!(bench.github.configure(&shop(), &person).await, Err(PortError::NotFound { .. })));
    let word = Setting::UserAccess { login: "bob".to_owned(), permission: "emperor".to_owned() };
    assert!(matches!(bench.github.configure(&shop(), &word).await, Err(PortError::Invalid { .. })));
}

#[tokio::test]
async fn settings_need_rights_to_the_repository() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    let bobs = adapter(&bench.world, &bench.world.token("bob", &SCOPES));
    let error = bobs.configure(&shop(), &Setting::Topics(Vec::new())).await;
    assert!(matches!(&error, Err(PortError::Refused { why, .. }) if why.contains("admin rights")), "{error:?}");
    // Somebody from outside does not even see it.
    let eves = adapter(&bench.world, &bench.world.token("eve", &SCOPES));
    assert_eq!(eves.find(&shop()).await, Ok(None));
}
