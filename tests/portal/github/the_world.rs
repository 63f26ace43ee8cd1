//! The simulated GitHub itself: what breaks its contract is seen, and sign-in is no formality.

use std::collections::HashMap;

use base64::Engine as _;
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use serde_json::{Value, json};
use sha2::Digest as _;
use url::Url;

use super::*;

const CALLBACK: &str = "https://portal.example/auth/github/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.user_agent("tests").no_proxy().build().expect("a client")
}

async fn call(bench: &Bench, method: reqwest::Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let url = format!("{}{path}", bench.world.api_url().as_str().trim_end_matches('/'));
    let mut request = http().request(method, url).bearer_auth(&bench.token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.expect("an answer");
    (response.status(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn what_breaks_githubs_description_is_seen() {
    let bench = bench();
    let post = reqwest::Method::POST;
    let (status, _) = call(&bench, reqwest::Method::GET, "/repos/acme/shop/nonsense/x", None).await;
    assert_eq!(status, 404);
    let (status, body) = call(&bench, post.clone(), "/orgs/acme/repos", Some(json!({ "nome": "shop" }))).await;
    assert_eq!((status.as_u16(), body["status"].as_str()), (422, Some("422")));
    let (status, _) = call(&bench, post, "/orgs/acme/repos", Some(json!({ "name": "a", "auto_unit": true }))).await;
    assert_eq!(status, 201);
    call(&bench, reqwest::Method::GET, "/orgs/acme/repos?per_pages=3", None).await;
    let seen = bench.world.violations().join("\n");
    for part in ["nonsense", "\"name\" is a required property", "nome", "auto_unit", "per_pages"] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
}

#[tokio::test]
async fn a_call_without_a_user_agent_or_with_a_broken_body_is_refused() {
    let bench = bench();
    let bare = reqwest::Client::builder().no_proxy().build().expect("a client");
    let response = bare.get(bench.world.api_url()).send().await.expect("an answer");
    assert_eq!(response.status(), 403);
    let url = format!("{}user/repos", bench.world.api_url());
    let response = http().post(url).bearer_auth(&bench.token).body("{").send().await.expect("an answer");
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn private_repositories_are_hidden_from_nobody_in_particular() {
    let bench = bench();
    bench.world.seed_repo("acme", "shop", "private", &[]);
    bench.world.seed_repo("acme", "open", "public", &[]);
    let get = |name: &str| http().get(format!("{}repos/acme/{name}", bench.world.api_url())).send();
    assert_eq!(get("shop").await.expect("an answer").status(), 404);
    let open = get("open").await.expect("an answer");
    assert_eq!((open.status().as_u16(), open.headers()["x-ratelimit-limit"].as_bytes()), (200, b"60".as_slice()));
}

// ---- sign-in -----------------------------------------------------------------------------------

fn sign_in_bench() -> Bench {
    let bench = bench();
    bench.world.add_oauth_app("client", "secret", CALLBACK);
    bench.world.sign_in_as("ada");
    bench
}

fn challenge() -> String {
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(VERIFIER))
}

/// Sends the browser to GitHub and tells what it brings back.
async fn authorize(bench: &Bench, more: &[(&str, &str)]) -> HashMap<String, String> {
    let mut url = bench.world.web_url().join("/login/oauth/authorize").expect("an address");
    let challenge = challenge();
    let usual = [
        ("client_id", "client"),
        ("state", "s1"),
        ("scope", "read:user read:org user:email"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    url.query_pairs_mut().extend_pairs(usual).extend_pairs(more);
    let response = http().get(url).send().await.expect("an answer");
    let Some(to) = response.headers().get(LOCATION) else { return HashMap::new() };
    let to = Url::parse(to.to_str().expect("text")).expect("an address");
    let mut brought: HashMap<String, String> = to.query_pairs().into_owned().collect();
    brought.insert("at".to_owned(), format!("{}{}", to.host_str().unwrap_or_default(), to.path()));
    brought
}

async fn exchange(bench: &Bench, form: &[(&str, &str)]) -> Value {
    let url = bench.world.web_url().join("/login/oauth/access_token").expect("an address");
    let request = http().post(url).header("accept", "application/json").form(form);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.json().await.expect("JSON")
}

fn form<'a>(code: &'a str, secret: &'a str, verifier: &'a str) -> [(&'a str, &'a str); 4] {
    [("client_id", "client"), ("client_secret", secret), ("code", code), ("code_verifier", verifier)]
}

#[tokio::test]
async fn a_person_signs_in_and_the_token_shows_who_it_is() {
    let bench = sign_in_bench();
    bench.world.add_team("acme", "platform", &["ada"]);
    bench.world.add_email("ada", "ada@home.example", true, false);
    let brought = authorize(&bench, &[("redirect_uri", CALLBACK)]).await;
    assert_eq!((brought["state"].as_str(), brought["at"].as_str()), ("s1", "portal.example/auth/github/callback"));
    let granted = exchange(&bench, &form(&brought["code"], "secret", VERIFIER)).await;
    assert_eq!(
        (&granted["token_type"], &granted["scope"]),
        (&json!("bearer"), &json!("read:org,read:user,user:email"))
    );
    let token = granted["access_token"].as_str().expect("a token");
    let get = async |path: &str| -> Value {
        let url = format!("{}{path}", bench.world.api_url());
        http().get(url).bearer_auth(token).send().await.expect("an answer").json().await.expect("JSON")
    };
    assert_eq!(get("user").await["login"], "ada");
    assert_eq!(get("user").await["id"], bench.world.user_id("ada"));
    let emails = get("user/emails").await;
    assert_eq!((&emails[0]["primary"], &emails[0]["verified"]), (&json!(false), &json!(true)));
    assert_eq!((&emails[1]["primary"], &emails[1]["verified"]), (&json!(true), &json!(false)));
    assert_eq!(get("user/orgs").await[0]["login"], "acme");
    assert_eq!(get("user/teams").await[0]["slug"], "platform");
    assert_eq!(get("orgs/acme/members").await[1]["login"], "bob");
    bench.world.remove_member("acme", "ada");
    assert_eq!((get("user/orgs").await, get("user/teams").await), (json!([]), json!([])));
    bench.world.assert_kept_contract();
}

#[tokio::test]
async fn a_code_is_good_once_and_not_for_long() {
    let bench = sign_in_bench();
    let code = authorize(&bench, &[]).await["code"].clone();
    assert!(exchange(&bench, &form(&code, "secret", VERIFIER)).await["access_token"].is_string());
    assert_eq!(exchange(&bench, &form(&code, "secret", VERIFIER)).await["error"], "bad_verification_code");
    let code = authorize(&bench, &[]).await["code"].clone();
    bench.world.expire_codes();
    assert_eq!(exchange(&bench, &form(&code, "secret", VERIFIER)).await["error"], "bad_verification_code");
}

#[tokio::test]
async fn a_wrong_secret_a_wrong_verifier_and_a_wrong_address_are_refused() {
    let bench = sign_in_bench();
    let code = authorize(&bench, &[]).await["code"].clone();
    assert_eq!(exchange(&bench, &form(&code, "guess", VERIFIER)).await["error"], "incorrect_client_credentials");
    assert_eq!(exchange(&bench, &form(&code, "secret", "guess")).await["error"], "bad_verification_code");
    let elsewhere = authorize(&bench, &[("redirect_uri", "https://evil.example/callback")]).await;
    assert_eq!(
        (elsewhere["error"].as_str(), elsewhere["at"].as_str()),
        ("redirect_uri_mismatch", "portal.example/auth/github/callback")
    );
    let beside = authorize(&bench, &[("redirect_uri", "https://portal.example/auth/github/callbacks")]).await;
    assert_eq!(beside["error"], "redirect_uri_mismatch");
}

#[tokio::test]
async fn a_person_can_refuse() {
    let bench = sign_in_bench();
    bench.world.refuse_next_sign_in();
    assert_eq!(authorize(&bench, &[]).await["error"], "access_denied");
    assert!(authorize(&bench, &[]).await.contains_key("code"));
}

#[tokio::test]
async fn a_token_without_scopes_shows_little() {
    let bench = bench();
    let token = bench.world.token("ada", &[]);
    let status = async |path: &str| {
        let url = format!("{}{path}", bench.world.api_url());
        http().get(url).bearer_auth(&token).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("user").await, 200);
    assert_eq!((status("user/emails").await, status("user/orgs").await, status("user/teams").await), (404, 403, 403));
}
