//! Repositories as a whole: made, found, listed, their settings changed. Owns their `config` and
//! that they exist whole or not at all; what is in them is the business of its siblings.

use std::path::Path;

use super::errors::{conflict, disk as disk_error, half_done, invalid, not_found};
use super::metadata::{FIRST_BRANCH, Metadata};
use super::proposals::FOLDER as PROPOSALS;
use super::{LocalHost, disk, names};
use crate::ports::PortError;
use crate::ports::code_host::{NewRepository, Repository, RepositoryName, Setting};

/// What stands in the `config` of every repository, after what `git init` writes.
///
/// - Nothing is tidied up behind our back: a background `gc` would fight with a process that ends.
/// - Pushes are checked, bounded (2 GB, GitHub's bound for one push) and add to history.
/// - `refs/slipway` is ours: neither shown nor writable over HTTP.
/// - Packing for a clone keeps its memory within some hundred megabytes.
/// - `getanyfile` off: only the smart protocol.
const CONFIG: &str = "\
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tdenyNonFastForwards = true
\tfsckObjects = true
\tmaxInputSize = 2147483648
\tautogc = false
[transfer]
\thideRefs = refs/slipway
[uploadpack]
\tallowFilter = true
[http]
\treceivepack = true
\tgetanyfile = false
[pack]
\tthreads = 2
\twindowMemory = 64m
\tdeltaCacheSize = 32m
[core]
\tquotePath = false
\tlogAllRefUpdates = false
\tpackedGitLimit = 256m
";

impl LocalHost {
    /// What is known of a repository beside its commits.
    ///
    /// # Errors
    /// [`PortError::NotFound`]; else see [`PortError`].
    pub async fn metadata(&self, name: &RepositoryName) -> Result<Metadata, PortError> {
        let path = self.path(name)?;
        let metadata = disk::blocking(move || Metadata::load(&path)).await?;
        metadata.ok_or_else(|| not_found(name.to_string()))
    }

    pub(super) async fn find_repository(&self, name: &RepositoryName) -> Result<Option<Repository>, PortError> {
        match self.metadata(name).await {
            Ok(metadata) => Ok(Some(self.describe(name, metadata))),
            Err(PortError::NotFound { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) async fn create_repository(&self, new: &NewRepository) -> Result<Repository, PortError> {
        let target = self.path(&new.name)?;
        let taken = || conflict(format!("{} is taken", new.name));
        if tokio::fs::try_exists(&target).await.map_err(disk_error("looking for the repository"))? {
            return Err(taken());
        }
        let beside = target.clone();
        let making = disk::blocking(move || disk::Making::beside(&beside)).await?;
        self.git
            .outside("init")
            .args(["--quiet", "--bare", "--template=", "--object-format=sha1", "--initial-branch", FIRST_BRANCH])
            .args([making.path()])
            .run()
            .await?
            .ok()?;
        let metadata = Metadata::new(new, self.clock.now());
        let stored = metadata.clone();
        let placed = disk::blocking(move || {
            furnish(making.path(), &stored)?;
            making.place(&target)
        });
        placed.await.map_err(|e| if matches!(e, PortError::Conflict { .. }) { taken() } else { e })?;
        Ok(self.describe(&new.name, metadata))
    }

    pub(super) async fn list_repositories(&self, owner: &str) -> Result<Vec<Repository>, PortError> {
        if !names::is_owner(owner) {
            return Err(invalid(format!("“{owner}” is not the name of an owner")));
        }
        let folder = self.root.join(owner);
        let found = disk::blocking(move || load_all(&folder)).await?;
        let named = |name| RepositoryName { host: self.host.clone(), owner: owner.to_owned(), name };
        Ok(found.into_iter().map(|(name, metadata)| self.describe(&named(name), metadata)).collect())
    }

    pub(super) async fn change_setting(&self, name: &RepositoryName, setting: &Setting) -> Result<(), PortError> {
        let repository = self.existing(name).await?;
        let _guard = self.lock(&repository).await?;
        let moved = matches!(setting, Setting::DefaultBranch(_));
        if let Setting::DefaultBranch(branch) = setting {
            self.point_head(&repository, &names::branch(branch)?).await?;
        }
        let (name, setting) = (name.to_string(), setting.clone());
        let change = move || {
            let mut metadata = Metadata::load(&repository)?.ok_or_else(|| not_found(name))?;
            let before = metadata.clone();
            metadata.apply(&setting)?;
            if metadata == before { Ok(()) } else { metadata.store(&repository) }
        };
        disk::blocking(change).await.map_err(|e| if moved { half_done(e) } else { e })
    }

    /// Lets a clone check out another branch.
    pub(super) async fn point_head(&self, repository: &Path, full_ref: &str) -> Result<(), PortError> {
        self.git.call(repository, "symbolic-ref").args(["HEAD", full_ref]).acts().run().await?.ok().map(drop)
    }

    fn describe(&self, name: &RepositoryName, metadata: Metadata) -> Repository {
        let web_url = format!("{}/git/{}/{}", self.base_url, name.owner, name.name);
        Repository {
            name: name.clone(),
            id: metadata.id.to_string(),
            clone_url: format!("{web_url}.git"),
            web_url,
            default_branch: metadata.default_branch,
            description: metadata.description,
            homepage: metadata.homepage,
            visibility: metadata.visibility,
            archived: false,
            topics: metadata.topics,
        }
    }
}

/// Puts into a fresh bare repository what makes it one of ours.
fn furnish(repository: &Path, metadata: &Metadata) -> Result<(), PortError> {
    let write = || {
        use std::io::Write as _;
        let mut config = std::fs::OpenOptions::new().append(true).open(repository.join("config"))?;
        config.write_all(CONFIG.as_bytes())?;
        config.sync_all()?;
        std::fs::create_dir(repository.join(PROPOSALS))
    };
    write().map_err(disk_error("making the repository"))?;
    metadata.store(repository)
}

/// Every repository in an owner's folder, ordered by name.
fn load_all(folder: &Path) -> Result<Vec<(String, Metadata)>, PortError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(disk_error("listing repositories")(e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(disk_error("listing repositories"))?;
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str().and_then(|n| n.strip_suffix(".git")) else { continue };
        if !names::is_repository(name) {
            continue;
        }
        // One that is being deleted at this moment has no metadata any more.
        if let Some(metadata) = Metadata::load(&entry.path())? {
            found.push((name.to_owned(), metadata));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
