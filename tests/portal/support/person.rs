//! Somebody who uses the portal over HTTP, in a browser or with a token.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// Somebody.
#[derive(Clone)]
pub struct Person {
    client: Client,
    base: String,
    cookie: Option<String>,
    token: Option<String>,
}

/// What came back.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Where it leads.
    pub location: Option<String>,
    /// The body.
    pub text: String,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.text))
    }

    /// Whether the page says something.
    pub fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    /// Fails unless the status is as wanted.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

impl Person {
    /// Nobody in particular.
    pub fn stranger(base: &str) -> Self {
        // No connection is kept: a portal that was killed and started again has the same address.
        let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0);
        let client = builder.build().expect("a client");
        Self { client, base: base.to_owned(), cookie: None, token: None }
    }

    /// A demo person who signs in.
    pub async fn sign_in(base: &str, login: &str) -> Self {
        let mut person = Self::stranger(base);
        let answer = person.post("/login/demo", &[("person", login)]).await.is(303);
        person.keep_cookie(&answer);
        assert!(person.cookie.is_some(), "signing in sets a cookie");
        person
    }

    /// Keeps the cookie that an answer sets.
    pub fn keep_cookie(&mut self, answer: &Answer) {
        if let Some(cookie) = answer.headers.get("set-cookie").and_then(|v| v.to_str().ok()) {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
    }

    /// The same with a bearer token in place of the session.
    pub fn with_token(&self, token: &str) -> Self {
        Self { cookie: None, token: Some(token.to_owned()), ..self.clone() }
    }

    /// Makes a token with scopes and uses it.
    pub async fn tokened(&self, scopes: &[&str]) -> Self {
        let body = serde_json::json!({ "name": "a test", "scopes": scopes });
        let made = self.post_json("/api/v1/tokens", &body).await.is(201).json();
        self.with_token(made["token"].as_str().expect("a token"))
    }

    /// A request with what identifies this person.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the portal answers");
        let location = response.headers().get("location").and_then(|v| v.to_str().ok()).map(str::to_owned);
        Answer {
            status: response.status(),
            location,
            headers: response.headers().clone(),
            text: response.text().await.expect("a body"),
        }
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a form, as a browser does from a page of the portal.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).header("sec-fetch-site", "same-origin").form(form)).await
    }

    /// Calls the API.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }
}
