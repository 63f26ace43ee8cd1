//! Settings, from the environment only. Every mistake is found in one reading and reported
//! together: nobody should have to start the portal five times to find five mistakes.
//! What an admin curates in lists (organizations, clusters, prices) is not here: it is data.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use crate::kernel::address::host_and_port;
use crate::kernel::secret::Secret;

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where and as what it answers.
    pub http: Http,
    /// Where it keeps things.
    pub data: Data,
    /// How it speaks with GitHub.
    pub github: GitHub,
    /// Who may do everything.
    pub admins: Admins,
    /// What is read into the catalog.
    pub catalog: Catalog,
    /// How it reports on itself.
    pub telemetry: Telemetry,
}

/// Where and as what the portal answers.
#[derive(Debug, Clone)]
pub struct Http {
    /// `SLIPWAY_LISTEN`, default `127.0.0.1:8080`: nothing is offered to the network unasked.
    pub listen: SocketAddr,
    /// `SLIPWAY_BASE_URL`: the address that people type. Default: `http://` and the listen address.
    /// Requests for another host are refused.
    pub base_url: Url,
    /// `SLIPWAY_TRUSTED_PROXIES`, how many proxies stand in front, default 0. The client's address is
    /// taken that many places from the right of `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

/// Where the portal keeps things.
#[derive(Debug, Clone)]
pub struct Data {
    /// `SLIPWAY_DATA_DIR`. Default: `/var/lib/slipway` as root, since Postgres runs as another user
    /// there and must reach it; else `$XDG_STATE_HOME/slipway` or `~/.local/state/slipway`.
    pub dir: PathBuf,
    /// `SLIPWAY_KEY_FILE`. Default: `seal.key` in the data folder, made at first start.
    pub key_file: PathBuf,
    /// The key itself, from `SLIPWAY_KEY` (64 hex digits), before the file.
    pub key: Option<Secret>,
    /// `DATABASE_URL`. Without it the portal runs a private Postgres in the data folder.
    pub database_url: Option<Secret>,
    /// `SLIPWAY_DATABASE_CONNECTIONS`, default 16: two lanes of workers, the pages and the listeners.
    pub connections: u32,
}

/// How the portal speaks with GitHub.
#[derive(Debug, Clone)]
pub struct GitHub {
    /// `SLIPWAY_GITHUB_URL`, default `https://github.com`; an Enterprise server's address.
    pub url: Url,
    /// `SLIPWAY_GITHUB_API_URL`. Default: `https://api.github.com`, or `<url>/api/v3` for an Enterprise server.
    pub api_url: Url,
    /// `SLIPWAY_GITHUB_ORG`: the organization whose repositories are read and in which new ones are made.
    pub org: Option<String>,
    /// `SLIPWAY_GITHUB_CLIENT_ID` and `…_CLIENT_SECRET`: the OAuth application by which people sign in.
    pub sign_in: Option<OAuthClient>,
    /// The portal's own credentials: `SLIPWAY_GITHUB_APP_ID` with `…_APP_KEY`, or `SLIPWAY_GITHUB_TOKEN`.
    pub credentials: Option<GitHubCredentials>,
    /// `SLIPWAY_GITHUB_WEBHOOK_SECRET`.
    pub webhook_secret: Option<Secret>,
}

impl GitHub {
    /// Its name as repositories are called by: the host, with the port if that is not the usual one.
    pub fn host(&self) -> String {
        host_and_port(&self.url).unwrap_or_default()
    }
}

/// An OAuth application.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    /// Public id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

/// The portal's own credentials on GitHub.
#[derive(Debug, Clone)]
pub enum GitHubCredentials {
    /// A GitHub App: preferred, since it has rights and limits of its own.
    App {
        /// Application id.
        id: u64,
        /// Private key, PEM.
        key: Secret,
    },
    /// A token: enough for a small installation.
    Token(Secret),
}

/// Who may do everything.
#[derive(Debug, Clone, Default)]
pub struct Admins {
    /// Logins from `SLIPWAY_ADMINS`, lower case.
    pub logins: Vec<String>,
    /// Team slugs from `SLIPWAY_ADMINS`, written `@team`.
    pub teams: Vec<String>,
}

/// What is read into the catalog.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// `SLIPWAY_CATALOG`: files, folders and addresses, separated by commas or line ends.
    pub sources: Vec<String>,
    /// `SLIPWAY_CATALOG_HOSTS`: hosts besides the code hosts from which descriptors may be read.
    pub hosts: Vec<String>,
    /// `SLIPWAY_EXAMPLE`, default on without GitHub and without `SLIPWAY_CATALOG`: the example organization.
    pub example: bool,
    /// `SLIPWAY_DEMO`, default off: demo people may sign in although the portal listens on an outside
    /// address, as inside a container that is published on loopback only.
    pub demo: bool,
}

