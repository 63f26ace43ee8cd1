//! `/git`: repositories of the local code host, their files, history and proposals.

use std::borrow::Cow;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::serve;
use crate::engine::access::{Resource, can};
use crate::engine::app::App;
use crate::engine::audit::{self, Entry};
use crate::engine::web::{Page, Path, Problem, Query, Visitor, flash, html, markdown, words};
use crate::kernel::fault::{Explain, Kind, WayOn};
use crate::ports::PortError;
use crate::ports::code_host::local::{EntryKind, Person, ProposalState};
use crate::ports::code_host::{CodeHost as _, Fetched, RepositoryName};

/// How many lines of a file are shown.
const LINES: usize = 5_000;
/// How many commits a page of the history shows.
const COMMITS: usize = 30;

/// The routes under `/git`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(owners))
        .route("/{owner}", get(index))
        .route("/{owner}/{name}", get(show))
        .route("/{owner}/{name}/tree/{branch}", get(tree_root))
        .route("/{owner}/{name}/tree/{branch}/{*path}", get(tree))
        .route("/{owner}/{name}/blob/{branch}/{*path}", get(blob))
        .route("/{owner}/{name}/history", get(history))
        .route("/{owner}/{name}/proposals", get(proposals))
        .route("/{owner}/{name}/proposals/{number}", get(proposal))
        .route("/{owner}/{name}/proposals/{number}/merge", post(merge))
        .route("/{owner}/{name}/proposals/{number}/close", post(close))
        .route("/{owner}/{name}/info/refs", get(serve::serve))
        .route("/{owner}/{name}/git-upload-pack", post(serve::serve))
        .route("/{owner}/{name}/git-receive-pack", post(serve::serve))
}

/// What the local host says no to, in words.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct GitError(#[from] PortError);

impl Explain for GitError {
    fn kind(&self) -> Kind {
        match &self.0 {
            PortError::NotFound { .. } => Kind::NotFound,
            PortError::Refused { .. } | PortError::Unauthorized { .. } => Kind::Forbidden,
            PortError::Conflict { .. } => Kind::Conflict,
            PortError::Invalid { .. } => Kind::Invalid(Vec::new()),
            _ => Kind::Unavailable("The local code host".into()),
        }
    }

