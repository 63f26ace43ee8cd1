//! The service from outside: a real port, real requests.

use std::{
    error::Error,
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    process::{Command, Stdio},
};

use reqwest::StatusCode;
use serde_json::Value;
use service::{app, health::Health, metrics};
use tokio::net::TcpListener;

type TestResult = Result<(), Box<dyn Error>>;

/// A running service on a port that was free.
struct Service {
    address: String,
    health: Health,
}

impl Service {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let health = Health::default();
        let app = app(health.clone(), metrics::install()?);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, health })
    }

    async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        reqwest::get(format!("{}{path}", self.address)).await
    }
}

fn content_type(response: &reqwest::Response) -> Option<&str> {
    response.headers().get("content-type")?.to_str().ok()
}

#[tokio::test]
async fn the_index_says_who_answers() -> TestResult {
    let service = Service::start().await?;
    let response = service.get("/").await?;

    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().contains_key("x-request-id"));
    let body: Value = response.json().await?;
    assert_eq!(body["name"], env!("CARGO_PKG_NAME"));
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    Ok(())
}

#[tokio::test]
async fn a_greeting_greets() -> TestResult {
    let service = Service::start().await?;
    let response = service.get("/v1/greetings/Zo%C3%AB").await?;

    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await?;
    assert_eq!(body["message"], "Hello, Zoë.");
    Ok(())
}

#[tokio::test]
async fn a_mistake_is_answered_with_a_problem() -> TestResult {
    let service = Service::start().await?;
    let cases = [
        ("/v1/greetings/4711", StatusCode::UNPROCESSABLE_ENTITY),
        ("/v1/greetings/%FF", StatusCode::BAD_REQUEST),
        ("/nowhere", StatusCode::NOT_FOUND),
    ];
    for (path, status) in cases {
        let response = service.get(path).await?;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(content_type(&response), Some("application/problem+json"));
        let body: Value = response.json().await?;
        assert_eq!(body["status"], status.as_u16());
        assert!(body["detail"].is_string(), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() -> TestResult {
    let service = Service::start().await?;
    let response = reqwest::Client::new()
        .delete(&service.address)
        .send()
        .await?;

    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(response.headers().contains_key("allow"));
    assert_eq!(content_type(&response), Some("application/problem+json"));
    Ok(())
}

#[tokio::test]
async fn a_given_request_id_comes_back() -> TestResult {
    let service = Service::start().await?;
    let response = reqwest::Client::new()
        .get(&service.address)
        .header("x-request-id", "abc-123")
        .send()
        .await?;

    assert_eq!(response.headers()["x-request-id"], "abc-123");
    Ok(())
}

#[tokio::test]
async fn a_draining_copy_is_alive_but_not_ready() -> TestResult {
    let service = Service::start().await?;
    assert_eq!(service.get("/healthz").await?.status(), StatusCode::OK);
    assert_eq!(service.get("/readyz").await?.status(), StatusCode::OK);

    service.health.drain();

    assert_eq!(service.get("/healthz").await?.status(), StatusCode::OK);
    assert_eq!(
        service.get("/readyz").await?.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(service.get("/").await?.status(), StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn requests_are_measured_by_route_and_probes_are_not() -> TestResult {
    let service = Service::start().await?;
    service.get("/v1/greetings/Ada").await?;
    service.get("/wp-login.php").await?;
    service.get("/healthz").await?;

    let response = service.get("/metrics").await?;
    assert!(content_type(&response).is_some_and(|t| t.starts_with("text/plain")));
    let text = response.text().await?;

    let greeting = r#"http_requests_total{method="GET",route="/v1/greetings/{name}",status="200"}"#;
    assert!(text.contains(greeting), "{text}");
    let unmatched = r#"http_requests_total{method="GET",route="unmatched",status="404"}"#;
    assert!(text.contains(unmatched), "{text}");
    for absent in ["Ada", "wp-login", "healthz"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    Ok(())
}

/// An objective over a metric, a label or a bucket that is never exported stays silent for ever.
#[tokio::test]
async fn the_objectives_speak_of_what_is_exported() -> TestResult {
    let objectives = include_str!("../objectives.yaml");
    let service = Service::start().await?;
    service.get("/").await?;
    let exported = service.get("/metrics").await?.text().await?;

    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let metrics: Vec<&str> = objectives
        .split(|c| !is_word(c))
        .filter(|word| word.starts_with("http_"))
        .collect();
    assert!(!metrics.is_empty());
    for metric in metrics {
        assert!(
            exported.contains(&format!("\n{metric}{{")),
            "{metric} is not exported"
        );
    }

    let mut buckets = objectives.split("le=\"").skip(1).peekable();
    assert!(buckets.peek().is_some());
    for rest in buckets {
        let bound = rest.split('"').next().unwrap_or_default();
        assert!(
            exported.contains(&format!("le=\"{bound}\"")),
            "no bucket ends at {bound}"
        );
    }
    Ok(())
}

#[test]
fn the_api_description_lists_every_route() {
    let described = include_str!("../openapi.yaml");
    let sources = [
        include_str!("../src/routes.rs"),
        include_str!("../src/lib.rs"),
    ];
    let routes: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split(".route(\"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(routes.contains(&"/healthz"));
    for route in routes {
        assert!(
            described.contains(&format!("\n  {route}:\n")),
            "{route} is not in openapi.yaml"
        );
    }
}

/// The real program: it logs JSON, and SIGTERM ends it with success.
#[test]
fn sigterm_stops_the_program_gracefully() -> TestResult {
    let mut program = Command::new(env!("CARGO_BIN_EXE_server"))
        .envs([("PORT", "0"), ("LOG_LEVEL", "info")])
        .env_remove("SHUTDOWN_DRAIN_SECONDS")
        .stdout(Stdio::piped())
        .spawn()?;
    let output = program.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(output).lines();

    let first: Value = serde_json::from_str(&lines.next().ok_or("no log line")??)?;
    assert_eq!(first["message"], "listening");
    assert_eq!(first["level"], "INFO");

    let kill = Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", program.id())])
        .status()?;
    assert!(kill.success());

    let rest = lines.collect::<Result<Vec<_>, _>>()?;
    assert!(program.wait()?.success());
    let last: Value = serde_json::from_str(rest.last().ok_or("no last line")?)?;
    assert_eq!(last["message"], "stopped");
    Ok(())
}

#[test]
fn a_wrong_setting_stops_the_start_with_a_sentence() -> TestResult {
    let output = Command::new(env!("CARGO_BIN_EXE_server"))
        .env("PORT", "eighty")
        .output()?;

    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr)?;
    assert!(message.contains("PORT is \"eighty\""), "{message}");
    Ok(())
}
