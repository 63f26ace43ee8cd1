//! Sign-in with GitHub: the web application flow with PKCE (docs, "Authorizing OAuth apps";
//! changelog of 2025-07-14, "PKCE support for OAuth and GitHub App authentication"). There is no
//! page to click: the person whom the test chose agrees at once, or refuses if the test wants it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::Digest as _;
use url::Url;

use super::reply::Reply;
use super::state::{Grants, Holder, State, Token};

/// "The temporary code will expire after 10 minutes."
const CODE_LIFE: Duration = Duration::from_mins(10);

/// An OAuth app.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its secret.
    pub secret: String,
    /// Its callback URL.
    pub callback: String,
}

#[derive(Debug, Clone)]
struct Code {
    client: String,
    login: String,
    scopes: BTreeSet<String>,
    redirect_uri: Option<String>,
    challenge: Option<String>,
    made: Instant,
}

/// OAuth apps and what is under way.
#[derive(Debug, Default)]
pub struct OAuth {
    /// Apps by client id.
    pub clients: BTreeMap<String, Client>,
    /// Who is at the browser: lower-case login.
    pub person: Option<String>,
    /// Whether that person refuses the next request.
    pub refuses: bool,
    codes: HashMap<String, Code>,
}

impl OAuth {
    /// Lets all codes run out.
    pub fn expire_codes(&mut self) {
        self.codes.clear();
    }
}

type Pairs = Vec<(String, String)>;

fn get<'a>(pairs: &'a Pairs, key: &str) -> Option<&'a str> {
    pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
}

/// `GET /login/oauth/authorize`.
pub fn authorize(state: &mut State, query: &Pairs) -> Reply {
    let page = |status: u16, text: &str| {
        let mut reply = Reply::bytes("text/html; charset=utf-8", text.as_bytes().to_vec());
        reply.status = status;
        reply
    };
    let client_id = get(query, "client_id").unwrap_or_default();
    let Some(client) = state.oauth.clients.get(client_id).cloned() else {
        return page(404, "<h1>Not Found</h1>");
    };
    let wanted = get(query, "redirect_uri");
    // Docs, "Troubleshooting authorization request errors": errors go to the registered callback.
    let back = |target: &str, more: &[(&str, &str)]| {
        let mut url = Url::parse(target).expect("the callback is an address");
        url.query_pairs_mut().extend_pairs(more);
        if let Some(value) = get(query, "state") {
            url.query_pairs_mut().append_pair("state", value);
        }
        Reply::redirect(302, url.as_str())
    };
    if wanted.is_some_and(|w| !allowed(&client.callback, w)) {
        let why = "The redirect_uri MUST match the registered callback URL for this application.";
        return back(&client.callback, &[("error", "redirect_uri_mismatch"), ("error_description", why)]);
    }
    let target = wanted.unwrap_or(&client.callback).to_owned();
    let challenge = get(query, "code_challenge");
    if challenge.is_some() && get(query, "code_challenge_method") != Some("S256") {
        // "Only the S256 code challenge method is accepted." The name of the error is assumed.
        return back(&target, &[("error", "invalid_request"), ("error_description", "Only S256 is accepted")]);
    }
    if std::mem::take(&mut state.oauth.refuses) {
        let why = "The user has denied your application access.";
        return back(&target, &[("error", "access_denied"), ("error_description", why)]);
    }
    let suggested = get(query, "login").map(str::to_lowercase);
    let Some(login) = state.oauth.person.clone().or(suggested).filter(|l| state.users.contains_key(l)) else {
        return page(200, "<h1>Sign in to GitHub</h1>");
    };
    let scopes = get(query, "scope").unwrap_or_default();
    let code = uuid::Uuid::new_v4().simple().to_string()[..20].to_owned();
    let made = Code {
        client: client_id.to_owned(),
        login,
        scopes: scopes.split([' ', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        redirect_uri: wanted.map(str::to_owned),
        challenge: challenge.map(str::to_owned),
        made: Instant::now(),
    };
    state.oauth.codes.insert(code.clone(), made);
    back(&target, &[("code", &code)])
}

/// Docs, "Redirect URLs": host and port must match, the path must be below; on loopback addresses
/// the port may be another.
fn allowed(callback: &str, wanted: &str) -> bool {
    let (Ok(callback), Ok(wanted)) = (Url::parse(callback), Url::parse(wanted)) else { return false };
    let loopback = matches!(wanted.host_str(), Some("127.0.0.1" | "[::1]"));
    let below = {
        let base = callback.path().trim_end_matches('/');
        wanted.path().strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let host = match (callback.host_str(), wanted.host_str()) {
        (Some(a), Some(b)) => a == b || b.ends_with(&format!(".{a}")),
        _ => false,
    };
    let port = loopback || callback.port_or_known_default() == wanted.port_or_known_default();
    below && host && port && callback.scheme() == wanted.scheme()
}

/// `POST /login/oauth/access_token`. Errors come with status 200 (docs, "Troubleshooting OAuth app
/// access token request errors").
pub fn exchange(state: &mut State, kind: &str, body: &[u8], accept: &str) -> Reply {
    let pairs = pairs(kind, body);
    let answer = grant(state, &pairs).unwrap_or_else(|(error, description)| {
        json!({
            "error": error, "error_description": description,
            "error_uri": "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/",
        })
    });
    if accept.contains("application/json") {
        return Reply::json(200, &answer);
    }
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in answer.as_object().into_iter().flatten() {
        form.append_pair(key, value.as_str().unwrap_or_default());
    }
    Reply::bytes("application/x-www-form-urlencoded; charset=utf-8", form.finish().into_bytes())
}

fn pairs(kind: &str, body: &[u8]) -> Pairs {
    if kind.starts_with("application/json") {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let all = body.as_object().into_iter().flatten();
        return all.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
    }
    url::form_urlencoded::parse(body).into_owned().collect()
}

type Refusal = (&'static str, &'static str);

fn grant(state: &mut State, pairs: &Pairs) -> Result<Value, Refusal> {
    let bad_code = ("bad_verification_code", "The code passed is incorrect or expired.");
    let client_id = get(pairs, "client_id").unwrap_or_default();
    let client = state.oauth.clients.get(client_id);
    if client.is_none_or(|c| get(pairs, "client_secret") != Some(&c.secret)) {
        return Err(("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."));
    }
    // Taken out, whatever comes of it: a code is good for one attempt.
    let code = get(pairs, "code").and_then(|c| state.oauth.codes.remove(c)).ok_or(bad_code)?;
    if code.client != client_id || code.made.elapsed() > CODE_LIFE {
        return Err(bad_code);
    }
    if let Some(given) = get(pairs, "redirect_uri")
        && code.redirect_uri.as_deref().is_some_and(|asked| asked != given)
    {
        return Err((
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ));
    }
    // The words for a wrong verifier are assumed: no source was found.
    if let Some(challenge) = &code.challenge {
        let verifier = get(pairs, "code_verifier").unwrap_or_default();
        let hash = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier));
        if hash != *challenge {
            return Err(bad_code);
        }
    }
    let token = format!("gho_{}", uuid::Uuid::new_v4().simple());
    let scope = code.scopes.iter().cloned().collect::<Vec<_>>().join(",");
    let holder = Holder::Person { login: code.login, grants: Grants::Scopes(code.scopes) };
    state.tokens.insert(token.clone(), Token { holder, expires: None });
    Ok(json!({ "access_token": token, "token_type": "bearer", "scope": scope }))
}
