//! What the addresses of code hosts mean: which host is of which make, how a relative address is
//! resolved inside a repository, where a file is edited. It owns addresses as text and reads nothing.
//! The rules are those of Backstage's `integration` package 2.2.

use url::Url;

use crate::kernel::address::host_and_port;

/// The make of a code host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostKind {
    /// GitHub, in the cloud or on premises.
    GitHub,
    /// GitLab.
    GitLab,
    /// Bitbucket in the cloud.
    BitbucketCloud,
    /// Bitbucket on premises.
    BitbucketServer,
    /// Azure DevOps.
    Azure,
    /// Gitea or Forgejo.
    Gitea,
}

/// The code hosts that the portal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeHosts {
    hosts: Vec<(String, HostKind)>,
}

impl Default for CodeHosts {
    /// The four hosts that are known without configuration.
    fn default() -> Self {
        let known = [
            ("dev.azure.com", HostKind::Azure),
            ("bitbucket.org", HostKind::BitbucketCloud),
            ("github.com", HostKind::GitHub),
            ("gitlab.com", HostKind::GitLab),
        ];
        Self { hosts: known.into_iter().map(|(host, kind)| (host.to_owned(), kind)).collect() }
    }
}

/// An address cannot be made from a base and a relative part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The base is no address.
    #[error("TypeError: Invalid URL")]
    Invalid,
    /// The base is no address and the other part starts with a slash.
    #[error("Error: URL parsing failed.")]
    Unreadable,
}

impl CodeHosts {
    /// Adds a host, or changes the make of a known one. `host` includes a port that is not the
    /// usual one.
    #[must_use]
    pub fn with(mut self, host: &str, kind: HostKind) -> Self {
        self.hosts.retain(|(known, _)| known != host);
        self.hosts.push((host.to_owned(), kind));
        self
    }

    /// The make of the host of an address; none for an unknown host or no address.
    pub fn kind_of(&self, address: &str) -> Option<HostKind> {
        let host = host_and_port(&Url::parse(address).ok()?)?;
        self.hosts.iter().find(|(known, _)| *known == host).map(|(_, kind)| *kind)
    }

    /// An address relative to the file at `base`. What is absolute stays (but on GitHub `blob`
    /// becomes `tree`); what starts with `/` counts from the root of the repository.
    ///
    /// # Errors
    /// `base` is no address.
    pub fn resolve(&self, relative: &str, base: &str) -> Result<String, AddressError> {
        match self.kind_of(base) {
            Some(HostKind::Azure) => resolve_azure(relative, base),
            Some(HostKind::GitHub) => resolve_in_path(relative, base).map(|address| github(&address, "tree")),
            _ => resolve_in_path(relative, base),
        }
    }

    /// Where the file at an address is edited; none for an unknown host.
    pub fn edit_address(&self, address: &str) -> Option<String> {
        Some(match self.kind_of(address)? {
            HostKind::GitHub => github(address, "edit"),
            HostKind::GitLab => gitlab_edit(address),
            HostKind::BitbucketCloud => {
                let mut edit = Url::parse(address).ok()?;
                set_query(&mut edit, "mode", "edit");
                set_query(
                    &mut edit,
                    "at",
                    GitAddress::read(address).map_or_else(String::new, |git| git.reference).as_str(),
                );
                edit.to_string()
            }
            HostKind::BitbucketServer => address.split('?').next().unwrap_or(address).to_owned(),
            HostKind::Azure => azure_edit(address),
            HostKind::Gitea => address.replacen("/src/branch/", "/_edit/", 1),
        })
    }

    /// The folder of the file at an address, for an entity's `source-location`; none for an
    /// unknown host.
    pub fn source_folder(&self, address: &str) -> Option<String> {
        self.kind_of(address)?;
        self.resolve("./", address).ok()
    }

