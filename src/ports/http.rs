//! The one HTTP client. Calls to addresses that admins configured are trusted; calls to addresses
//! that come from users go only to allowed hosts and never to an inside address, whatever the name
//! resolves to and wherever a redirect leads.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How many redirects are followed, each checked like the first address.
const MOST_REDIRECTS: usize = 3;

/// Makes calls.
#[derive(Debug, Clone)]
pub struct Http {
    trusted: reqwest::Client,
    guarded: reqwest::Client,
    guard: Guard,
}

/// Which addresses users may name.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Hosts, exact or `*.example.org`, each optionally with `:port`.
    pub hosts: Vec<String>,
    /// Allows inside addresses for hosts that are written with their port, for tests and closed
    /// networks: an admin who lists `wiki.internal:8443` means it.
    pub inside_when_listed_with_port: bool,
}

/// Why an address may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither http nor https, or with a name and password.
    #[error("only plain http and https addresses are read")]
    Scheme,
    /// Not on the list.
    #[error("{0} is not among the allowed hosts")]
    Host(String),
    /// It leads inside.
    #[error("{0} leads to an inside address")]
    Inside(String),
}

impl Http {
    /// With a list of hosts that users may name.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(guard: Guard) -> Result<Self, reqwest::Error> {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_LIMIT)
                .redirect(reqwest::redirect::Policy::none())
        };
        Ok(Self {
            trusted: builder().build()?,
            // Without proxy: the proxy would resolve the name again, behind our check.
            guarded: builder().no_proxy().dns_resolver(Arc::new(OutsideOnly)).build()?,
            guard,
        })
    }

    /// A call to an address that an admin configured.
    pub fn trusted(&self, method: reqwest::Method, url: &str, limit: Duration) -> reqwest::RequestBuilder {
        self.trusted.request(method, url).timeout(limit)
    }

    /// A call for the oauth2 crate.
    ///
    /// # Errors
    /// As reqwest.
    pub async fn oauth(
        &self,
        request: oauth2::HttpRequest,
        limit: Duration,
    ) -> Result<oauth2::HttpResponse, OAuthCallError> {
        let mut request = reqwest::Request::try_from(request)?;
        *request.timeout_mut() = Some(limit);
        let response = self.trusted.execute(request).await?;
        let mut builder = oauth2::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            builder = builder.header(name, value);
        }
        Ok(builder.body(response.bytes().await?.to_vec())?)
    }

    /// Reads an address that a user named. Redirects are followed with the same check.
    ///
    /// # Errors
    /// The address is refused, or the call fails.
    pub async fn get_guarded(
        &self,
        url: &Url,
        headers: &[(&str, String)],
        limit: Duration,
    ) -> Result<reqwest::Response, GuardedError> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let listed_inside = self.guard.check(&url)?;
            let client = if listed_inside { &self.trusted } else { &self.guarded };
            let mut request = client.get(url.clone()).timeout(limit);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            let response = request.send().await?;
            if !response.status().is_redirection() || response.status() == reqwest::StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let target =
                response.headers().get("location").and_then(|v| v.to_str().ok()).and_then(|v| url.join(v).ok());
            url = target.ok_or(GuardedError::Redirect)?;
        }
        Err(GuardedError::Redirect)
    }
}

/// How a call for the oauth2 crate failed.
#[derive(Debug, thiserror::Error)]
pub enum OAuthCallError {
    /// The call.
    #[error(transparent)]
    Call(#[from] reqwest::Error),
    /// The answer.
    #[error(transparent)]
    Answer(#[from] oauth2::http::Error),
}

/// How a guarded call failed.
#[derive(Debug, thiserror::Error)]
pub enum GuardedError {
    /// It was not made.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was made and failed.
    #[error(transparent)]
    Call(#[from] reqwest::Error),
    /// It leads on and on, or nowhere.
    #[error("it redirects more than {MOST_REDIRECTS} times, or to no address")]
    Redirect,
}

impl Guard {
    /// Whether an address may be called; tells whether it is listed as an inside host.
    fn check(&self, url: &Url) -> Result<bool, Refusal> {
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Scheme);
        }
        let host = url.host_str().unwrap_or_default().to_lowercase();
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or(0));
        let listed_with_port = self.hosts.iter().any(|h| h.eq_ignore_ascii_case(&with_port));
        if !listed_with_port && !self.hosts.iter().any(|h| matches_host(h, &host)) {
            return Err(Refusal::Host(host));
        }
        if listed_with_port && self.inside_when_listed_with_port {
            return Ok(true);
        }
        // A literal address skips the resolver, so it is checked here.
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            _ => None,
        };
        match literal {
            Some(ip) if !is_outside(ip) => Err(Refusal::Inside(host)),
            _ => Ok(false),
        }
    }
}

fn matches_host(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host.strip_suffix(&domain.to_lowercase()).is_some_and(|head| head.ends_with('.')),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

/// Whether an address is on the public internet. IANA's special-purpose registries name the others.
pub fn is_outside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(ip) => {
            // Addresses that hold a v4 address are as outside as that is.
            if let Some(v4) = ip.to_ipv4_mapped() {
                return is_outside(IpAddr::V4(v4));
            }
            let s = ip.segments();
            // Global unicast is 2000::/3 (RFC 4291, 2.4), less documentation, Teredo and 6to4, which tunnel elsewhere.
            (s[0] & 0xe000) == 0x2000 && !(s[0] == 0x2001 && (s[1] == 0 || s[1] == 0x0db8)) && s[0] != 0x2002
        }
    }
}

/// Resolves names and keeps the outside addresses only. The connection goes to what was checked, so a
/// name that answers differently the second time gains nothing.
#[derive(Debug)]
struct OutsideOnly;

impl Resolve for OutsideOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let outside: Vec<SocketAddr> = found.filter(|a| is_outside(a.ip())).collect();
            if outside.is_empty() {
                return Err(Box::new(Refusal::Inside(host)) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(outside.into_iter()) as Addrs)
        })
    }
}
