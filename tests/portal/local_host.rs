//! The local code host against real Git: repositories, commits, proposals, and clones and pushes
//! over HTTP. What every code host must do alike is in `ports.rs`, not here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use slipway::kernel::tree::{File, Mode, Tree, TreePath};
use slipway::ports::PortError;
use slipway::ports::code_host::local::{
    Change, EntryKind, GitRequest, LocalHost, MAX_DIFFERENCE, NewProposal, Person, ProposalState,
};
use slipway::ports::code_host::{
    CodeHost as _, Configured, Fetched, NewCommit, NewRepository, Protection, RepositoryName, Setting, Visibility,
};

fn open(root: &Path) -> LocalHost {
    let base = "http://portal.test/".parse().unwrap();
    LocalHost::open(root.to_owned(), base, "github.com".to_owned()).unwrap()
}

fn host() -> (tempfile::TempDir, LocalHost) {
    let folder = tempfile::tempdir().unwrap();
    let host = open(folder.path());
    (folder, host)
}

fn name(name: &str) -> RepositoryName {
    RepositoryName { host: "github.com".to_owned(), owner: "tidepost".to_owned(), name: name.to_owned() }
}

fn new(repository: &str) -> NewRepository {
    NewRepository {
        name: name(repository),
        description: "A letter box".to_owned(),
        visibility: Visibility::Internal,
        mark: "http://portal.test/runs/1".to_owned(),
        has_issues: None,
        has_projects: None,
        has_wiki: None,
        allow_merge_commit: true,
        allow_squash_merge: true,
        allow_rebase_merge: true,
        delete_branch_on_merge: false,
    }
}

fn file(content: impl AsRef<[u8]>, mode: Mode) -> File {
    File { content: content.as_ref().to_vec().into(), mode }
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, content) in files {
        tree.insert(TreePath::new(path).unwrap(), file(content, Mode::Regular)).unwrap();
    }
    tree
}

fn commit(parent: Option<&str>, message: &str, files: Tree) -> NewCommit {
    NewCommit {
        branch: "main".to_owned(),
        parent: parent.map(str::to_owned),
        message: message.to_owned(),
        author: Some(("Ada Lovelace".to_owned(), "ada@tidepost.test".to_owned())),
        files,
    }
}

fn protection() -> Protection {
    Protection {
        approvals: 1,
        code_owners: false,
        dismiss_stale: false,
        enforce_admins: true,
        checks: vec!["ci".to_owned()],
        up_to_date: false,
        conversation_resolution: false,
        linear_history: false,
    }
}

fn ada() -> Person {
    Person { name: "Ada".to_owned(), email: "ada@tidepost.test".to_owned() }
}

fn proposal(branch: &str, files: Tree, change: Change) -> NewProposal {
    NewProposal {
        title: format!("Change {branch}"),
        body: "Why not?".to_owned(),
        branch: branch.to_owned(),
        base: "main".to_owned(),
        author: Some(ada()),
        files,
        change,
        mark: format!("http://portal.test/runs/{branch}"),
    }
}

async fn git(folder: &Path, args: &[&str]) -> std::process::Output {
    tokio::process::Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@tidepost.test"])
        .args(args)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .await
        .unwrap()
}

async fn git_ok(folder: &Path, args: &[&str]) -> String {
    let output = git(folder, args).await;
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A web server that does nothing but let Git clients reach the host. The password is not looked
/// at: whom to let in is not the host's business. Returns its address.
async fn serve(host: LocalHost) -> String {
    use axum::extract::{Request, State};
    use axum::response::Response;

    async fn answer(State(host): State<Arc<LocalHost>>, request: Request) -> Response {
        use futures::TryStreamExt as _;
        let (request, body) = request.into_parts();
        let header = |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let remote_user = header("authorization").and_then(|value| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
            Some(String::from_utf8(bytes).ok()?.split_once(':')?.0.to_owned())
        });
        let asked = GitRequest {
            method: request.method.to_string(),
            path_info: request.uri.path().strip_prefix("/git").unwrap_or_default().to_owned(),
            query: request.uri.query().unwrap_or_default().to_owned(),
            content_type: header("content-type"),
            content_encoding: header("content-encoding"),
            git_protocol: header("git-protocol"),
            remote_user,
            remote_addr: Some("127.0.0.1".to_owned()),
        };
        let body = body.into_data_stream().map_err(std::io::Error::other);
        let answer = host.serve(asked, tokio_util::io::StreamReader::new(body)).await.unwrap();
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response.body(axum::body::Body::from_stream(tokio_util::io::ReaderStream::new(answer.body))).unwrap()
    }

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback(answer).with_state(Arc::new(host));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("{address}/git")
}