    /// Whether a file named in a descriptor at `base` may be read for it: files of known hosts
    /// only from the repository of the descriptor, since they are read with our credentials.
    pub fn is_same_repository(&self, address: &str, base: &str) -> bool {
        let (Ok(wanted), Ok(from)) = (Url::parse(address), Url::parse(base)) else { return true };
        let kind = self.kind_of(address);
        if kind.is_some() && host_and_port(&wanted) != host_and_port(&from) {
            return false;
        }
        if !matches!(from.scheme(), "http" | "https") {
            return true;
        }
        if kind == Some(HostKind::Azure) {
            return azure_repository(&wanted).is_some_and(|wanted| azure_repository(&from) == Some(wanted));
        }
        let (Some(wanted), Some(from)) = (GitAddress::read(address), GitAddress::read(base)) else { return true };
        if wanted.is_suspect() || from.is_suspect() {
            return false;
        }
        let has_file_marks = matches!(kind, Some(HostKind::GitHub | HostKind::GitLab | HostKind::BitbucketCloud));
        let (a, b) = (!wanted.path.is_empty(), !from.path.is_empty());
        let is_comparable = wanted.is_named() && from.is_named() && if has_file_marks { a || b } else { a && b };
        if !is_comparable || (kind.is_none() && wanted.host != from.host) {
            return true;
        }
        wanted.host == from.host && wanted.owner == from.owner && wanted.name == from.name
    }
}

/// An address of a file in a repository, cut into its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct GitAddress {
    host: String,
    owner: String,
    name: String,
    reference: String,
    /// The file within the repository, as it stands in the address.
    path: String,
}

impl GitAddress {
    fn read(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let path = url.path().trim_start_matches('/').trim_end_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let after = |word: &str| parts.iter().skip(2).position(|part| *part == word).map(|at| at + 2);
        let last = parts.len().saturating_sub(1);
        let name = ["-", "blob", "issues", "tree", "commit", "src", "raw", "edit", "browse"]
            .into_iter()
            .find_map(after)
            .map_or(last, |at| at - 1);
        let mark = if parts.get(name + 1) == Some(&"-") { name + 2 } else { name + 1 };
        let (reference, file) = match parts.get(mark) {
            Some(&("raw" | "src" | "blob" | "tree" | "edit")) if parts.len() > mark + 1 => {
                (parts[mark + 1].to_owned(), parts[mark + 2..].join("/"))
            }
            Some(&"browse") => (String::new(), parts[mark + 1..].join("/")),
            _ => (String::new(), String::new()),
        };
        Some(Self {
            host: url.host_str()?.to_owned(),
            owner: parts[..name].join("/"),
            name: (*parts.get(name)?).to_owned(),
            reference,
            path: file,
        })
    }

    fn is_named(&self) -> bool {
        !self.owner.is_empty() && !self.name.is_empty()
    }

    /// Whether the name tries to mean another repository than it seems to.
    fn is_suspect(&self) -> bool {
        [&self.owner, &self.name].into_iter().any(|part| {
            let decoded = percent_decoded(part);
            decoded.contains('%') || decoded.split('/').any(|segment| segment == "..")
        })
    }
}

