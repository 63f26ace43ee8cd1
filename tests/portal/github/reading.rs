//! Files and trees read, and repositories listed.

use super::*;

async fn content(github: &GitHub, at: &str, path: &str) -> Result<Vec<u8>, PortError> {
    match github.read_file(&shop(), at, path, None).await? {
        Fetched::Content { bytes, .. } => Ok(bytes.to_vec()),
        Fetched::NotModified => panic!("nothing was known"),
    }
}

#[tokio::test]
async fn a_file_is_read_at_a_branch_a_tag_or_a_commit() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("docs/a b.md", b"one", "100644")]);
    let first = bench.world.repo("acme", "shop").expect("it is there").commits[0].0.clone();
    bench.world.tag("acme", "shop", "v1.0", &first);
    bench.world.push("acme", "shop", "main", "Two", &[("docs/a b.md", b"two", "100644")]);
    bench.world.push("acme", "shop", "feature/x&y", "Three", &[("docs/a b.md", b"three", "100644")]);
    for (at, expected) in [("main", "two"), ("v1.0", "one"), (&first, "one"), ("feature/x&y", "three")] {
        assert_eq!(content(&bench.github, at, "docs/a b.md").await, Ok(expected.as_bytes().to_vec()), "{at}");
    }
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_file_that_has_not_changed_is_not_sent_again() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[("a.txt", b"one", "100644")]);
    let read = bench.github.read_file(&shop(), "main", "a.txt", None).await.expect("it is read");
    let Fetched::Content { etag: Some(etag), .. } = read else { panic!("{read:?}") };
    bench.world.leave_calls(&bench.token, 1, 3_600);
    // Asking so costs nothing of the hourly limit.
    for _ in 0..3 {
        let again = bench.github.read_file(&shop(), "main", "a.txt", Some(&etag)).await;
        assert_eq!(again, Ok(Fetched::NotModified));
    }
    bench.world.push("acme", "shop", "main", "Two", &[("a.txt", b"two", "100644")]);
    let changed = bench.github.read_file(&shop(), "main", "a.txt", Some(&etag)).await.expect("it is read");
    assert!(matches!(changed, Fetched::Content { bytes, .. } if bytes == "two"));
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn files_are_read_up_to_the_limit_and_not_beyond() {
    let bench = bench();
    let (large, larger) = (vec![b'x'; 3 << 20], vec![b'x'; (10 << 20) + 1]);
    let list: [(&str, &[u8], &str); 2] = [("large.bin", &large, "100644"), ("larger.bin", &larger, "100644")];
    bench.world.seed_repo("acme", "shop", "private", &list);
    assert_eq!(content(&bench.github, "main", "large.bin").await, Ok(large));
    let error = content(&bench.github, "main", "larger.bin").await.expect_err("too large");
    assert!(matches!(error, PortError::Invalid { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_a_file_is_not_found() {
    let bench = bench();
    // A file that looks like a listing, to be told apart from one.
    let lookalike = br#"[{"type":"file","sha":"x","path":"y","_links":{}}]"#;
    let list: [(&str, &[u8], &str); 2] = [("docs/a.md", b"a", "100644"), ("list.json", lookalike, "100644")];
    bench.world.seed_repo("acme", "shop", "private", &list);
    assert_eq!(content(&bench.github, "main", "list.json").await, Ok(lookalike.to_vec()));
    for (at, path) in [("main", "docs"), ("main", "missing.md"), ("nowhere", "docs/a.md")] {
        let error = content(&bench.github, at, path).await.expect_err("not a file");
        assert!(matches!(error, PortError::NotFound { .. }), "{path} at {at}: {error:?}");
    }
    let outside = content(&bench.github, "main", "../secrets").await;
    assert!(matches!(outside, Err(PortError::Invalid { .. })), "{outside:?}");
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_folder_is_read_with_paths_of_its_own() {
    let bench = bench();
    let list: [(&str, &[u8], &str); 4] = [
        ("README.md", b"# Templates", "100644"),
        ("java/skeleton/run.sh", b"#!/bin/sh", "100755"),
        ("java/skeleton/latest", b"run.sh", "120000"),
        ("java/template.yaml", b"kind: Template", "100644"),
    ];
    bench.world.seed_repo("acme", "shop", "private", &list);
    let expected = files(&[("run.sh", b"#!/bin/sh", Mode::Executable), ("latest", b"run.sh", Mode::Symlink)]);
    let read = bench.github.read_tree(&shop(), "main", "./java/skeleton/").await;
    assert_eq!(read, Ok(expected));
    for folder in ["java/skel", "java/template.yaml", "go"] {
        let error = bench.github.read_tree(&shop(), "main", folder).await;
        assert!(matches!(error, Err(PortError::NotFound { .. })), "{folder}: {error:?}");
    }
    let error = bench.github.read_tree(&shop(), "nowhere", "").await;
    assert!(matches!(error, Err(PortError::NotFound { .. })), "{error:?}");
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_large_tree_is_read_as_it_is_although_the_archive_leaves_out_and_changes_files() {
    let bench = bench();
    let names: Vec<String> = (0..60).map(|i| format!("skeleton/src/{i:02}.txt")).collect();
    let mut list: Vec<(&str, &[u8], &str)> = names.iter().map(|n| (n.as_str(), n.as_bytes(), "100644")).collect();
    let attributes = b"skeleton/hidden.txt export-ignore\nskeleton/version export-subst\n";
    list.push((".gitattributes", attributes, "100644"));
    list.push(("skeleton/version", b"$Format:%H$", "100644"));
    list.push(("skeleton/hidden.txt", b"not in the archive", "100644"));
    list.push(("skeleton/run.sh", b"#!/bin/sh", "100755"));
    list.push(("skeleton/link", b"run.sh", "120000"));
    bench.world.seed_repo("acme", "shop", "private", &list);
    let read = bench.github.read_tree(&shop(), "main", "skeleton").await.expect("it is read");
    assert_eq!(read.len(), 64);
    let get = |path: &str| read.get(&TreePath::new(path).expect("a path")).expect("it is there").clone();
    assert_eq!(get("hidden.txt").content, "not in the archive");
    assert_eq!(get("version").content, "$Format:%H$");
    assert_eq!(get("run.sh").mode, Mode::Executable);
    assert_eq!((get("link").mode, get("link").content), (Mode::Symlink, "run.sh".into()));
    // One archive and two files, not sixty-four files; and no token for the archive's host, which
    // would be a violation.
    assert_eq!(bench.world.count("GET", "/repos/acme/shop/git/blobs"), 2);
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_tree_that_github_does_not_list_whole_is_refused() {
    let bench = bench_in(GitHubWorld::with(Options { tree_limit: 3, ..Options::default() }));
    let list: [(&str, &[u8], &str); 4] =
        [("a", b"a", "100644"), ("b", b"b", "100644"), ("c", b"c", "100644"), ("d", b"d", "100644")];
    bench.world.seed_repo("acme", "shop", "private", &list);
    let error = bench.github.read_tree(&shop(), "main", "").await;
    assert!(matches!(error, Err(PortError::Invalid { .. })), "{error:?}");
}

#[tokio::test]
async fn repositories_are_listed_by_name_page_after_page_without_the_archived() {
    let bench = bench();
    for i in (0..230).rev() {
        bench.world.seed_repo("acme", &format!("svc-{i:03}"), "private", &[]);
    }
    bench.world.seed_repo("acme", "Alpha", "public", &[]);
    bench.world.seed_repo("acme", "old", "private", &[]);
    bench.world.archive_repo("acme", "old");
    let listed = bench.github.repositories("acme").await.expect("they are listed");
    let names: Vec<&str> = listed.iter().map(|r| r.name.name.as_str()).collect();
    assert_eq!(names.len(), 231);
    assert_eq!((names[0], names[1], names[230]), ("Alpha", "svc-000", "svc-229"));
    let pages = bench.world.requests().into_iter().filter(|s| s.path == "/orgs/acme/repos");
    let pages: Vec<String> = pages.map(|s| s.query).collect();
    assert_eq!(pages, [1, 2, 3].map(|page| format!("type=all&per_page=100&page={page}")));
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_persons_private_repositories_are_listed_to_that_person_only() {
    let bench = bench();
    bench.world.seed_repo("ada", "diary", "private", &[]);
    bench.world.seed_repo("ada", "blog", "public", &[]);
    let names = |listed: Vec<Repository>| listed.into_iter().map(|r| r.name.name).collect::<Vec<_>>();
    assert_eq!(names(bench.github.repositories("ada").await.expect("listed")), ["blog", "diary"]);
    let bobs = adapter(&bench.world, &bench.world.token("bob", &SCOPES));
    assert_eq!(names(bobs.repositories("ada").await.expect("listed")), ["blog"]);
    let error = bobs.repositories("nobody").await;
    assert!(matches!(error, Err(PortError::NotFound { .. })), "{error:?}");
    bench.world.assert_kept_contract();
}