#[tokio::test]
async fn a_repository_lives_from_its_making_to_its_deletion() {
    let (folder, host) = host();
    assert_eq!(host.host(), "github.com");
    assert_eq!(host.find(&name("mail")).await.unwrap(), None);
    assert_eq!(host.repositories("tidepost").await.unwrap(), vec![]);

    let made = host.create(&new("mail")).await.unwrap();
    assert_eq!(made.web_url, "http://portal.test/git/tidepost/mail");
    assert_eq!(made.clone_url, "http://portal.test/git/tidepost/mail.git");
    assert_eq!((made.homepage.as_str(), made.visibility), ("http://portal.test/runs/1", Visibility::Internal));
    assert_eq!(host.find(&name("mail")).await.unwrap(), Some(made.clone()));
    assert!(matches!(host.create(&new("mail")).await, Err(PortError::Conflict { .. })));

    let first = host.commit(&name("mail"), &commit(None, "Start", tree(&[("a", "1"), ("b/c", "2")]))).await.unwrap();
    let second = host.commit(&name("mail"), &commit(Some(&first), "Go on\n\nWhy", tree(&[("a", "3")]))).await.unwrap();
    let found = host.read_file(&name("mail"), "main", "a", None).await.unwrap();
    let Fetched::Content { bytes, etag: Some(etag) } = found else { panic!("{found:?}") };
    assert_eq!(bytes.as_ref(), b"3");
    assert_eq!(host.read_file(&name("mail"), &second, "a", Some(&etag)).await.unwrap(), Fetched::NotModified);
    let gone = host.read_file(&name("mail"), "main", "b/c", None).await;
    assert!(matches!(gone, Err(PortError::NotFound { .. })), "{gone:?}");
    let before = host.read_tree(&name("mail"), &first, "b").await.unwrap();
    assert_eq!(before, tree(&[("c", "2")]));
    let short = host.read_tree(&name("mail"), &first[..9], "").await.unwrap();
    assert_eq!(short, tree(&[("a", "1"), ("b/c", "2")]));

    host.create(&new("attic")).await.unwrap();
    let listed = host.repositories("tidepost").await.unwrap();
    assert_eq!(listed.iter().map(|r| r.name.name.as_str()).collect::<Vec<_>>(), ["attic", "mail"]);

    host.delete(&name("mail")).await.unwrap();
    host.delete(&name("mail")).await.unwrap();
    assert_eq!(host.find(&name("mail")).await.unwrap(), None);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("tidepost")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let missing = host.commit(&name("mail"), &commit(None, "x", Tree::new())).await;
    assert!(matches!(missing, Err(PortError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn settings_are_stored_and_shown() {
    let (folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let settings = [
        Setting::Topics(vec!["Rust".to_owned(), "mail".to_owned()]),
        Setting::About { description: "Letters".to_owned(), homepage: String::new() },
        Setting::TeamAccess { team: "post".to_owned(), permission: "push".to_owned() },
        Setting::UserAccess { login: "ada".to_owned(), permission: "admin".to_owned() },
        Setting::Protection { branch: "main".to_owned(), rules: protection() },
    ];
    // At once, and twice: none gets lost.
    let calls = settings.iter().chain(&settings).map(|setting| {
        let (host, setting) = (host.clone(), setting.clone());
        tokio::spawn(async move { host.configure(&name("mail"), &setting).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap(), Configured::Done);
    }
    let metadata = open(folder.path()).metadata(&name("mail")).await.unwrap();
    assert_eq!(metadata.topics, ["rust", "mail"]);
    assert_eq!((metadata.description.as_str(), metadata.homepage.as_str()), ("Letters", ""));
    assert_eq!(metadata.teams["post"], "push");
    assert_eq!(metadata.users["ada"], "admin");
    assert_eq!(metadata.protection["main"], protection());

    let wrong = Setting::DefaultBranch("--upload-pack=x".to_owned());
    assert!(matches!(host.configure(&name("mail"), &wrong).await, Err(PortError::Invalid { .. })));
    host.configure(&name("mail"), &Setting::DefaultBranch("next".to_owned())).await.unwrap();
    assert_eq!(host.find(&name("mail")).await.unwrap().unwrap().default_branch, "next");
    let head = std::fs::read_to_string(folder.path().join("tidepost/mail.git/HEAD")).unwrap();
    assert_eq!(head.trim(), "ref: refs/heads/next");
}

#[tokio::test]
async fn of_two_that_make_the_same_repository_one_gets_it() {
    let (folder, host) = host();
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { host.create(&new("mail")).await })
        })
        .collect();
    let mut made = Vec::new();
    for call in calls {
        match call.await.unwrap() {
            Ok(repository) => made.push(repository),
            Err(e) => assert!(matches!(e, PortError::Conflict { .. }), "{e}"),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(host.find(&name("mail")).await.unwrap(), made.pop());
    assert_eq!(std::fs::read_dir(folder.path().join("tidepost")).unwrap().count(), 1);
}

#[tokio::test]
async fn what_a_crash_left_behind_is_swept_and_what_lives_is_not() {
    let (folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let owner = folder.path().join("tidepost");
    for left in [".making-0123", ".gone-0123"] {
        std::fs::create_dir_all(owner.join(left).join("objects")).unwrap();
        std::fs::write(owner.join(left).join("config"), "[core]").unwrap();
    }
    // One that another process is making at this moment.
    std::fs::create_dir(owner.join(".making-busy")).unwrap();
    let busy = std::fs::File::open(owner.join(".making-busy")).unwrap();
    busy.lock().unwrap();

    let host = open(folder.path());
    let mut names: Vec<_> = std::fs::read_dir(&owner).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".making-busy", "mail.git"]);
    assert_eq!(host.repositories("tidepost").await.unwrap().len(), 1);
    drop(busy);

    // Git's own locks and unfinished packs: only what is too old to be alive.
    let repository = owner.join("mail.git");
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(48);
    let (dead, alive) = (["refs/heads/a.lock", "objects/pack/tmp_pack_x"], ["refs/heads/b.lock", "HEAD.lock"]);
    for path in dead.iter().chain(&alive) {
        let file = std::fs::File::create(repository.join(path)).unwrap();
        if dead.contains(path) {
            file.set_modified(hours_ago).unwrap();
        }
    }
    open(folder.path());
    assert!(!owner.join(".making-busy").exists());
    assert!(dead.iter().all(|path| !repository.join(path).exists()));
    assert!(alive.iter().all(|path| repository.join(path).exists()));
}

#[tokio::test]
async fn what_was_begun_is_carried_through_when_the_caller_goes_away() {
    let (folder, host) = host();
    for n in 0..20_u64 {
        let patience = std::time::Duration::from_micros(n * 400);
        let _ = tokio::time::timeout(patience, host.create(&new(&format!("r{n}")))).await;
    }
    host.create(&new("mail")).await.unwrap();
    let mut head = host.commit(&name("mail"), &commit(None, "0", tree(&[("a", "0")]))).await.unwrap();
    for n in 1..30_u64 {
        let next = commit(Some(&head), &n.to_string(), tree(&[("a", &n.to_string())]));
        let patience = std::time::Duration::from_micros(n * 700);
        let _ = tokio::time::timeout(patience, host.commit(&name("mail"), &next)).await;
        head = host.commit(&name("mail"), &next).await.unwrap();
    }
    assert_eq!(host.history(&name("mail"), "main", 100, None).await.unwrap().len(), 30);
    let whole = host.repositories("tidepost").await.unwrap().len();
    let there = std::fs::read_dir(folder.path().join("tidepost")).unwrap().count();
    assert_eq!(there, whole);
}

#[tokio::test]
async fn every_kind_of_file_survives() {
    let (folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let mut files = Tree::new();
    let every_byte: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let odd_names = [
        "a \"quoted\" name",
        "new\nline\n and M 100644 inline x",
        "tab\there",
        "\"starts with one",
        " leading space",
        "trailing space ",
        "ümläut/日本語/🦀.txt",
        "-dash",
        "--option",
        ":(glob)*",
        "*",
        "a missing",
        "x\n0123456789012345678901234567890123456789 blob 5",
        "deep/er/and/deep/er.txt",
    ];
    for odd in odd_names {
        files.insert(TreePath::new(odd).unwrap(), file(odd, Mode::Regular)).unwrap();
    }
    files.insert(TreePath::new("bin/run").unwrap(), file("#!/bin/sh\n", Mode::Executable)).unwrap();
    files.insert(TreePath::new("bin/link").unwrap(), file("../bin/run", Mode::Symlink)).unwrap();
    files.insert(TreePath::new("every-byte").unwrap(), file(&every_byte, Mode::Regular)).unwrap();
    files.insert(TreePath::new("empty").unwrap(), file("", Mode::Regular)).unwrap();
    files.insert(TreePath::new("no-newline").unwrap(), file("done\n\ndeleteall", Mode::Regular)).unwrap();
    // These would change what `git archive` gives.
    let attributes = "* export-ignore\nversion.txt export-subst\n* text eol=crlf\n";
    files.insert(TreePath::new(".gitattributes").unwrap(), file(attributes, Mode::Regular)).unwrap();
    files.insert(TreePath::new("version.txt").unwrap(), file("$Format:%H$\n", Mode::Regular)).unwrap();

    host.commit(&name("mail"), &commit(None, "Everything", files.clone())).await.unwrap();
    assert_eq!(host.read_tree(&name("mail"), "main", "").await.unwrap(), files);
    for odd in odd_names {
        let read = host.read_file(&name("mail"), "main", odd, None).await.unwrap();
        assert!(
            matches!(&read, Fetched::Content { bytes, .. } if bytes.as_ref() == odd.as_bytes()),
            "{odd:?}: {read:?}"
        );
    }
    for absent in ["no\nsuch\nfile", "nothing", "deep", "deep/er/and"] {
        let read = host.read_file(&name("mail"), "main", absent, None).await;
        assert!(matches!(read, Err(PortError::NotFound { .. })), "{absent:?}: {read:?}");
    }
    let checked = git_ok(folder.path(), &["-C", "tidepost/mail.git", "fsck", "--full", "--strict"]).await;
    assert_eq!(checked, "");
}

#[tokio::test]
async fn paths_that_git_cannot_hold_are_refused() {
    let (folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let refused = host.commit(&name("mail"), &commit(None, "x", tree(&[("a", "1"), ("a/b", "2")]))).await;
    assert!(matches!(refused, Err(PortError::Invalid { .. })), "{refused:?}");
    // On Windows this would be “.git”.
    assert!(TreePath::new("git~1/config").is_err());
    assert_eq!(host.branches(&name("mail")).await.unwrap(), vec![]);
    let inside = std::fs::read_dir(folder.path().join("tidepost/mail.git")).unwrap();
    let reports = inside.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("crash")).count();
    assert_eq!(reports, 0);
}

#[tokio::test]
async fn committing_twice_is_committing_once() {
    let (_folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let start = commit(None, "Start", tree(&[("a", "1")]));
    let first = host.commit(&name("mail"), &start).await.unwrap();
    assert_eq!(host.commit(&name("mail"), &start).await.unwrap(), first);
    let next = commit(Some(&first), "Next", tree(&[("a", "2")]));
    let second = host.commit(&name("mail"), &next).await.unwrap();
    assert_eq!(host.commit(&name("mail"), &next).await.unwrap(), second);

    // Another message or other files on the same parent are not a repetition.
    let stale = host.commit(&name("mail"), &commit(Some(&first), "Other", tree(&[("a", "2")]))).await;
    assert!(matches!(stale, Err(PortError::Conflict { .. })), "{stale:?}");
    let stale = host.commit(&name("mail"), &commit(Some(&first), "Next", tree(&[("a", "3")]))).await;
    assert!(matches!(stale, Err(PortError::Conflict { .. })), "{stale:?}");
    let mut elsewhere = commit(Some(&second), "Next", tree(&[]));
    elsewhere.branch = "new".to_owned();
    assert!(matches!(host.commit(&name("mail"), &elsewhere).await, Err(PortError::Conflict { .. })));
    assert_eq!(host.branches(&name("mail")).await.unwrap()[0].commit, second);

    // Without a parent the branch is replaced, history and all.
    let anew = host.commit(&name("mail"), &commit(None, "Anew", tree(&[("z", "9")]))).await.unwrap();
    let history = host.history(&name("mail"), "main", 10, None).await.unwrap();
    assert_eq!(history.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), [anew.as_str()]);
    assert_eq!(history[0].author, "Ada Lovelace");
}

#[tokio::test]
async fn of_many_commits_on_one_parent_one_wins() {
    let (_folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let first = host.commit(&name("mail"), &commit(None, "Start", tree(&[("a", "1")]))).await.unwrap();
    let calls: Vec<_> = (0..6)
        .map(|n| {
            let (host, first) = (host.clone(), first.clone());
            let next = commit(Some(&first), &format!("Change {n}"), tree(&[("a", &n.to_string())]));
            tokio::spawn(async move { host.commit(&name("mail"), &next).await })
        })
        .collect();
    let mut won = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => won += 1,
            Err(e) => assert!(matches!(e, PortError::Conflict { .. }), "{e}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(host.history(&name("mail"), "main", 10, None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_first_commit_decides_the_default_branch() {
    let (folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let mut start = commit(None, "Start", tree(&[("a", "1")]));
    start.branch = "trunk".to_owned();
    start.author = None;
    host.commit(&name("mail"), &start).await.unwrap();
    assert_eq!(host.find(&name("mail")).await.unwrap().unwrap().default_branch, "trunk");
    let head = std::fs::read_to_string(folder.path().join("tidepost/mail.git/HEAD")).unwrap();
    assert_eq!(head.trim(), "ref: refs/heads/trunk");
    let branches = host.branches(&name("mail")).await.unwrap();
    assert!(branches.len() == 1 && branches[0].is_default && !branches[0].is_protected, "{branches:?}");
}

#[tokio::test]
async fn names_that_are_none_are_refused() {
    let (folder, host) = host();
    for bad in ["..", ".", "", "../x", "%2e%2e", "a/b", "x.git", "x.GIT", "a b", "a\0b", "ü", &"x".repeat(101)] {
        let refused = host.create(&new(bad)).await;
        assert!(matches!(refused, Err(PortError::Invalid { .. })), "{bad:?}: {refused:?}");
        assert!(matches!(host.find(&name(bad)).await, Err(PortError::Invalid { .. })));
        assert!(matches!(host.delete(&name(bad)).await, Err(PortError::Invalid { .. })));
    }
    for bad in ["..", "", "../x", ".slipway", "-x", "a.b", "a_b", "a/b"] {
        let there = RepositoryName { owner: bad.to_owned(), ..name("mail") };
        assert!(matches!(host.find(&there).await, Err(PortError::Invalid { .. })), "{bad:?}");
        assert!(matches!(host.repositories(bad).await, Err(PortError::Invalid { .. })), "{bad:?}");
    }
    let elsewhere = RepositoryName { host: "gitlab.com".to_owned(), ..name("mail") };
    assert!(matches!(host.find(&elsewhere).await, Err(PortError::Invalid { .. })));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [".slipway"]);

    host.create(&new(".github")).await.unwrap();
    host.commit(&name(".github"), &commit(None, "x", tree(&[("a", "1")]))).await.unwrap();
    for bad in ["", "-x", "a..b", "refs/heads/main", "main^", "main~1", "@{-1}", "a b", "x.lock", "a//b", "main:a"] {
        let read = host.read_file(&name(".github"), bad, "a", None).await;
        assert!(matches!(read, Err(PortError::Invalid { .. })), "{bad:?}: {read:?}");
    }
    for bad in ["../a", "/a", "", "a/../../b", ".git/config"] {
        let read = host.read_file(&name(".github"), "main", bad, None).await;
        assert!(matches!(read, Err(PortError::Invalid { .. })), "{bad:?}: {read:?}");
    }
    let mut onto_an_id = commit(None, "x", tree(&[("a", "2")]));
    onto_an_id.branch = "0123456789012345678901234567890123456789".to_owned();
    assert!(matches!(host.commit(&name(".github"), &onto_an_id).await, Err(PortError::Invalid { .. })));
}

#[tokio::test]
async fn a_repository_can_be_browsed() {
    let (_folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let mut files = tree(&[("README.md", "Hello\n"), ("src/main.rs", "fn main() {}\n")]);
    files.insert(TreePath::new("run").unwrap(), file("#!", Mode::Executable)).unwrap();
    files.insert(TreePath::new("link").unwrap(), file("run", Mode::Symlink)).unwrap();
    let mut head = host.commit(&name("mail"), &commit(None, "Change 0", files)).await.unwrap();
    let first = head.clone();
    for n in 1..5 {
        let next = commit(Some(&head), &format!("Change {n}\n\nLonger"), tree(&[("README.md", &format!("{n}\n"))]));
        head = host.commit(&name("mail"), &next).await.unwrap();
    }
    let entries = host.entries(&name("mail"), &first, "").await.unwrap();
    let shown: Vec<_> = entries.entries.iter().map(|e| (e.name.as_str(), e.kind, e.size)).collect();
    let expected = [
        ("src", EntryKind::Folder, 0),
        ("README.md", EntryKind::File, 6),
        ("link", EntryKind::Link, 3),
        ("run", EntryKind::Executable, 2),
    ];
    assert_eq!((shown.as_slice(), entries.truncated), (expected.as_slice(), false));
    assert_eq!(host.entries(&name("mail"), &first, "src").await.unwrap().entries[0].name, "main.rs");
    assert!(matches!(host.entries(&name("mail"), &first, "README.md").await, Err(PortError::NotFound { .. })));

    let page = host.history(&name("mail"), "main", 2, None).await.unwrap();
    assert_eq!(page.iter().map(|c| c.subject.as_str()).collect::<Vec<_>>(), ["Change 4", "Change 3"]);
    assert_eq!(page[0].email, "ada@tidepost.test");
    let page = host.history(&name("mail"), "main", 9, Some(&page[1].id)).await.unwrap();
    assert_eq!(page.iter().map(|c| c.subject.as_str()).collect::<Vec<_>>(), ["Change 2", "Change 1", "Change 0"]);
    let absent = host.history(&name("mail"), &first, 2, Some(&head)).await;
    assert!(matches!(absent, Err(PortError::NotFound { .. })), "{absent:?}");

    let difference = host.difference(&name("mail"), &first, "main").await.unwrap();
    assert!(difference.text.contains("-Hello\n+4\n") && !difference.truncated, "{difference:?}");
    let large = "line of text\n".repeat(200_000);
    let next = commit(Some(&head), "Large", tree(&[("large", &large)]));
    host.commit(&name("mail"), &next).await.unwrap();
    let difference = host.difference(&name("mail"), &head, "main").await.unwrap();
    assert!(difference.truncated && difference.text.len() <= MAX_DIFFERENCE && difference.text.ends_with('\n'));
    assert!(host.size(&name("mail")).await.unwrap() > 0);
    let gone = host.history(&name("mail"), "nowhere", 2, None).await;
    assert!(matches!(gone, Err(PortError::NotFound { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_proposal_is_made_once_and_merged() {
    let (folder, host) = host();
    host.create(&NewRepository { delete_branch_on_merge: true, ..new("mail") }).await.unwrap();
    let base = tree(&[("a", "1\n"), ("b", "1\n"), ("old/c", "1\n")]);
    let first = host.commit(&name("mail"), &commit(None, "Start", base)).await.unwrap();
    let over = Change::Over { removed: vec![TreePath::new("old").unwrap()] };
    let wanted = proposal("next", tree(&[("a", "2\n")]), over);
    let made = host.propose(&name("mail"), &wanted).await.unwrap();
    assert_eq!((made.number, made.state, made.base_commit.as_str()), (1, ProposalState::Open, first.as_str()));
    assert_eq!(host.propose(&name("mail"), &wanted).await.unwrap(), made);
    assert_eq!(host.read_tree(&name("mail"), "next", "").await.unwrap(), tree(&[("a", "2\n"), ("b", "1\n")]));
    let changes = host.changes(&name("mail"), 1).await.unwrap();
    assert!(changes.text.contains("-1\n+2\n") && changes.text.contains("old/c"), "{}", changes.text);

    // A crash between the branch and the file: the mark finds the branch again.
    std::fs::remove_file(folder.path().join("tidepost/mail.git/proposals/1.json")).unwrap();
    assert_eq!(host.proposals(&name("mail")).await.unwrap(), vec![]);
    let again = host.propose(&name("mail"), &wanted).await.unwrap();
    assert_eq!((again.number, &again.commit), (1, &made.commit));
    let taken = NewProposal { mark: "other".to_owned(), ..wanted.clone() };
    assert!(matches!(host.propose(&name("mail"), &taken).await, Err(PortError::Conflict { .. })));

    // The base goes on in another file.
    let ahead = commit(Some(&first), "Ahead", tree(&[("a", "1\n"), ("b", "3\n"), ("old/c", "1\n")]));
    let ahead = host.commit(&name("mail"), &ahead).await.unwrap();
    assert!(!host.changes(&name("mail"), 1).await.unwrap().text.contains("b/b"));
    let before = std::fs::read(folder.path().join("tidepost/mail.git/proposals/1.json")).unwrap();
    let merged = host.merge(&name("mail"), 1, &ada()).await.unwrap();
    assert_eq!((merged.state, merged.merged_by.clone()), (ProposalState::Merged, Some(ada())));
    assert_eq!(host.read_tree(&name("mail"), "main", "").await.unwrap(), tree(&[("a", "2\n"), ("b", "3\n")]));
    let parents = git_ok(folder.path(), &["-C", "tidepost/mail.git", "log", "-1", "--format=%P %an", "main"]).await;
    assert_eq!(parents, format!("{ahead} {} Ada", made.commit));
    assert_eq!(host.branches(&name("mail")).await.unwrap().len(), 1, "its branch is deleted");

    // A crash between the merge and the file: merging again finds that it happened.
    std::fs::write(folder.path().join("tidepost/mail.git/proposals/1.json"), before).unwrap();
    assert_eq!(host.merge(&name("mail"), 1, &ada()).await.unwrap().merge_commit, merged.merge_commit);
    assert_eq!(host.merge(&name("mail"), 1, &ada()).await.unwrap().merge_commit, merged.merge_commit);
    assert!(matches!(host.close(&name("mail"), 1).await, Err(PortError::Conflict { .. })));
    assert!(matches!(host.proposal(&name("mail"), 2).await, Err(PortError::NotFound { .. })));
}

#[tokio::test]
async fn a_proposal_that_does_not_fit_is_refused_and_can_be_closed() {
    let (_folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let first =
        host.commit(&name("mail"), &commit(None, "Start", tree(&[("a", "1\n"), ("ü b", "1\n")]))).await.unwrap();
    let ours = tree(&[("a", "2\n"), ("ü b", "2\n")]);
    let made = host.propose(&name("mail"), &proposal("ours", ours.clone(), Change::Whole)).await.unwrap();
    let theirs = tree(&[("a", "3\n"), ("ü b", "3\n")]);
    let ahead = host.commit(&name("mail"), &commit(Some(&first), "Theirs", theirs)).await.unwrap();

    let clash = host.merge(&name("mail"), made.number, &ada()).await.unwrap_err();
    let PortError::Conflict { what, .. } = &clash else { panic!("{clash}") };
    assert!(what.contains("a, ü b"), "{what}");
    assert_eq!(host.branches(&name("mail")).await.unwrap()[0].commit, ahead);
    assert_eq!(host.proposal(&name("mail"), 1).await.unwrap().state, ProposalState::Open);

    let closed = host.close(&name("mail"), 1).await.unwrap();
    assert_eq!(closed.state, ProposalState::Closed);
    assert_eq!(host.close(&name("mail"), 1).await.unwrap(), closed);
    assert!(matches!(host.merge(&name("mail"), 1, &ada()).await, Err(PortError::Conflict { .. })));
    let next = host.propose(&name("mail"), &proposal("more", ours, Change::Whole)).await.unwrap();
    assert_eq!(next.number, 2);
    let listed = host.proposals(&name("mail")).await.unwrap();
    assert_eq!(listed.iter().map(|p| p.number).collect::<Vec<_>>(), [2, 1]);

    // The base is replaced under it, history and all.
    host.commit(&name("mail"), &commit(None, "Anew", tree(&[("a", "9\n")]))).await.unwrap();
    let clash = host.merge(&name("mail"), 2, &ada()).await.unwrap_err();
    assert!(matches!(&clash, PortError::Conflict { what, .. } if what.contains("no history in common")), "{clash}");
    assert!(host.changes(&name("mail"), 2).await.unwrap().text.contains("-3\n+2\n"));
}

#[tokio::test]
async fn many_proposals_at_once_get_numbers_of_their_own() {
    let (folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    host.commit(&name("mail"), &commit(None, "Start", tree(&[("a", "1\n")]))).await.unwrap();
    // As if two processes shared the folder.
    let hosts = [host, open(folder.path())];
    let calls: Vec<_> = (0..6_usize)
        .map(|n| {
            // Two of each mark.
            let wanted = proposal(&format!("b{}", n / 2), tree(&[("a", &n.to_string())]), Change::Whole);
            let host = hosts[n % 2].clone();
            tokio::spawn(async move { host.propose(&name("mail"), &wanted).await.unwrap().number })
        })
        .collect();
    let mut numbers = Vec::new();
    for call in calls {
        numbers.push(call.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 2, 2, 3, 3]);
}

/// A repository with one commit, served; its clone, and the address with and without a name.
async fn cloned(host: &LocalHost) -> (tempfile::TempDir, PathBuf, String, String) {
    host.create(&new("mail")).await.unwrap();
    let mut files = tree(&[("README.md", "Hello\n")]);
    files.insert(TreePath::new("run").unwrap(), file("#!/bin/sh\n", Mode::Executable)).unwrap();
    // Noise does not compress: a pack of several pieces.
    let mut seed = 1_u32;
    let noise = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.take(3 << 20).collect();
    files.insert(TreePath::new("noise").unwrap(), file(noise, Mode::Regular)).unwrap();
    host.commit(&name("mail"), &commit(None, "Start", files)).await.unwrap();
    let address = serve(host.clone()).await;
    let (open, named) =
        (format!("http://{address}/tidepost/mail.git"), format!("http://ada:x@{address}/tidepost/mail.git"));
    let work = tempfile::tempdir().unwrap();
    git_ok(work.path(), &["clone", "--quiet", &open, "mail"]).await;
    let clone = work.path().join("mail");
    (work, clone, open, named)
}

#[tokio::test]
async fn git_clones_over_http() {
    let (_folder, host) = host();
    let (work, clone, open, _) = cloned(&host).await;
    assert_eq!(std::fs::read(clone.join("README.md")).unwrap(), b"Hello\n");
    assert_eq!(std::fs::metadata(clone.join("noise")).unwrap().len(), 3 << 20);
    assert_eq!(git_ok(&clone, &["branch", "--show-current"]).await, "main");
    for version in ["0", "1", "2"] {
        let (folder, protocol) = (format!("v{version}"), format!("protocol.version={version}"));
        git_ok(work.path(), &["-c", &protocol, "clone", "--quiet", "--depth=1", &open, &folder]).await;
        git_ok(&work.path().join(&folder), &["fsck", "--full"]).await;
    }
    // Nothing of ours is shown.
    host.propose(&name("mail"), &proposal("next", tree(&[("a", "1")]), Change::Whole)).await.unwrap();
    let refs = git_ok(&clone, &["ls-remote", &open]).await;
    assert!(refs.contains("refs/heads/next") && !refs.contains("slipway"), "{refs}");
    assert!(!git(work.path(), &["clone", "--quiet", &open.replace("mail", "nothing"), "n"]).await.status.success());
}

#[tokio::test]
async fn git_pushes_over_http_with_a_name_and_not_to_protected_branches() {
    let (folder, host) = host();
    let (_work, clone, open, named) = cloned(&host).await;
    std::fs::write(clone.join("README.md"), "Hello again\n").unwrap();
    // Above http.postBuffer, so that it is sent in chunks and compressed in pieces.
    std::fs::write(clone.join("more"), std::fs::read(clone.join("noise")).unwrap().repeat(2)).unwrap();
    git_ok(&clone, &["add", "."]).await;
    git_ok(&clone, &["commit", "--quiet", "-m", "More"]).await;
    let head = git_ok(&clone, &["rev-parse", "HEAD"]).await;

    let refused = git(&clone, &["push", &open, "main"]).await;
    assert!(!refused.status.success());
    assert_ne!(host.branches(&name("mail")).await.unwrap()[0].commit, head);
    git_ok(&clone, &["push", "--quiet", &named, "main"]).await;
    assert_eq!(host.branches(&name("mail")).await.unwrap()[0].commit, head);

    let rules = Setting::Protection { branch: "main".to_owned(), rules: protection() };
    host.configure(&name("mail"), &rules).await.unwrap();
    git_ok(&clone, &["commit", "--quiet", "--allow-empty", "-m", "Past the rules"]).await;
    let refused = git(&clone, &["push", &named, "main"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("main is protected"), "{said}");
    let refused = git(&clone, &["push", &named, "--delete", "main"]).await;
    assert!(!refused.status.success());
    assert_eq!(host.branches(&name("mail")).await.unwrap()[0].commit, head);
    for ours in ["refs/slipway/x", "refs/replace/x", "refs/notes/commits"] {
        assert!(!git(&clone, &["push", &named, &format!("main:{ours}")]).await.status.success(), "{ours}");
    }
    // Other branches are open, but only for adding to them; and the portal itself may.
    git_ok(&clone, &["push", "--quiet", &named, "main:topic"]).await;
    git_ok(&clone, &["push", "--quiet", &named, "main:refs/tags/v1"]).await;
    assert!(!git(&clone, &["push", &named, "--force", "main~1:topic"]).await.status.success());
    let next = host.commit(&name("mail"), &commit(Some(&head), "Portal", tree(&[("a", "1")]))).await.unwrap();
    assert_eq!(host.history(&name("mail"), "main", 1, None).await.unwrap()[0].id, next);
    assert!(host.read_file(&name("mail"), "v1", "more", None).await.is_ok());
    git_ok(folder.path(), &["-C", "tidepost/mail.git", "fsck", "--full"]).await;
}

#[tokio::test]
async fn hooks_and_settings_from_outside_do_not_run() {
    let (folder, host) = host();
    let (_work, clone, _, named) = cloned(&host).await;
    // As if somebody had found a way to write into the repository's own hooks.
    let hooks = folder.path().join("tidepost/mail.git/hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    for hook in ["pre-receive", "update", "post-receive", "reference-transaction", "post-update"] {
        use std::os::unix::fs::PermissionsExt as _;
        let script = format!("#!/bin/sh\ntouch {}\n", folder.path().join("ran").display());
        std::fs::write(hooks.join(hook), script).unwrap();
        std::fs::set_permissions(hooks.join(hook), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    git_ok(&clone, &["commit", "--quiet", "--allow-empty", "-m", "More"]).await;
    git_ok(&clone, &["push", "--quiet", &named, "main"]).await;
    host.commit(&name("mail"), &commit(None, "Anew", tree(&[("a", "1")]))).await.unwrap();
    assert!(!folder.path().join("ran").exists());
}

/// A request that a Git client would not make.
async fn ask(host: &LocalHost, method: &str, path: &str, query: &str, user: Option<&str>) -> u16 {
    let asked = GitRequest {
        method: method.to_owned(),
        path_info: path.to_owned(),
        query: query.to_owned(),
        content_type: None,
        content_encoding: None,
        git_protocol: Some("version=2\nX-Evil: 1".to_owned()),
        remote_user: user.map(str::to_owned),
        remote_addr: None,
    };
    host.serve(asked, tokio::io::empty()).await.unwrap().status
}

#[tokio::test]
async fn tricks_over_http_are_refused() {
    let (_folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let fetch = "service=git-upload-pack";
    assert_eq!(ask(&host, "GET", "/tidepost/mail.git/info/refs", fetch, None).await, 200);
    // As people copy it from the page.
    assert_eq!(ask(&host, "GET", "/tidepost/mail/info/refs", fetch, None).await, 200);
    for path in [
        "/tidepost/../tidepost/mail.git/info/refs",
        "/../x/info/refs",
        "/%2e%2e/mail.git/info/refs",
        "/tidepost/%2e%2e/mail.git/info/refs",
        "/tidepost/mail.git/../mail.git/info/refs",
        "/tidepost//mail.git/info/refs",
        "/.slipway/hooks.git/info/refs",
        "/tidepost/nothing.git/info/refs",
        "/tidepost/mail.git/info/refs/",
    ] {
        assert_eq!(ask(&host, "GET", path, fetch, Some("ada")).await, 404, "{path}");
    }
    for path in ["HEAD", "config", "slipway.json", "objects/info/packs", "info/refs", "proposals/1.json"] {
        assert_eq!(ask(&host, "GET", &format!("/tidepost/mail.git/{path}"), "", Some("ada")).await, 404, "{path}");
    }
    let push = "service=git-receive-pack";
    assert_eq!(ask(&host, "GET", "/tidepost/mail.git/info/refs", push, None).await, 401);
    assert_eq!(ask(&host, "GET", "/tidepost/mail.git/info/refs", push, Some("")).await, 401);
    assert_eq!(ask(&host, "POST", "/tidepost/mail.git/git-receive-pack", "", None).await, 401);
    assert_eq!(ask(&host, "POST", "/tidepost/mail.git/git-receive-pack", push, Some("ada")).await, 404);
    // Without the content type of a Git client.
    assert_eq!(ask(&host, "POST", "/tidepost/mail.git/git-receive-pack", "", Some("ada")).await, 415);
    assert_eq!(ask(&host, "GET", "/tidepost/mail.git/info/refs", push, Some("ada")).await, 200);
}

#[cfg(target_os = "linux")]
/// How many living processes serve from a data folder.
fn processes_of(folder: &Path) -> usize {
    let mark = format!("GIT_PROJECT_ROOT={}", folder.display());
    let environments = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|process| std::fs::read(process.ok()?.path().join("environ")).ok());
    environments.filter(|variables| variables.split(|&b| b == 0).any(|v| v == mark.as_bytes())).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_leaves_does_not_leave_a_process_behind() {
    let (folder, host) = host();
    host.create(&new("mail")).await.unwrap();
    let asked = GitRequest {
        method: "POST".to_owned(),
        path_info: "/tidepost/mail.git/git-upload-pack".to_owned(),
        query: String::new(),
        content_type: Some("application/x-git-upload-pack-request".to_owned()),
        content_encoding: None,
        git_protocol: None,
        remote_user: None,
        remote_addr: None,
    };
    // A body that never ends and never brings anything.
    let (body, kept_open) = tokio::io::duplex(64);
    let answer = host.serve(asked, body).await.unwrap();
    assert_eq!(answer.status, 200);
    let folder = folder.path().canonicalize().unwrap();
    assert!(processes_of(&folder) > 0);
    drop(answer);
    for _ in 0..100 {
        if processes_of(&folder) == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(processes_of(&folder), 0);
    drop(kept_open);
    // Its place is free again for all others.
    for _ in 0..40 {
        assert_eq!(ask(&host, "GET", "/tidepost/mail.git/info/refs", "service=git-upload-pack", None).await, 200);
    }
}
