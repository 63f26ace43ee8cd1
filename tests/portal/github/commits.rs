//! Commits: the first one, further ones, and everything that can be in their way.

use super::*;

#[tokio::test]
async fn the_first_commit_takes_the_place_of_what_github_put_there() {
    let bench = bench();
    bench.make().await;
    let sha = bench.github.commit(&shop(), &first_commit("main", one_file())).await.expect("it is committed");
    let there = bench.world.repo("acme", "shop").expect("it is there");
    assert_eq!(there.commits, [(sha, "initial commit".to_owned())]);
    assert_eq!(there.files.keys().collect::<Vec<_>>(), ["catalog-info.yaml"]);
    assert_eq!(there.branches.len(), 1);
    assert_eq!(there.homepage, MARK);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn files_arrive_byte_for_byte_with_their_modes() {
    let bench = quick();
    bench.make().await;
    let binary: Vec<u8> = (0..=255).collect();
    let large = "0123456789abcdef".repeat(64 << 10).into_bytes();
    let tree = files(&[
        ("run.sh", b"#!/bin/sh\r\necho \xc3\xa9\n", Mode::Executable),
        ("bin/logo.png", &binary, Mode::Regular),
        ("bin/tool", &binary, Mode::Executable),
        ("docs/link", b"../run.sh", Mode::Symlink),
        ("docs/large.txt", &large, Mode::Regular),
        ("docs/.gitkeep", b"", Mode::Regular),
        (".github/workflows/build.yaml", b"on: push\n", Mode::Regular),
        ("döcs/a b.txt", b"x", Mode::Regular),
    ]);
    bench.github.commit(&shop(), &first_commit("main", tree.clone())).await.expect("it is committed");
    let there = bench.world.repo("acme", "shop").expect("it is there").files;
    assert_eq!(there.len(), tree.len());
    for (path, file) in tree.iter() {
        assert_eq!(there[path.as_str()], (file.content.to_vec(), file.mode.git().to_owned()), "{path}");
    }
    // And back again.
    assert_eq!(bench.github.read_tree(&shop(), "main", "").await.expect("it is read"), tree);
    // The same bytes are sent once.
    let twice = bench.world.requests().iter().filter(|s| s.path.ends_with("/git/blobs")).count();
    assert_eq!(twice, 3);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_first_commit_to_another_branch_makes_it_the_default_and_leaves_no_other() {
    let bench = bench();
    bench.make().await;
    let sha = bench.github.commit(&shop(), &first_commit("master", one_file())).await.expect("it is committed");
    let there = bench.world.repo("acme", "shop").expect("it is there");
    assert_eq!(there.default_branch, "master");
    assert_eq!(there.branches.into_iter().collect::<Vec<_>>(), [("master".to_owned(), sha)]);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_first_commit_that_broke_off_before_the_old_branch_was_deleted_is_finished_by_the_next() {
    let bench = quick();
    bench.make().await;
    bench.world.fail_next(Match::regex("DELETE", "^/repos/.*/git/refs/heads/main$"), Fault::DropBefore);
    let new = first_commit("master", one_file());
    bench.github.commit(&shop(), &new).await.expect_err("it broke off");
    assert_eq!(bench.world.faults_left(), 0);
    let head = bench.world.repo("acme", "shop").expect("it is there").branches["master"].clone();
    assert_eq!(bench.github.commit(&shop(), &new).await, Ok(head));
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").branches.len(), 1);
}

#[tokio::test]
async fn the_same_first_commit_again_changes_nothing() {
    let bench = quick();
    bench.make().await;
    let new = first_commit("main", one_file());
    let sha = bench.github.commit(&shop(), &new).await.expect("it is committed");
    let commits = bench.posts("/repos/acme/shop/git/commits");
    assert_eq!(bench.github.commit(&shop(), &new).await, Ok(sha));
    assert_eq!(bench.posts("/repos/acme/shop/git/commits"), commits);
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").commits.len(), 1);
}

#[tokio::test]
async fn a_first_commit_whose_answer_was_lost_is_recognized() {
    let bench = quick();
    bench.make().await;
    let new = first_commit("main", one_file());
    bench.world.fail_next(Match::prefix("PATCH", "/repos/acme/shop/git/refs"), Fault::DropAfter);
    let error = bench.github.commit(&shop(), &new).await.expect_err("no answer came");
    assert!(matches!(error, PortError::Unknown { .. }), "{error:?}");
    let head = bench.world.repo("acme", "shop").expect("it is there").commits[0].0.clone();
    assert_eq!(bench.github.commit(&shop(), &new).await, Ok(head));
}

#[tokio::test]
async fn a_first_commit_never_takes_the_place_of_somebodys_work() {
    let bench = quick();
    bench.make().await;
    let pushed = bench.world.push("acme", "shop", "main", "Mine", &[("mine.txt", b"work", "100644")]);
    let error = bench.github.commit(&shop(), &first_commit("main", one_file())).await.expect_err("it is in the way");
    assert!(matches!(error, PortError::Conflict { .. }), "{error:?}");
    assert_eq!(bench.posts("/repos/acme/shop/git"), 0);
    // Neither if it is a commit without parent.
    bench.world.seed_repo("acme", "other", "private", &[("mine.txt", b"work", "100644")]);
    let error = bench.github.commit(&named("acme", "other"), &first_commit("main", one_file())).await;
    assert!(matches!(error, Err(PortError::Conflict { .. })), "{error:?}");
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").commits[0].0, pushed);
}

#[tokio::test]
async fn a_first_commit_waits_until_github_has_put_its_own_there() {
    let bench = bench_in(GitHubWorld::with(Options { init_delay: Duration::from_millis(900), ..Options::default() }));
    bench.make().await;
    bench.github.commit(&shop(), &first_commit("main", one_file())).await.expect("it is committed");
    assert!(bench.world.requests().iter().any(|s| s.status == Some(409)));
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn an_empty_repository_is_a_conflict() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    let error = bench.github.commit(&shop(), &first_commit("main", one_file())).await.expect_err("it is empty");
    assert!(matches!(&error, PortError::Conflict { what, .. } if what.contains("empty")), "{error:?}");
    let error = bench.github.read_tree(&shop(), "main", "").await.expect_err("it is empty");
    assert!(matches!(error, PortError::Conflict { .. }), "{error:?}");
}

#[tokio::test]
async fn many_files_go_in_several_calls_to_one_tree() {
    let bench = quick();
    bench.make().await;
    let mut tree = Tree::new();
    for i in 0..350 {
        let content = format!("file {i}\n").repeat(500).into_bytes();
        let path = TreePath::new(&format!("src/{}/{i}.txt", i % 7)).expect("a path");
        tree.insert(path, File { content: content.into(), mode: Mode::Regular }).expect("it fits");
    }
    bench.github.commit(&shop(), &first_commit("main", tree.clone())).await.expect("it is committed");
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").files.len(), 350);
    assert!(bench.posts("/repos/acme/shop/git/trees") >= 4);
    assert_eq!(bench.posts("/repos/acme/shop/git/commits"), 1);
    assert_eq!(bench.github.read_tree(&shop(), "main", ".").await.expect("it is read"), tree);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_workflow_without_the_scope_for_it_is_refused_with_the_reason() {
    let bench = quick();
    bench.make().await;
    let github = adapter(&bench.world, &bench.world.token("ada", &["repo"]));
    let tree = files(&[(".github/workflows/build.yaml", b"on: push\n", Mode::Regular)]);
    let error = github.commit(&shop(), &first_commit("main", tree)).await.expect_err("no scope");
    assert!(matches!(&error, PortError::Refused { why, .. } if why.contains("workflow")), "{error:?}");
}

fn on_top(branch: &str, parent: &str, message: &str, files: Tree) -> NewCommit {
    let (branch, parent) = (branch.to_owned(), Some(parent.to_owned()));
    NewCommit { branch, parent, message: message.to_owned(), author: None, files }
}

#[tokio::test]
async fn a_further_commit_stands_on_its_parent_and_holds_exactly_its_files() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("old.txt", b"old", "100644")]);
    let parent = bench.world.repo("acme", "shop").expect("it is there").commits[0].0.clone();
    let new = on_top("main", &parent, "Second", one_file());
    let sha = bench.github.commit(&shop(), &new).await.expect("it is committed");
    let there = bench.world.repo("acme", "shop").expect("it is there");
    assert_eq!(there.commits, [(sha.clone(), "Second".to_owned()), (parent, "First".to_owned())]);
    assert_eq!(there.files.keys().collect::<Vec<_>>(), ["catalog-info.yaml"]);
    // Once more is the same commit, and no second one.
    assert_eq!(bench.github.commit(&shop(), &new).await, Ok(sha));
    // Other files with the same words are another commit, and the branch is past its parent.
    let other = NewCommit { files: files(&[("b.txt", b"b", Mode::Regular)]), ..new };
    let error = bench.github.commit(&shop(), &other).await;
    assert!(matches!(error, Err(PortError::Conflict { .. })), "{error:?}");
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").commits.len(), 2);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_commit_on_something_else_than_the_head_is_a_conflict() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("old.txt", b"old", "100644")]);
    let parent = bench.world.repo("acme", "shop").expect("it is there").commits[0].0.clone();
    bench.world.push("acme", "shop", "main", "Somebody was quicker", &[("theirs.txt", b"x", "100644")]);
    let error = bench.github.commit(&shop(), &on_top("main", &parent, "Ours", one_file())).await;
    assert!(matches!(error, Err(PortError::Conflict { .. })), "{error:?}");
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").commits.len(), 2);
}

#[tokio::test]
async fn a_push_between_our_look_and_our_move_is_a_conflict() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("old.txt", b"old", "100644")]);
    let parent = bench.world.repo("acme", "shop").expect("it is there").commits[0].0.clone();
    let slow = Fault::Delay(Duration::from_secs(1));
    bench.world.fail_next(Match::prefix("POST", "/repos/acme/shop/git/commits"), slow);
    let (name, new) = (shop(), on_top("main", &parent, "Ours", one_file()));
    let push = async {
        // The tree is the last thing before the slow call.
        while bench.posts("/repos/acme/shop/git/trees") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.world.push("acme", "shop", "main", "Theirs", &[("theirs.txt", b"x", "100644")])
    };
    let (ours, theirs) = tokio::join!(bench.github.commit(&name, &new), push);
    assert!(matches!(&ours, Err(PortError::Conflict { what, .. }) if what.contains("fast forward")), "{ours:?}");
    assert_eq!(bench.world.repo("acme", "shop").expect("it is there").commits[0].0, theirs);
}