    fn title(&self) -> Cow<'static, str> {
        match &self.0 {
            PortError::NotFound { .. } => "There is no such thing here".into(),
            PortError::Conflict { .. } => "This cannot be merged as it is".into(),
            e if e.is_transient() => "The local code host is busy".into(),
            _ => "The local code host refused".into(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        format!("{}.", self.0).into()
    }

    fn ways_on(&self) -> Vec<WayOn> {
        vec![WayOn { label: "See all repositories".into(), href: "/git".to_owned() }]
    }
}

fn name(app: &App, owner: &str, name: &str) -> RepositoryName {
    RepositoryName { host: app.code_hosts.local.host().to_owned(), owner: owner.to_owned(), name: name.to_owned() }
}

#[derive(Template)]
#[template(path = "git/index.html")]
struct IndexPage {
    page: Page,
    owner: String,
    repositories: Vec<(String, String, String)>,
}

async fn owners(visitor: Visitor) -> Result<Response, Problem> {
    can(&visitor.subject, "git.read", &Resource::NONE)?;
    Ok(Redirect::to("/git/tidepost").into_response())
}

async fn index(State(app): State<App>, visitor: Visitor, Path(owner): Path<String>) -> Result<Response, Problem> {
    can(&visitor.subject, "git.read", &Resource::NONE)?;
    let repositories = app.code_hosts.local.repositories(&owner).await.map_err(GitError)?;
    let line = |r: crate::ports::code_host::Repository| {
        (r.name.name.clone(), format!("/git/{}/{}", r.name.owner, r.name.name), r.description)
    };
    html(&IndexPage { page: visitor.page, repositories: repositories.into_iter().map(line).collect(), owner })
}

#[derive(Template)]
#[template(path = "git/tree.html")]
struct TreePage {
    page: Page,
    head: Head,
    path: String,
    up: Option<String>,
    entries: Vec<EntryLine>,
    readme: Option<String>,
    empty: bool,
}

/// What all pages of a repository show above.
struct Head {
    owner: String,
    name: String,
    description: String,
    homepage: Option<String>,
    clone_url: String,
    branch: String,
    topics: Vec<String>,
    visibility: &'static str,
    protected: bool,
    tab: &'static str,
    open: usize,
}

struct EntryLine {
    name: String,
    href: String,
    folder: bool,
    note: String,
}

async fn head(
    app: &App,
    owner: &str,
    repository: &str,
    branch: Option<&str>,
    tab: &'static str,
) -> Result<Head, Problem> {
    let name = name(app, owner, repository);
    let found = app.code_hosts.local.find(&name).await.map_err(GitError)?;
    let found = found.ok_or_else(|| {
        Problem::not_found(format_args!("repository {name}")).way_on("See all repositories", format!("/git/{owner}"))
    })?;
    let metadata = app.code_hosts.local.metadata(&name).await.map_err(GitError)?;
    let proposals = app.code_hosts.local.proposals(&name).await.map_err(GitError)?;
    let branch = branch.map_or_else(|| found.default_branch.clone(), str::to_owned);
    Ok(Head {
        owner: owner.to_owned(),
        name: repository.to_owned(),
        description: found.description,
        homepage: Some(found.homepage).filter(|h| h.starts_with("http")),
        clone_url: found.clone_url,
        protected: metadata.protection.contains_key(&branch),
        branch,
        topics: found.topics,
        visibility: match found.visibility {
            crate::ports::code_host::Visibility::Private => "private",
            crate::ports::code_host::Visibility::Internal => "internal",
            crate::ports::code_host::Visibility::Public => "public",
        },
        tab,
        open: proposals.iter().filter(|p| p.state == ProposalState::Open).count(),
    })
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository)): Path<(String, String)>,
) -> Result<Response, Problem> {
    // `git clone` without the ending asks here first; people see the page at the same address.
    let repository = repository.trim_end_matches(".git").to_owned();
    folder(&app, visitor, &owner, &repository, None, "").await
}

async fn tree_root(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository, branch)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    folder(&app, visitor, &owner, &repository, Some(&branch), "").await
}

async fn tree(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository, branch, path)): Path<(String, String, String, String)>,
) -> Result<Response, Problem> {
    folder(&app, visitor, &owner, &repository, Some(&branch), &path).await
}

async fn folder(
    app: &App,
    visitor: Visitor,
    owner: &str,
    repository: &str,
    branch: Option<&str>,
    path: &str,
) -> Result<Response, Problem> {
    can(&visitor.subject, "git.read", &Resource::NONE)?;
    let head = head(app, owner, repository, branch, "files").await?;
    let local = &app.code_hosts.local;
    let id = name(app, owner, repository);
    let path = path.trim_matches('/').to_owned();
    let branches = local.branches(&id).await.map_err(GitError)?;
    let empty = branches.is_empty();
    let listed =
        if empty { Vec::new() } else { local.entries(&id, &head.branch, &path).await.map_err(GitError)?.entries };
    let base = format!("/git/{owner}/{repository}");
    let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    let readme = match listed.iter().find(|e| e.name.eq_ignore_ascii_case("readme.md")) {
        Some(entry) => text(app, &id, &head.branch, &within(&entry.name)).await?.map(|t| {
            let root = format!("{base}/blob/{}", head.branch);
            markdown::to_html_of_file(&t, &root, &escape(&path))
        }),
        None => None,
    };
    let entries = listed
        .iter()
        .map(|e| {
            let folder = e.kind == EntryKind::Folder;
            let note = match e.kind {
                EntryKind::Folder => String::new(),
                EntryKind::File => format!("{} B", words::thousands(usize::try_from(e.size).unwrap_or(0))),
                EntryKind::Executable => {
                    format!("{} B, executable", words::thousands(usize::try_from(e.size).unwrap_or(0)))
                }
                EntryKind::Link => "link".to_owned(),
                EntryKind::Submodule => "submodule".to_owned(),
            };
            EntryLine {
                href: format!(
                    "{base}/{}/{}/{}",
                    if folder { "tree" } else { "blob" },
                    head.branch,
                    escape(&within(&e.name))
                ),
                name: e.name.clone(),
                folder,
                note,
            }
        })
        .collect();
    let up = (!path.is_empty()).then(|| match path.rsplit_once('/') {
        Some((parent, _)) => format!("{base}/tree/{}/{}", head.branch, escape(parent)),
        None => format!("{base}/tree/{}", head.branch),
    });
    html(&TreePage { page: visitor.page, head, path, up, entries, readme, empty })
}

