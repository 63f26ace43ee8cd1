//! Running the portal: its settings, its health, its metrics, its API's document.

use std::collections::BTreeMap;

use slipway::engine::config::{Config, SignIn};

use crate::support::Portal;

fn read(vars: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let vars: BTreeMap<String, String> = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::from_vars(&vars)
        .map(|(c, _)| c)
        .map_err(|m| m.into_iter().map(|m| format!("{} {}", m.name, m.message)).collect())
}

#[test]
fn all_mistakes_in_the_settings_are_told_at_once() {
    let mistakes = read(&[
        ("SLIPWAY_LISTEN", "nowhere"),
        ("SLIPWAY_BASE_URL", "ftp://x"),
        ("SLIPWAY_GITHUB_CLIENT_ID", "only the id"),
        ("SLIPWAY_GITHUB_APP_ID", "seven"),
        ("DATABASE_URL", "mysql://x"),
        ("SLIPWAY_KEY", "short"),
        ("SLIPWAY_DEMO", "perhaps"),
        ("SLIPWAY_LOG_FORMAT", "xml"),
    ])
    .expect_err("there are mistakes");
    for name in [
        "SLIPWAY_LISTEN",
        "SLIPWAY_BASE_URL",
        "SLIPWAY_GITHUB_CLIENT_SECRET",
        "SLIPWAY_GITHUB_APP_ID",
        "DATABASE_URL",
        "SLIPWAY_KEY",
        "SLIPWAY_DEMO",
        "SLIPWAY_LOG_FORMAT",
    ] {
        assert!(mistakes.iter().any(|m| m.starts_with(name)), "{name} in {mistakes:#?}");
    }
}

#[test]
fn nobody_gets_in_by_accident() {
    let local = read(&[]).expect("good");
    assert_eq!(local.sign_in(), SignIn::Demo);
    assert!(read(&[("SLIPWAY_LISTEN", "0.0.0.0:8080")]).is_err(), "open to the network without sign-in");
    let demo = read(&[("SLIPWAY_LISTEN", "0.0.0.0:8080"), ("SLIPWAY_DEMO", "1")]).expect("asked for");
    assert_eq!(demo.sign_in(), SignIn::Demo);
    let github =
        read(&[("SLIPWAY_GITHUB_CLIENT_ID", "a"), ("SLIPWAY_GITHUB_CLIENT_SECRET", "b"), ("SLIPWAY_DEMO", "1")])
            .expect("good");
    assert_eq!(github.sign_in(), SignIn::GitHub, "GitHub closes the demo door");
}

#[test]
fn secrets_come_from_files_and_are_never_printed() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "ghp_very_secret\n").expect("written");
    let path = file.path().display().to_string();
    let config = read(&[("SLIPWAY_GITHUB_TOKEN_FILE", &path), ("SLIPWAY_GITHUB_ORG", "acme")]).expect("good");
    let shown = format!("{:?} {:?}", config, config.describe());
    assert!(!shown.contains("very_secret"), "{shown}");
    assert!(
        read(&[("SLIPWAY_GITHUB_TOKEN", "x"), ("SLIPWAY_GITHUB_TOKEN_FILE", &path), ("SLIPWAY_GITHUB_ORG", "acme")])
            .is_err()
    );
}

#[test]
fn check_ends_with_two_when_something_is_wrong() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_slipway"))
        .args(["check", "--format", "json"])
        .env_remove("DATABASE_URL")
        .env("SLIPWAY_LISTEN", "nowhere")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let body: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(body["good"], false);
}

#[tokio::test]
async fn health_readiness_and_metrics_need_no_sign_in() {
    let portal = Portal::start().await;
    let person = portal.stranger();
    person.get("/healthz").await.is(200);
    assert_eq!(person.get("/readyz").await.status, 503, "the workers of this portal are run by hand");
    person.get("/login").await.is(200);
    let metrics = person.get("/metrics").await.is(200);
    for name in ["slipway_http_request_duration_seconds", "slipway_catalog_sources"] {
        assert!(metrics.says(name), "{name}");
    }
}

#[tokio::test]
async fn the_api_describes_itself_and_every_path_of_the_document_answers() {
    let portal = Portal::start().await;
    let document = portal.stranger().get("/api/v1/openapi.json").await.is(200).json();
    assert!(document["openapi"].as_str().expect("a version").starts_with("3."));
    let mara = portal.person("mara").await;
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() >= 15, "{}", paths.len());
    for (path, operations) in paths {
        if operations.get("get").is_none() {
            continue;
        }
        let filled = path
            .replace("{id}", &uuid::Uuid::nil().to_string())
            .replace("{kind}", "component")
            .replace("{namespace}", "default")
            .replace("{name}", "nothing");
        let answer = mara.get(&format!("/api/v1{filled}")).await;
        assert!([200, 404].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
        if answer.status == 404 {
            assert_eq!(
                answer.json()["type"],
                "urn:slipway:problem:not-found",
                "{path}: a problem of ours, not a missing route"
            );
        }
    }
    let missing = mara.get("/api/v1/nothing").await.is(404);
    assert_eq!(missing.headers["content-type"], "application/problem+json");
    assert!(missing.json()["request_id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn static_files_are_kept_for_ever_under_their_hash() {
    let portal = Portal::start().await;
    let person = portal.stranger();
    let page = person.get("/login").await.is(200);
    let start = page.text.find("/static/base.").expect("a stylesheet");
    let path: String = page.text[start..].chars().take_while(|c| *c != '"').collect();
    let file = person.get(&path).await.is(200);
    assert!(file.headers["cache-control"].to_str().expect("text").contains("immutable"));
    person.get("/static/base.000000000000.css").await.is(404);
}

#[tokio::test]
async fn an_error_page_has_a_request_id_and_a_way_on() {
    let portal = Portal::start().await;
    let mara = portal.person("mara").await;
    let answer = mara.get("/catalog/component/default/nowhere").await.is(404);
    let id = answer.headers["x-request-id"].to_str().expect("text").to_owned();
    assert!(answer.says(&id) && answer.says("Search for nowhere"), "{}", answer.text);
    let large = mara
        .request(reqwest::Method::POST, "/login/tokens")
        .header("sec-fetch-site", "same-origin")
        .body("x=".to_owned() + &"y".repeat(2 << 20));
    let answer = mara.send(large.header("content-type", "application/x-www-form-urlencoded")).await.is(413);
    assert!(answer.says("1024 KB"), "{}", answer.text);
}
