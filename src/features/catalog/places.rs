//! Where descriptors are: between a source as it is stored, the address that people and annotations
//! see, and the adapter that reads it.

use url::Url;

use super::model::hosts::{CodeHosts as Makes, HostKind};
use super::model::location::LocationRef;
use super::store::SourceKind;
use crate::engine::app::App;
use crate::kernel::address::host_and_port;
use crate::ports::PortError;
use crate::ports::code_host::{CodeHost as _, Fetched, RepositoryName};
use crate::ports::documents::Place as Document;

/// A source as it is stored: what is read, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// File, address or repository.
    pub kind: SourceKind,
    /// Path, address, or `host/owner/name`.
    pub target: String,
    /// For repositories: branch and path, `main:catalog-info.yaml`.
    pub path: String,
}

impl Target {
    /// A file on this machine.
    pub fn file(path: impl Into<String>) -> Self {
        Self { kind: SourceKind::File, target: path.into(), path: String::new() }
    }

    /// A descriptor in a repository.
    pub fn repository(name: &RepositoryName, branch: &str, path: &str) -> Self {
        Self {
            kind: SourceKind::Repository,
            target: format!("{}/{}/{}", name.host, name.owner, name.name),
            path: format!("{branch}:{}", path.trim_start_matches('/')),
        }
    }

    /// What an address is: a file of a repository of one of our code hosts, or an address as such.
    pub fn of_address(app: &App, address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(in_repository(app, &url).unwrap_or_else(|| Self {
            kind: SourceKind::Url,
            target: url.to_string(),
            path: String::new(),
        }))
    }

    /// The place as annotations and people see it.
    pub fn location(&self, app: &App) -> LocationRef {
        match self.kind {
            SourceKind::File => LocationRef::new("file", &self.target),
            SourceKind::Url => LocationRef::new("url", &self.target),
            SourceKind::Repository => LocationRef::new("url", self.web_address(app)),
        }
    }

    /// The repository, branch and path, for sources in repositories.
    pub fn in_repository(&self) -> Option<(RepositoryName, &str, &str)> {
        let mut parts = self.target.splitn(3, '/').map(str::to_owned);
        let name = RepositoryName { host: parts.next()?, owner: parts.next()?, name: parts.next()? };
        let (branch, path) = self.path.split_once(':')?;
        (self.kind == SourceKind::Repository).then_some((name, branch, path))
    }

    fn web_address(&self, app: &App) -> String {
        let Some((name, branch, path)) = self.in_repository() else { return self.target.clone() };
        let root = match &app.code_hosts.github {
            Some(github) if github.host() == name.host => {
                app.config.github.url.as_str().trim_end_matches('/').to_owned()
            }
            _ => format!("{}git", app.config.http.base_url),
        };
        format!("{root}/{}/{}/blob/{branch}/{path}", name.owner, name.name)
    }
}

/// Reads a web address of a code host of ours apart: `…/owner/name/blob/branch/path`.
fn in_repository(app: &App, url: &Url) -> Option<Target> {
    let local = format!("{}git/", app.config.http.base_url);
    let (host, rest) = if let Some(rest) = url.as_str().strip_prefix(&local) {
        (app.code_hosts.local.host().to_owned(), rest.to_owned())
    } else {
        let github = app.code_hosts.github.as_ref()?;
        let root = format!("{}/", app.config.github.url.as_str().trim_end_matches('/'));
        (github.host().to_owned(), url.as_str().strip_prefix(&root)?.to_owned())
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default().to_owned();
    let mut parts = rest.splitn(5, '/');
    let (owner, name, verb, branch, path) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if !matches!(verb, "blob" | "tree" | "raw" | "edit") || path.is_empty() {
        return None;
    }
    let name = RepositoryName { host, owner: owner.to_owned(), name: name.to_owned() };
    let decoded = percent_decoded(path);
    Some(Target::repository(&name, &percent_decoded(branch), &decoded))
}

fn percent_decoded(text: &str) -> String {
    // A plus sign is a plus sign in a path.
    let escaped = text.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={escaped}").replace('&', "%26").as_bytes())
        .next()
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}

/// The makes of the code hosts, with our own local one, which resolves addresses as GitHub does.
pub fn makes(app: &App) -> Makes {
    let own = host_and_port(&app.config.http.base_url).unwrap_or_default();
    let mut makes = Makes::default().with(&own, HostKind::GitHub);
    if let Some(host) = app.config.github.url.host_str() {
        makes = makes.with(host, HostKind::GitHub);
    }
    makes
}

/// Reads a source. `known` is the tag of the version that was read last.
///
/// # Errors
/// See [`PortError`].
pub async fn read(app: &App, target: &Target, known: Option<&str>) -> Result<Fetched, PortError> {
    match target.kind {
        SourceKind::File => app.documents.read(&Document::File(target.target.clone().into()), known).await,
        SourceKind::Url => {
            let url = Url::parse(&target.target)
                .map_err(|e| PortError::Invalid { system: "The portal".to_owned(), why: e.to_string() })?;
            app.documents.read(&Document::Url(url), known).await
        }
        SourceKind::Repository => {
            let invalid = || PortError::Invalid {
                system: "The portal".to_owned(),
                why: format!("{} is no repository", target.target),
            };
            let (name, branch, path) = target.in_repository().ok_or_else(invalid)?;
            let (host, name) = app.code_hosts.locate(&name).ok_or_else(invalid)?;
            host.read_file(&name, branch, path, known).await
        }
    }
}