/// A path for an address, slashes kept.
fn escape(path: &str) -> String {
    let part = |p: &str| url::form_urlencoded::byte_serialize(p.as_bytes()).collect::<String>().replace('+', "%20");
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

async fn text(app: &App, id: &RepositoryName, branch: &str, path: &str) -> Result<Option<String>, Problem> {
    match app.code_hosts.local.read_file(id, branch, path, None).await.map_err(GitError)? {
        Fetched::Content { bytes, .. } if !bytes.contains(&0) => Ok(String::from_utf8(bytes.to_vec()).ok()),
        _ => Ok(None),
    }
}

#[derive(Template)]
#[template(path = "git/blob.html")]
struct BlobPage {
    page: Page,
    head: Head,
    path: String,
    up: String,
    lines: Option<Vec<String>>,
    cut: bool,
}

async fn blob(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository, branch, path)): Path<(String, String, String, String)>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "git.read", &Resource::NONE)?;
    let head = head(&app, &owner, &repository, Some(&branch), "files").await?;
    let id = name(&app, &owner, &repository);
    let content = match text(&app, &id, &branch, &path).await {
        // Links in a readme do not tell a folder from a file.
        Err(missing) => match app.code_hosts.local.entries(&id, &branch, path.trim_matches('/')).await {
            Ok(_) => {
                let folder = format!("/git/{owner}/{repository}/tree/{branch}/{}", escape(path.trim_matches('/')));
                return Ok(Redirect::to(&folder).into_response());
            }
            Err(_) => return Err(missing),
        },
        found => found?,
    };
    let up = match path.rsplit_once('/') {
        Some((parent, _)) => format!("/git/{owner}/{repository}/tree/{branch}/{}", escape(parent)),
        None => format!("/git/{owner}/{repository}/tree/{branch}"),
    };
    let cut = content.as_ref().is_some_and(|t| t.lines().count() > LINES);
    let lines = content.map(|t| t.lines().take(LINES).map(str::to_owned).collect());
    html(&BlobPage { page: visitor.page, head, path, up, lines, cut })
}

#[derive(Template)]
#[template(path = "git/history.html")]
struct HistoryPage {
    page: Page,
    head: Head,
    commits: Vec<(String, String, String, String)>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

async fn history(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository)): Path<(String, String)>,
    Query(from): Query<After>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "git.read", &Resource::NONE)?;
    let head = head(&app, &owner, &repository, None, "history").await?;
    let id = name(&app, &owner, &repository);
    let after = Some(from.after.as_str()).filter(|a| !a.is_empty());
    let rows = app.code_hosts.local.history(&id, &head.branch, COMMITS, after).await.map_err(GitError)?;
    let next = rows
        .last()
        .filter(|_| rows.len() == COMMITS)
        .map(|r| format!("/git/{owner}/{repository}/history?after={}", r.id));
    let now = app.clock.now();
    let commits = rows
        .into_iter()
        .map(|r| (r.id.chars().take(7).collect(), r.subject, r.author, words::when(r.date, now)))
        .collect();
    html(&HistoryPage { page: visitor.page, head, commits, next })
}

#[derive(Template)]
#[template(path = "git/proposals.html")]
struct ProposalsPage {
    page: Page,
    head: Head,
    proposals: Vec<ProposalLine>,
}

struct ProposalLine {
    number: u64,
    title: String,
    tone: &'static str,
    icon: &'static str,
    word: &'static str,
    at: String,
}

fn state(state: ProposalState) -> (&'static str, &'static str, &'static str) {
    match state {
        ProposalState::Open => ("info", "branch", "Open"),
        ProposalState::Merged => ("good", "good", "Merged"),
        ProposalState::Closed => ("idle", "stop", "Closed"),
    }
}