/// How the portal reports on itself.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// `SLIPWAY_LOG`: levels as in `info,slipway=debug`, default `info`.
    pub filter: String,
    /// `SLIPWAY_LOG_FORMAT`: `json` or `text`; default `text` on a terminal, else `json`.
    pub json: bool,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces go; none by default.
    pub otlp: Option<Url>,
}

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable.
    pub name: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// Whether the portal starts all the same.
    pub warning: bool,
}

/// How people sign in with these settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// With GitHub.
    GitHub,
    /// As one of the demo people, with a banner on every page.
    Demo,
    /// Not at all: nothing is configured and the portal listens on an outside address.
    Closed,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// All mistakes that keep the portal from starting, and the warnings with them.
    pub fn from_env() -> Result<(Self, Vec<Mistake>), Vec<Mistake>> {
        Self::from_vars(&std::env::vars().collect())
    }

    /// Reads a set of variables.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_vars(vars: &BTreeMap<String, String>) -> Result<(Self, Vec<Mistake>), Vec<Mistake>> {
        let mut reader = Reader { vars, mistakes: Vec::new() };
        let config = reader.config();
        reader.cross_checks(&config);
        if reader.mistakes.iter().any(|m| !m.warning) { Err(reader.mistakes) } else { Ok((config, reader.mistakes)) }
    }

    /// How people sign in.
    pub fn sign_in(&self) -> SignIn {
        if self.github.sign_in.is_some() {
            SignIn::GitHub
        } else if self.http.listen.ip().is_loopback() || self.catalog.demo {
            SignIn::Demo
        } else {
            SignIn::Closed
        }
    }

    /// Whether cookies are `Secure` and carry the `__Host-` prefix.
    pub fn secure_cookies(&self) -> bool {
        self.http.base_url.scheme() == "https"
    }

    /// The settings as lines for people, secrets hidden.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let given = |b: bool| if b { "given".to_owned() } else { "none".to_owned() };
        vec![
            ("SLIPWAY_LISTEN", self.http.listen.to_string()),
            ("SLIPWAY_BASE_URL", self.http.base_url.to_string()),
            ("SLIPWAY_DATA_DIR", self.data.dir.display().to_string()),
            (
                "DATABASE_URL",
                self.data.database_url.as_ref().map_or_else(|| "private Postgres".to_owned(), |_| "given".to_owned()),
            ),
            (
                "SLIPWAY_KEY_FILE",
                if self.data.key.is_some() {
                    "SLIPWAY_KEY is given".to_owned()
                } else {
                    self.data.key_file.display().to_string()
                },
            ),
            ("SLIPWAY_GITHUB_URL", self.github.url.to_string()),
            ("SLIPWAY_GITHUB_API_URL", self.github.api_url.to_string()),
            ("SLIPWAY_GITHUB_ORG", self.github.org.clone().unwrap_or_else(|| "none".to_owned())),
            ("GitHub sign-in", given(self.github.sign_in.is_some())),
            (
                "GitHub credentials",
                match &self.github.credentials {
                    Some(GitHubCredentials::App { id, .. }) => format!("App {id}"),
                    Some(GitHubCredentials::Token(_)) => "token".to_owned(),
                    None => "none; the local code host takes GitHub's place".to_owned(),
                },
            ),
            (
                "SLIPWAY_ADMINS",
                self.admins
                    .logins
                    .iter()
                    .cloned()
                    .chain(self.admins.teams.iter().map(|t| format!("@{t}")))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            ("SLIPWAY_CATALOG", self.catalog.sources.join(", ")),
            ("SLIPWAY_EXAMPLE", if self.catalog.example { "on" } else { "off" }.to_owned()),
            ("Sign-in", format!("{:?}", self.sign_in())),
        ]
    }
}

