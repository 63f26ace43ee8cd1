//! Sign-in by GitHub's OAuth application flow, with state and PKCE. The person's token is used to
//! ask who they are and to which teams they belong, then forgotten.

use std::time::Duration;

use async_trait::async_trait;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _, TokenUrl,
};
use serde::Deserialize;
use url::Url;

use super::{Pending, Person, SignInHost};
use crate::kernel::secret::Secret;
use crate::ports::PortError;
use crate::ports::http::Http;

/// So many pages of a person's teams and organizations are looked at, of a hundred each.
const MOST_PAGES: u32 = 10;
/// GitHub's most for one page (its docs, "Using pagination in the REST API").
const PAGE: usize = 100;
/// How long GitHub may take for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Signs people in with GitHub.
#[derive(Debug)]
pub struct GitHubSignIn {
    client: Client,
    api_url: Url,
    org: Option<String>,
    http: Http,
}

/// What it needs.
#[derive(Debug)]
pub struct Settings {
    /// GitHub's address.
    pub url: Url,
    /// Its API's address.
    pub api_url: Url,
    /// Our organization.
    pub org: Option<String>,
    /// The OAuth application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Where people come back.
    pub redirect: Url,
}

impl GitHubSignIn {
    /// From its settings.
    ///
    /// # Errors
    /// An address that cannot be built.
    pub fn new(settings: Settings, http: Http) -> Result<Self, PortError> {
        let at = |path: &str| {
            let mut url = settings.url.clone();
            url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
            url.to_string()
        };
        let wrong = |e: url::ParseError| PortError::Invalid { system: SYSTEM.to_owned(), why: e.to_string() };
        let client = BasicClient::new(ClientId::new(settings.client_id))
            .set_client_secret(ClientSecret::new(settings.client_secret.expose().to_owned()))
            // GitHub reads id and secret from the body (its docs, "Authorizing OAuth apps", step 2).
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(at("/login/oauth/authorize")).map_err(wrong)?)
            .set_token_uri(TokenUrl::new(at("/login/oauth/access_token")).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(settings.redirect.to_string()).map_err(wrong)?);
        Ok(Self { client, api_url: settings.api_url, org: settings.org, http })
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, token: &Secret, path: &str) -> Result<T, PortError> {
        let url = format!("{}{path}", self.api_url.as_str().trim_end_matches('/'));
        let request = self
            .http
            .trusted(reqwest::Method::GET, &url, ANSWER_LIMIT)
            .bearer_auth(token.expose())
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        let response = request
            .send()
            .await
            .map_err(|e| PortError::Unavailable { system: SYSTEM.to_owned(), why: e.to_string() })?;
        let status = response.status();
        if !status.is_success() {
            let why = format!("{path} answered {status}");
            return Err(match status.as_u16() {
                401 => PortError::Unauthorized { system: SYSTEM.to_owned(), why },
                403 | 404 => PortError::Refused { system: SYSTEM.to_owned(), why },
                _ => PortError::Unavailable { system: SYSTEM.to_owned(), why },
            });
        }
        response.json().await.map_err(|e| PortError::Unavailable { system: SYSTEM.to_owned(), why: e.to_string() })
    }

    /// All pages of a list.
    async fn list<T: serde::de::DeserializeOwned>(&self, token: &Secret, path: &str) -> Result<Vec<T>, PortError> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let mut some: Vec<T> = self.ask(token, &format!("{path}?per_page={PAGE}&page={page}")).await?;
            let last = some.len() < PAGE;
            all.append(&mut some);
            if last {
                break;
            }
        }
        Ok(all)
    }

    /// Slugs of the person's teams in our organization, if they belong to it. Organizations are
    /// listed for those who accepted their invitation, and only once an owner has let the OAuth
    /// application in (its docs, "About OAuth app access restrictions").
    async fn teams(&self, token: &Secret) -> Result<Option<Vec<String>>, PortError> {
        let Some(org) = &self.org else { return Ok(Some(Vec::new())) };
        let ours = |o: &Organization| o.login.eq_ignore_ascii_case(org);
        let organizations: Vec<Organization> = self.list(token, "/user/orgs").await?;
        if !organizations.iter().any(ours) {
            return Ok(None);
        }
        let teams: Vec<Team> = self.list(token, "/user/teams").await?;
        let mut slugs: Vec<_> =
            teams.into_iter().filter(|t| ours(&t.organization)).map(|t| t.slug.to_lowercase()).collect();
        slugs.sort();
        slugs.dedup();
        Ok(Some(slugs))
    }
}

const SYSTEM: &str = "GitHub";

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Team {
    slug: String,
    organization: Organization,
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

#[async_trait]
impl SignInHost for GitHubSignIn {
    fn begin(&self) -> (Url, Pending) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = self.client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        for scope in ["read:user", "read:org"] {
            request = request.add_scope(Scope::new(scope.to_owned()));
        }
        let (url, state) = request.url();
        (url, Pending { state: state.secret().clone(), verifier: verifier.secret().clone() })
    }

    async fn finish(&self, code: &Secret, pending: &Pending) -> Result<Person, PortError> {
        let client = self.http.clone();
        let http = move |request| {
            let client = client.clone();
            async move { client.oauth(request, ANSWER_LIMIT).await }
        };
        let answer = self
            .client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
            .request_async(&http)
            .await;
        let token = answer.map_err(|e| match e {
            // GitHub answers 200 with `error` for a wrong or used code (its docs, "Troubleshooting OAuth app access token request errors").
            RequestTokenError::ServerResponse(answer) => {
                PortError::Unauthorized { system: SYSTEM.to_owned(), why: answer.to_string() }
            }
            RequestTokenError::Parse(..) => {
                PortError::Unauthorized { system: SYSTEM.to_owned(), why: "the code was not accepted".to_owned() }
            }
            other => PortError::Unavailable { system: SYSTEM.to_owned(), why: other.to_string() },
        })?;
        let token = Secret::new(token.access_token().secret().clone());
        let user: User = self.ask(&token, "/user").await?;
        let teams = self.teams(&token).await?;
        Ok(Person {
            is_member: teams.is_some(),
            id: user.id.to_string(),
            name: user.name.unwrap_or_else(|| user.login.clone()),
            login: user.login,
            email: user.email,
            teams: teams.unwrap_or_default(),
        })
    }
}