async fn proposals(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository)): Path<(String, String)>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "git.read", &Resource::NONE)?;
    let head = head(&app, &owner, &repository, None, "proposals").await?;
    let rows = app.code_hosts.local.proposals(&name(&app, &owner, &repository)).await.map_err(GitError)?;
    let now = app.clock.now();
    let line = |p: crate::ports::code_host::local::Proposal| {
        let (tone, icon, word) = state(p.state);
        ProposalLine { number: p.number, title: p.title, tone, icon, word, at: words::when(p.created_at, now) }
    };
    html(&ProposalsPage { page: visitor.page, head, proposals: rows.into_iter().map(line).collect() })
}

#[derive(Template)]
#[template(path = "git/proposal.html")]
struct ProposalPage {
    page: Page,
    head: Head,
    line: ProposalLine,
    body: String,
    branch: String,
    base: String,
    open: bool,
    rows: Vec<DiffRow>,
    cut: bool,
    may_write: bool,
}

struct DiffRow {
    class: &'static str,
    sign: &'static str,
    text: String,
}

async fn proposal(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository, number)): Path<(String, String, u64)>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "git.read", &Resource::NONE)?;
    let head = head(&app, &owner, &repository, None, "proposals").await?;
    let id = name(&app, &owner, &repository);
    let found = app.code_hosts.local.proposal(&id, number).await.map_err(GitError)?;
    let changes = app.code_hosts.local.changes(&id, number).await.map_err(GitError)?;
    let (tone, icon, word) = state(found.state);
    html(&ProposalPage {
        page: visitor.page,
        head,
        body: markdown::to_html(&found.body),
        branch: found.branch,
        base: found.base,
        open: found.state == ProposalState::Open,
        line: ProposalLine {
            number,
            title: found.title,
            tone,
            icon,
            word,
            at: words::when(found.created_at, app.clock.now()),
        },
        rows: changes.text.lines().map(diff_row).collect(),
        cut: changes.truncated,
        may_write: can(&visitor.subject, "git.write", &Resource::NONE).is_ok(),
    })
}

fn diff_row(line: &str) -> DiffRow {
    let (class, sign, text) = match line.as_bytes().first() {
        Some(b'+') if !line.starts_with("+++") => ("diff__row--add", "+", &line[1..]),
        Some(b'-') if !line.starts_with("---") => ("diff__row--del", "−", &line[1..]),
        Some(b' ') => ("", "", &line[1..]),
        _ => ("diff__row--hunk", "", line),
    };
    DiffRow { class, sign, text: text.to_owned() }
}

async fn merge(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository, number)): Path<(String, String, u64)>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "git.write", &Resource::NONE)?;
    let who = Person {
        name: visitor.subject.name.clone(),
        email: visitor.subject.email.clone().unwrap_or_else(|| format!("{}@localhost", visitor.subject.login)),
    };
    app.code_hosts.local.merge(&name(&app, &owner, &repository), number, &who).await.map_err(GitError)?;
    settled(&app, &visitor, "git.merged", &owner, &repository, number).await?;
    flash::good(&visitor.session, "Merged.").await;
    Ok(Redirect::to(&format!("/git/{owner}/{repository}/proposals/{number}")).into_response())
}

async fn close(
    State(app): State<App>,
    visitor: Visitor,
    Path((owner, repository, number)): Path<(String, String, u64)>,
) -> Result<Response, Problem> {
    can(&visitor.subject, "git.write", &Resource::NONE)?;
    app.code_hosts.local.close(&name(&app, &owner, &repository), number).await.map_err(GitError)?;
    settled(&app, &visitor, "git.closed", &owner, &repository, number).await?;
    flash::good(&visitor.session, "Closed; the branch stays.").await;
    Ok(Redirect::to(&format!("/git/{owner}/{repository}/proposals/{number}")).into_response())
}

async fn settled(
    app: &App,
    visitor: &Visitor,
    verb: &'static str,
    owner: &str,
    repository: &str,
    number: u64,
) -> Result<(), Problem> {
    let mut conn = app.db.acquire().await?;
    audit::record(&mut conn, &Entry::by(&visitor.subject, verb, format!("proposal:{owner}/{repository}/{number}")))
        .await?;
    Ok(())
}