fn percent_decoded(text: &str) -> String {
    let as_form = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(as_form.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}

fn resolve_in_path(relative: &str, base: &str) -> Result<String, AddressError> {
    if Url::parse(relative).is_ok() {
        return Ok(relative.to_owned());
    }
    let from = Url::parse(base);
    let mut resolved = if relative.starts_with('/') {
        let mut resolved = from.clone().map_err(|_| AddressError::Unreadable)?;
        let file = GitAddress::read(base).map_or_else(String::new, |git| git.path);
        let root =
            resolved.path().strip_suffix(file.as_str()).unwrap_or(resolved.path()).trim_end_matches('/').to_owned();
        resolved.set_path(&format!("{root}{relative}"));
        resolved
    } else {
        from.as_ref().map_err(|_| AddressError::Invalid)?.join(relative).map_err(|_| AddressError::Invalid)?
    };
    resolved.set_query(from.map_err(|_| AddressError::Invalid)?.query());
    Ok(resolved.to_string())
}

/// `//host/owner/name/blob/` with another word for `blob`.
fn github(address: &str, word: &str) -> String {
    let Some(start) = address.find("//").map(|at| at + 2) else { return address.to_owned() };
    let parts: Vec<&str> = address[start..].splitn(5, '/').collect();
    match parts.as_slice() {
        [host, owner, name, "blob" | "tree" | "edit", rest]
            if !host.is_empty() && !owner.is_empty() && !name.is_empty() =>
        {
            format!("{}{host}/{owner}/{name}/{word}/{rest}", &address[..start])
        }
        _ => address.to_owned(),
    }
}

fn gitlab_edit(address: &str) -> String {
    let first = ["/-/blob/", "/-/tree/", "/-/edit/"]
        .into_iter()
        .filter_map(|mark| address.find(mark).map(|at| (at, mark)))
        .min();
    match first {
        Some((at, mark)) => format!("{}/-/edit/{}", &address[..at], &address[at + mark.len()..]),
        None => address.to_owned(),
    }
}

/// Sets a query parameter in its place, or behind the others.
fn set_query(address: &mut Url, name: &str, value: &str) {
    let mut pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    match pairs.iter().position(|(known, _)| known == name) {
        Some(at) => {
            value.clone_into(&mut pairs[at].1);
            let mut index = 0;
            pairs.retain(|(known, _)| {
                index += 1;
                known != name || index == at + 1
            });
        }
        None => pairs.push((name.to_owned(), value.to_owned())),
    }
    address.query_pairs_mut().clear().extend_pairs(pairs);
}

/// On Azure the file is a query parameter.
fn resolve_azure(relative: &str, base: &str) -> Result<String, AddressError> {
    if Url::parse(relative).is_ok() {
        return Ok(relative.to_owned());
    }
    let mut resolved = Url::parse(base).map_err(|_| AddressError::Invalid)?;
    if azure_repository(&resolved).is_none() {
        return Ok(resolved.join(relative).map_err(|_| AddressError::Invalid)?.to_string());
    }
    let file = azure_file(&resolved).unwrap_or_default();
    let stand_in = Url::parse(&format!("https://a.com{file}")).and_then(|file| file.join(relative));
    let path = stand_in.map_err(|_| AddressError::Invalid)?.path().to_owned();
    set_query(&mut resolved, "path", &path);
    Ok(resolved.to_string())
}

fn azure_file(address: &Url) -> Option<String> {
    address.query_pairs().find(|(name, _)| name == "path").map(|(_, value)| value.into_owned())
}

/// Organization, project and repository; none if the address is not of a repository or names a
/// version that is neither a branch nor a tag.
fn azure_repository(address: &Url) -> Option<(String, String, String)> {
    let parts: Vec<String> = address.path().split('/').map(percent_decoded).collect();
    let git = [2, 3, 4].into_iter().find(|&at| parts.get(at).is_some_and(|part| part == "_git"))?;
    let repository = parts.get(git + 1).filter(|part| !part.is_empty())?.clone();
    let owner = parts[1..(git - 1).max(2)].join("/");
    let project = if git == 2 { repository.clone() } else { parts[git - 1].clone() };
    let version = address.query_pairs().find(|(name, _)| name == "version").map(|(_, value)| value.into_owned());
    let is_plain =
        version.is_none_or(|version| version.is_empty() || version.starts_with("GB") || version.starts_with("GT"));
    (is_plain && !owner.is_empty() && !project.is_empty()).then_some((owner, project, repository))
}

fn azure_edit(address: &str) -> String {
    let Ok(mut edit) = Url::parse(address) else { return address.to_owned() };
    let has_file = azure_file(&edit).is_some_and(|file| !file.is_empty() && file != "/");
    if azure_repository(&edit).is_none() || !has_file {
        return address.to_owned();
    }
    set_query(&mut edit, "_a", "edit");
    edit.to_string()
}