/// Reads variables and collects mistakes.
struct Reader<'a> {
    vars: &'a BTreeMap<String, String>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.mistakes.push(Mistake { name: name.to_owned(), message: message.into(), warning: false });
    }

    fn warn(&mut self, name: &str, message: impl Into<String>) {
        self.mistakes.push(Mistake { name: name.to_owned(), message: message.into(), warning: true });
    }

    fn text(&self, name: &str) -> Option<String> {
        self.vars.get(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
    }

    /// A secret from `NAME` or from the file that `NAME_FILE` names.
    fn secret(&mut self, name: &str) -> Option<Secret> {
        let file_name = format!("{name}_FILE");
        match (self.text(name), self.text(&file_name)) {
            (Some(_), Some(_)) => {
                self.wrong(name, format!("is given twice: as {name} and as {file_name}. Keep one."));
                None
            }
            (Some(value), None) => Some(Secret::new(value)),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) if !text.trim().is_empty() => Some(Secret::new(text.trim().to_owned())),
                Ok(_) => {
                    self.wrong(&file_name, format!("names {path}, which is empty."));
                    None
                }
                Err(e) => {
                    self.wrong(&file_name, format!("names {path}, which cannot be read: {e}."));
                    None
                }
            },
            (None, None) => None,
        }
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong(name, format!("is “{text}”; expected {expected}."));
        }
        value
    }

    fn switch(&mut self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        match text.to_lowercase().as_str() {
            "1" | "true" | "on" | "yes" => Some(true),
            "0" | "false" | "off" | "no" => Some(false),
            _ => {
                self.wrong(name, format!("is “{text}”; expected 1 or 0."));
                None
            }
        }
    }

    fn address(&mut self, name: &str) -> Option<Url> {
        let url: Url = self.parsed(name, "an address such as https://portal.example.com")?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            self.wrong(name, format!("is “{url}”; expected an address that starts with https:// or http://."));
            return None;
        }
        Some(url)
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.text(name).map_or_else(Vec::new, |text| {
            text.split([',', '\n']).map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
        })
    }

    fn config(&mut self) -> Config {
        let http = self.http();
        let data = self.data();
        let github = self.github();
        let sources = self.list("SLIPWAY_CATALOG");
        let example = self.switch("SLIPWAY_EXAMPLE").unwrap_or(sources.is_empty() && github.credentials.is_none());
        let (teams, logins): (Vec<_>, Vec<_>) =
            self.list("SLIPWAY_ADMINS").into_iter().map(|s| s.to_lowercase()).partition(|s| s.starts_with('@'));
        Config {
            http,
            data,
            github,
            admins: Admins { logins, teams: teams.iter().map(|t| t.trim_start_matches('@').to_owned()).collect() },
            catalog: Catalog {
                sources,
                hosts: self.list("SLIPWAY_CATALOG_HOSTS"),
                example,
                demo: self.switch("SLIPWAY_DEMO").unwrap_or(false),
            },
            telemetry: self.telemetry(),
        }
    }

    fn http(&mut self) -> Http {
        let listen = self
            .parsed("SLIPWAY_LISTEN", "an address and a port such as 127.0.0.1:8080")
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let mut base_url = self.address("SLIPWAY_BASE_URL");
        if let Some(url) = &base_url
            && (url.path() != "/" || url.query().is_some())
        {
            self.wrong(
                "SLIPWAY_BASE_URL",
                format!("is “{url}”; the portal answers at the root of a host, so leave the path away."),
            );
            base_url = None;
        }
        Http {
            listen,
            base_url: base_url.unwrap_or_else(|| own_address(listen)),
            trusted_proxies: self.parsed("SLIPWAY_TRUSTED_PROXIES", "a number").unwrap_or(0),
        }
    }

    fn data(&mut self) -> Data {
        let dir = self.text("SLIPWAY_DATA_DIR").map_or_else(|| self.default_data_dir(), PathBuf::from);
        if !dir.is_absolute() {
            self.wrong("SLIPWAY_DATA_DIR", format!("is “{}”; expected an absolute path.", dir.display()));
        }
        let database_url = self.secret("DATABASE_URL");
        if let Some(url) = &database_url
            && !url.expose().starts_with("postgres://")
            && !url.expose().starts_with("postgresql://")
        {
            self.wrong("DATABASE_URL", "does not start with postgres://.");
        }
        let key = self.secret("SLIPWAY_KEY");
        if let Some(key) = &key
            && hex::decode(key.expose()).map_or(0, |k| k.len()) != 32
        {
            self.wrong("SLIPWAY_KEY", "is not 64 hex digits; `openssl rand -hex 32` makes one.");
        }
        Data {
            key_file: self.text("SLIPWAY_KEY_FILE").map_or_else(|| dir.join("seal.key"), PathBuf::from),
            key,
            database_url,
            connections: self.parsed("SLIPWAY_DATABASE_CONNECTIONS", "a number from 8").unwrap_or(16),
            dir,
        }
    }

    fn default_data_dir(&self) -> PathBuf {
        if rustix::process::geteuid().is_root() {
            return PathBuf::from("/var/lib/slipway");
        }
        let home = self.text("HOME").unwrap_or_else(|| "/".to_owned());
        self.text("XDG_STATE_HOME").map_or_else(|| Path::new(&home).join(".local/state"), PathBuf::from).join("slipway")
    }

    fn github(&mut self) -> GitHub {
        let url = self.address("SLIPWAY_GITHUB_URL");
        let api_url = self.address("SLIPWAY_GITHUB_API_URL");
        let url = url.unwrap_or_else(|| known_address("https://github.com"));
        let api_url = api_url.unwrap_or_else(|| default_api_url(&url));
        GitHub {
            sign_in: self.oauth_client(),
            credentials: self.github_credentials(),
            org: self.text("SLIPWAY_GITHUB_ORG"),
            webhook_secret: self.secret("SLIPWAY_GITHUB_WEBHOOK_SECRET"),
            url,
            api_url,
        }
    }

    fn oauth_client(&mut self) -> Option<OAuthClient> {
        match (self.text("SLIPWAY_GITHUB_CLIENT_ID"), self.secret("SLIPWAY_GITHUB_CLIENT_SECRET")) {
            (Some(id), Some(secret)) => Some(OAuthClient { id, secret }),
            (None, None) => None,
            (Some(_), None) => {
                self.wrong(
                    "SLIPWAY_GITHUB_CLIENT_SECRET",
                    "is missing; SLIPWAY_GITHUB_CLIENT_ID is given and needs it.",
                );
                None
            }
            (None, Some(_)) => {
                self.wrong(
                    "SLIPWAY_GITHUB_CLIENT_ID",
                    "is missing; SLIPWAY_GITHUB_CLIENT_SECRET is given and needs it.",
                );
                None
            }
        }
    }

    fn github_credentials(&mut self) -> Option<GitHubCredentials> {
        let id: Option<u64> = self.parsed("SLIPWAY_GITHUB_APP_ID", "the application's number");
        let key = self.secret("SLIPWAY_GITHUB_APP_KEY");
        let token = self.secret("SLIPWAY_GITHUB_TOKEN");
        match (id, key, token) {
            (Some(_), Some(_), Some(_)) => {
                self.wrong("SLIPWAY_GITHUB_TOKEN", "is given beside a GitHub App. Keep one of them.");
                None
            }
            (Some(id), Some(key), None) => Some(GitHubCredentials::App { id, key }),
            (Some(_), None, _) => {
                self.wrong("SLIPWAY_GITHUB_APP_KEY", "is missing; SLIPWAY_GITHUB_APP_ID is given and needs it.");
                None
            }
            (None, Some(_), _) => {
                self.wrong("SLIPWAY_GITHUB_APP_ID", "is missing; SLIPWAY_GITHUB_APP_KEY is given and needs it.");
                None
            }
            (None, None, token) => token.map(GitHubCredentials::Token),
        }
    }

    fn telemetry(&mut self) -> Telemetry {
        let json = match self.text("SLIPWAY_LOG_FORMAT").as_deref() {
            Some("json") => true,
            Some("text") => false,
            None => !std::io::IsTerminal::is_terminal(&std::io::stderr()),
            Some(other) => {
                self.wrong("SLIPWAY_LOG_FORMAT", format!("is “{other}”; expected json or text."));
                true
            }
        };
        let filter = self.text("SLIPWAY_LOG").unwrap_or_else(|| "info".to_owned());
        if let Err(e) = tracing_subscriber::EnvFilter::try_new(&filter) {
            self.wrong("SLIPWAY_LOG", format!("is “{filter}”: {e}."));
        }
        Telemetry { filter, json, otlp: self.address("OTEL_EXPORTER_OTLP_ENDPOINT") }
    }

    /// What no single variable shows.
    fn cross_checks(&mut self, config: &Config) {
        let base = &config.http.base_url;
        let outside = !is_loopback(base);
        if outside && base.scheme() == "http" {
            self.warn("SLIPWAY_BASE_URL", "uses http on an outside address: sign-ins and cookies travel in the clear. Put TLS in front and use https.");
        }
        if config.sign_in() == SignIn::Closed {
            self.wrong("SLIPWAY_GITHUB_CLIENT_ID", format!(
                "is missing, and {} is not a loopback address, so nobody could sign in. Configure a GitHub application, or set SLIPWAY_DEMO=1 for a demonstration.",
                config.http.listen
            ));
        }
        if config.catalog.demo && outside {
            self.warn(
                "SLIPWAY_DEMO",
                "lets anybody who reaches the portal sign in as a demo person, and the base address is an outside one.",
            );
        }
        if config.github.sign_in.is_some() && config.admins.logins.is_empty() && config.admins.teams.is_empty() {
            self.warn(
                "SLIPWAY_ADMINS",
                "is empty: nobody can curate templates and policies. Name logins, or teams as @team.",
            );
        }
        if config.github.credentials.is_some() && config.github.org.is_none() {
            self.wrong(
                "SLIPWAY_GITHUB_ORG",
                "is missing; the portal has credentials for GitHub and needs to know for which organization.",
            );
        }
        if config.github.sign_in.is_some() && config.github.credentials.is_none() {
            self.warn("SLIPWAY_GITHUB_TOKEN", "is missing: people sign in with GitHub, but teams are not refreshed and repositories are made on the local code host.");
        }
        if config.data.connections < 8 {
            self.wrong("SLIPWAY_DATABASE_CONNECTIONS", "is below 8: the workers alone need six.");
        }
    }
}

/// Whether an address leads to this machine only.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn own_address(listen: SocketAddr) -> Url {
    let host = if listen.ip().is_unspecified() { "localhost".to_owned() } else { listen.ip().to_string() };
    let host = if listen.is_ipv6() && !listen.ip().is_unspecified() { format!("[{host}]") } else { host };
    known_address(&format!("http://{host}:{}", listen.port()))
}

fn default_api_url(url: &Url) -> Url {
    if url.host_str() == Some("github.com") {
        return known_address("https://api.github.com");
    }
    // GitHub Enterprise Server, "Getting started with the REST API": http(s)://HOSTNAME/api/v3.
    let mut api = url.clone();
    api.set_path("/api/v3");
    api
}

#[expect(clippy::expect_used, reason = "the texts are ours: a socket address or a constant")]
fn known_address(text: &str) -> Url {
    Url::parse(text).expect("an address built from checked parts")
}
