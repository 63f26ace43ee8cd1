//! Repositories found, made and deleted.

use super::*;

#[tokio::test]
async fn a_new_repository_carries_the_mark_from_the_creating_call_on() {
    let bench = bench();
    let made = bench.make().await;
    assert_eq!((made.name, made.homepage.as_str(), made.visibility), (shop(), MARK, Visibility::Private));
    let there = bench.world.repo("acme", "shop").expect("it is there");
    assert_eq!((there.homepage.as_str(), there.description.as_str()), (MARK, "Sells things"));
    let on = |key: &str| there.settings.get(key).copied();
    assert_eq!((on("has_wiki"), on("has_issues"), on("allow_squash_merge")), (Some(false), None, Some(true)));
    assert_eq!((on("allow_merge_commit"), on("delete_branch_on_merge")), (Some(false), Some(true)));
    assert_eq!(bench.world.count("PATCH", "/repos"), 0);
    let calls = bench.world.requests();
    let call = calls.iter().find(|s| s.method == "POST").expect("it was made by a call");
    assert!(call.body.contains(MARK) && call.who == "ada" && call.status == Some(201), "{call:?}");
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_missing_repository_is_none_at_once() {
    let bench = bench();
    assert_eq!(bench.github.find(&shop()).await, Ok(None));
    assert_eq!(bench.world.requests().len(), 1);
}

#[tokio::test]
async fn a_repository_that_was_just_made_is_found_although_github_hides_it_at_first() {
    let bench = bench();
    bench.make().await;
    let found = bench.github.find(&shop()).await.expect("an answer").expect("it is there");
    assert_eq!(found.homepage, MARK);
    assert!(bench.world.count("GET", "/repos/acme/shop") > 1);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_taken_name_is_a_conflict() {
    let bench = bench();
    bench.world.seed_repo("acme", "Shop", "private", &[]);
    let error = bench.github.create(&new_repository(shop())).await.expect_err("it is taken");
    let PortError::Conflict { what, .. } = &error else { panic!("{error:?}") };
    assert!(what.contains("name already exists on this account"), "{what}");
    // The one that is there is not ours, and a look says so at once.
    let found = bench.github.find(&shop()).await.expect("an answer").expect("it is there");
    assert_eq!(found.homepage, "");
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_name_that_github_would_change_is_refused_before_anything_is_sent() {
    let bench = bench();
    for name in ["my shop", "Schönes", "", "..", "shop.git", &"x".repeat(101)] {
        let error = bench.github.create(&new_repository(named("acme", name))).await.expect_err("no name");
        assert!(matches!(error, PortError::Invalid { .. }), "{error:?}");
    }
    let elsewhere = RepositoryName { host: "github.example".to_owned(), ..shop() };
    assert!(matches!(bench.github.find(&elsewhere).await, Err(PortError::Invalid { .. })));
    assert!(bench.world.requests().is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_create_is_unknown_and_a_look_then_shows_our_mark() {
    let bench = bench();
    bench.world.fail_next(Match::prefix("POST", "/orgs/acme/repos"), Fault::DropAfter);
    let error = bench.github.create(&new_repository(shop())).await.expect_err("no answer came");
    assert!(matches!(error, PortError::Unknown { .. }), "{error:?}");
    // At once, while GitHub still answers 404.
    let found = bench.github.find(&shop()).await.expect("an answer").expect("it is there");
    assert_eq!(found.homepage, MARK);
    assert_eq!(bench.posts("/orgs/acme/repos"), 1);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_call_that_was_lost_on_the_way_is_unknown_and_a_patient_look_finds_nothing() {
    let bench = bench();
    bench.world.fail_next(Match::prefix("POST", "/orgs/acme/repos"), Fault::DropBefore);
    let error = bench.github.create(&new_repository(shop())).await.expect_err("no answer came");
    assert!(matches!(error, PortError::Unknown { .. }), "{error:?}");
    let began = Instant::now();
    assert_eq!(bench.github.find(&shop()).await, Ok(None));
    assert!((5..=10).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    // Once is enough: from then on it is known not to be there.
    let began = Instant::now();
    assert_eq!(bench.github.find(&shop()).await, Ok(None));
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(bench.posts("/orgs/acme/repos"), 1);
}

#[tokio::test]
async fn a_server_error_on_create_is_unknown_and_is_not_repeated() {
    let bench = bench();
    bench.world.fail_next(Match::prefix("POST", "/orgs"), Fault::status(502, "<html>Bad gateway</html>"));
    let error = bench.github.create(&new_repository(shop())).await.expect_err("it failed");
    assert!(matches!(&error, PortError::Unknown { why, .. } if !why.contains('<')), "{error:?}");
    assert_eq!(bench.posts("/orgs/acme/repos"), 1);
}

#[tokio::test]
async fn what_fails_before_the_creating_call_certainly_had_no_effect() {
    let bench = bench();
    bench.world.fail_next(Match::prefix("GET", "/users/acme"), Fault::DropBefore);
    let error = bench.github.create(&new_repository(shop())).await.expect_err("it failed");
    assert!(matches!(error, PortError::Unavailable { .. }), "{error:?}");
    assert_eq!(bench.posts("/orgs"), 0);
}

#[tokio::test]
async fn a_person_makes_repositories_in_their_own_account_only() {
    let bench = bench();
    let made = bench.github.create(&new_repository(named("ada", "notes"))).await.expect("it is made");
    assert_eq!(made.name, named("ada", "notes"));
    let error = bench.github.create(&new_repository(named("bob", "notes"))).await.expect_err("not ours");
    assert!(matches!(error, PortError::Refused { .. }), "{error:?}");
    let error = bench.github.create(&new_repository(named("nobody", "notes"))).await.expect_err("nobody");
    assert!(matches!(error, PortError::NotFound { .. }), "{error:?}");
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn an_internal_repository_needs_an_enterprise() {
    let bench = bench();
    let new = NewRepository { visibility: Visibility::Internal, ..new_repository(shop()) };
    let error = bench.github.create(&new).await.expect_err("no enterprise");
    assert!(matches!(&error, PortError::Invalid { why, .. } if why.contains("enterprise")), "{error:?}");
    bench.world.set_plan("acme", Plan::Enterprise);
    assert_eq!(bench.github.create(&new).await.expect("it is made").visibility, Visibility::Internal);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_member_who_may_not_make_repositories_is_refused_in_githubs_words() {
    let bench = bench();
    bench.world.let_members_create("acme", false);
    let bobs = adapter(&bench.world, &bench.world.token("bob", &SCOPES));
    let error = bobs.create(&new_repository(shop())).await.expect_err("bob may not");
    assert!(matches!(&error, PortError::Refused { why, .. } if why.contains("admin access")), "{error:?}");
}

#[tokio::test]
async fn line_breaks_in_a_description_become_spaces() {
    let bench = bench();
    let new = NewRepository { description: "Sells\n  things\t\n".to_owned(), ..new_repository(shop()) };
    assert_eq!(bench.github.create(&new).await.expect("it is made").description, "Sells things");
}

#[tokio::test]
async fn the_single_errors_of_a_refusal_are_told() {
    let bench = bench();
    let new = NewRepository { description: "x".repeat(400), ..new_repository(shop()) };
    let error = bench.github.create(&new).await.expect_err("too long");
    let told = "Validation Failed: description is too long (maximum is 350 characters)";
    assert_eq!(error, PortError::Invalid { system: "GitHub".to_owned(), why: told.to_owned() });
}

#[tokio::test]
async fn a_former_name_is_free_although_github_leads_on_from_it() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("a.txt", b"a", "100644")]);
    bench.world.rename_repo("acme", "shop", "store");
    assert_eq!(bench.github.find(&shop()).await, Ok(None));
    // Reading goes on to work, as people expect of old links.
    let read = bench.github.read_file(&shop(), "main", "a.txt", None).await.expect("it is read");
    assert!(matches!(read, Fetched::Content { bytes, .. } if bytes == "a"));
    // Writing through an old name is refused: GitHub answers 307, which is not followed.
    let topics = bench.github.configure(&shop(), &Setting::Topics(vec!["a".to_owned()])).await;
    assert!(matches!(topics, Err(PortError::NotFound { .. })), "{topics:?}");
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn deleting_is_final_and_deleting_again_is_no_error() {
    let bench = bench();
    bench.make().await;
    // At once: a 404 for being new must not be taken for being gone.
    bench.github.delete(&shop()).await.expect("it is deleted");
    assert_eq!(bench.world.repo("acme", "shop"), None);
    bench.github.delete(&shop()).await.expect("it is gone");
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn deleting_without_the_scope_is_refused() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    let github = adapter(&bench.world, &bench.world.token("ada", &["repo"]));
    let error = github.delete(&shop()).await.expect_err("no scope");
    assert!(matches!(error, PortError::Refused { .. }), "{error:?}");
}
