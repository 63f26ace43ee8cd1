//! The example organization and the golden paths: embedded, laid into the local code host as
//! repositories, and read by the ordinary road. Laying is repeatable: a commit that is there stays.

use std::collections::BTreeMap;

use futures::StreamExt as _;

use crate::engine::app::App;
use crate::engine::jobs::{self, When};
use crate::features::catalog::jobs::Read;
use crate::features::catalog::places::Target;
use crate::features::catalog::write;
use crate::features::login::actions::{self as login, DemoPerson};
use crate::kernel::tree::{File, Mode, Tree, TreePath};
use crate::ports::PortError;
use crate::ports::code_host::{CodeHost, NewCommit, NewRepository, RepositoryName, Setting, Visibility};

/// Who owns the example's repositories.
pub const OWNER: &str = "tidepost";
/// Repositories laid at the same time.
const AT_ONCE: usize = 4;

#[derive(rust_embed::RustEmbed)]
#[folder = "example/"]
struct Example;

#[derive(rust_embed::RustEmbed)]
#[folder = "golden-paths/"]
struct GoldenPaths;

/// Why the example cannot be laid.
#[derive(Debug, thiserror::Error)]
pub enum ExampleError {
    /// The local code host.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A file of ours that cannot be in a repository.
    #[error("an embedded file: {0}")]
    File(String),
}

/// Writes the demo people, before the door opens.
///
/// # Errors
/// See [`ExampleError`].
pub async fn people(app: &App) -> Result<(), ExampleError> {
    if !app.config.catalog.example {
        return Ok(());
    }
    let Some(file) = Example::get("people.json") else { return Ok(()) };
    let people: Vec<DemoPerson> = serde_json::from_slice(&file.data).map_err(|e| ExampleError::File(e.to_string()))?;
    Ok(login::seed_demo_people(&app.db, &people).await?)
}

/// Lays the golden paths and, if wanted, the example organization, and has them read.
///
/// # Errors
/// See [`ExampleError`].
pub async fn lay(app: &App) -> Result<(), ExampleError> {
    let mut repositories = vec![("golden-paths".to_owned(), golden_paths(app)?)];
    if app.config.catalog.example {
        repositories.extend(example_repositories()?);
    }
    // What people look at first is laid first.
    repositories.sort_by_key(|(name, _)| (name != "golden-paths", name != "organization", name.clone()));
    let started = std::time::Instant::now();
    let count = repositories.len();
    let laid: Vec<Result<Target, ExampleError>> = futures::stream::iter(repositories)
        .map(|(name, files)| lay_repository(app, name, files))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let targets = laid.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut tx = app.db.begin().await?;
    write::put_sources(&mut tx, &targets, "example", false).await?;
    let gone = write::keep_sources(&mut tx, &targets, "example").await?;
    if gone > 0 {
        write::raise_generation(&mut tx).await?;
    }
    jobs::enqueue(&mut tx, &Read {}, When { key: Some("catalog.read"), at: None }).await?;
    tx.commit().await?;
    tracing::info!(
        repositories = count,
        duration_ms = started.elapsed().as_millis(),
        "golden paths and example laid into the local code host"
    );
    Ok(())
}

async fn lay_repository(app: &App, repository: String, files: Tree) -> Result<Target, ExampleError> {
    let local = app.code_hosts.local.as_ref();
    let name = RepositoryName { host: local.host().to_owned(), owner: OWNER.to_owned(), name: repository };
    let found = local.find(&name).await?;
    if found.is_none() {
        let new = NewRepository {
            description: first_line(&files),
            name: name.clone(),
            visibility: Visibility::Internal,
            mark: String::new(),
            has_issues: None,
            has_projects: None,
            has_wiki: None,
            allow_merge_commit: true,
            allow_squash_merge: true,
            allow_rebase_merge: true,
            delete_branch_on_merge: true,
        };
        local.create(&new).await?;
    }
    // Once laid, a repository belongs to its people: what they have committed is never overwritten.
    let untouched = found.is_none() || local.history(&name, "main", 2, None).await.is_ok_and(|h| h.len() < 2);
    if untouched {
        let commit = NewCommit {
            branch: "main".to_owned(),
            parent: None,
            message: "Lay out the example".to_owned(),
            author: Some(("Slipway".to_owned(), "slipway@localhost".to_owned())),
            files,
        };
        local.commit(&name, &commit).await?;
        local.configure(&name, &Setting::DefaultBranch("main".to_owned())).await?;
    }
    Ok(Target::repository(&name, "main", "catalog-info.yaml"))
}

/// The first sentence after the heading of the readme.
fn first_line(files: &Tree) -> String {
    let readme = TreePath::new("README.md").ok().and_then(|p| files.get(&p).and_then(File::text).map(str::to_owned));
    readme
        .and_then(|t| t.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned))
        .unwrap_or_default()
}

/// The golden paths, with the names of this installation in the place of the example's: where GitHub is
/// configured, repositories are made there, in its organization.
fn golden_paths(app: &App) -> Result<Tree, ExampleError> {
    let mut tree = Tree::new();
    for path in GoldenPaths::iter() {
        let file = GoldenPaths::get(&path).map(|mut file| {
            if let (true, Some(github), Some(org)) =
                (path.ends_with("/template.yaml"), &app.code_hosts.github, &app.config.github.org)
                && let Ok(text) = std::str::from_utf8(&file.data)
            {
                let own = text
                    .replace("- github.com\n", &format!("- {}\n", github.host()))
                    .replace(&format!("- {OWNER}\n"), &format!("- {org}\n"));
                file.data = own.into_bytes().into();
            }
            file
        });
        add(&mut tree, &path, file)?;
    }
    Ok(tree)
}

fn example_repositories() -> Result<Vec<(String, Tree)>, ExampleError> {
    let mut all: BTreeMap<String, Tree> = BTreeMap::new();
    for path in Example::iter() {
        let Some((repository, rest)) = path.strip_prefix("repositories/").and_then(|p| p.split_once('/')) else {
            continue;
        };
        add(all.entry(repository.to_owned()).or_default(), rest, Example::get(&path))?;
    }
    Ok(all.into_iter().collect())
}

fn add(tree: &mut Tree, path: &str, file: Option<rust_embed::EmbeddedFile>) -> Result<(), ExampleError> {
    let Some(file) = file else { return Ok(()) };
    let wrong = |e: crate::kernel::tree::TreeError| ExampleError::File(e.to_string());
    // Embedding keeps no modes: what begins with a shebang is a program.
    let mode = if file.data.starts_with(b"#!") { Mode::Executable } else { Mode::Regular };
    tree.insert(TreePath::new(path).map_err(wrong)?, File { content: file.data.into_owned().into(), mode })
        .map_err(wrong)
}