#[tokio::test]
async fn a_branch_that_is_not_there_is_made_on_the_parent() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("old.txt", b"old", "100644")]);
    let parent = bench.world.repo("acme", "shop").expect("it is there").commits[0].0.clone();
    let new = on_top("portal/update-1", &parent, "Update", one_file());
    let sha = bench.github.commit(&shop(), &new).await.expect("it is committed");
    let there = bench.world.repo("acme", "shop").expect("it is there");
    assert_eq!(there.branches["portal/update-1"], sha);
    assert_eq!(there.branches["main"], parent);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_name_that_no_branch_can_have_is_refused_before_anything_is_sent() {
    let bench = bench();
    for branch in ["", "a b", "../../acme", "a//b", ".hidden", "x.lock", "end/"] {
        let error = bench.github.commit(&shop(), &first_commit(branch, one_file())).await;
        assert!(matches!(error, Err(PortError::Invalid { .. })), "{branch}: {error:?}");
    }
    assert!(bench.world.requests().is_empty());
}

#[tokio::test]
async fn an_archived_repository_takes_no_commit() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("old.txt", b"old", "100644")]);
    let parent = bench.world.repo("acme", "shop").expect("it is there").commits[0].0.clone();
    bench.world.archive_repo("acme", "shop");
    let error = bench.github.commit(&shop(), &on_top("main", &parent, "Late", one_file())).await;
    assert!(matches!(&error, Err(PortError::Refused { why, .. }) if why.contains("archived")), "{error:?}");
}
