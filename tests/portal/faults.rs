//! The portal when its surroundings fail: a database that goes away, a process that is killed.

use std::time::Duration;

use serde_json::json;

use crate::support::process::{Process, data_dir, free_port, stop_postgres};
use crate::support::{Person, Portal, database};

#[tokio::test]
async fn a_database_that_is_away_is_explained_and_comes_back_by_itself() {
    let dir = data_dir();
    let data = dir.path().join("portal");
    let port = free_port();
    let portal = Process::start(&data, port, &[("SLIPWAY_EXAMPLE", "1")]);
    let mara = Person::sign_in(&portal.base, "mara").await.tokened(&["*"]).await;
    let pid = std::fs::read_to_string(data.join("postgres/data/postmaster.pid")).expect("a pid");
    let pid: i32 = pid.lines().next().expect("a line").trim().parse().expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    // Stopped, the database takes connections and answers nothing: the worst way of being away.
    rustix::process::kill_process(pid, rustix::process::Signal::QUIT).expect("it is ended");
    let mut refused = 0;
    for _ in 0..10 {
        let sent = mara.request(reqwest::Method::GET, "/api/v1/entities").send().await;
        assert!(sent.is_ok(), "{sent:?}\n{}", portal.log_tail());
        let answer = mara.get("/api/v1/entities").await;
        if answer.status == 503 {
            refused += 1;
            assert!(answer.says("database is not answering"), "{}", answer.text);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(refused > 0, "it was away");
    let health = mara.get("/healthz").await;
    assert_eq!(health.status, 200, "the portal itself lives");
    portal.kill();
    // A start finds the cluster crashed and recovers it.
    let again = Process::start(&data, port, &[("SLIPWAY_EXAMPLE", "1")]);
    mara.get("/api/v1/entities").await.is(200);
    again.stop();
    stop_postgres(dir.path());
}

#[tokio::test]
async fn a_run_of_a_killed_process_goes_on_elsewhere_within_twenty_seconds() {
    // Two replicas over one database, as an installation with DATABASE_URL has them.
    let url = database::fresh().await;
    let dir = data_dir();
    let port = free_port();
    let data = dir.path().join("portal");
    let vars = |crash: &'static str| {
        vec![("DATABASE_URL", url.clone()), ("SLIPWAY_EXAMPLE", "1".to_owned()), ("SLIPWAY_CRASH_AT", crash.to_owned())]
    };
    let start = |crash: &'static str| {
        let vars = vars(crash);
        let vars: Vec<(&str, &str)> = vars.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Process::start(&data, port, &vars)
    };
    let mut first = start("after call:publish:commit");
    let mara = Person::sign_in(&first.base, "mara").await.tokened(&["*"]).await;
    for _ in 0..200 {
        if mara.get("/api/v1/templates/default/rust-http-service").await.status.is_success() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let values = json!({ "values": {
        "name": "eta", "description": "About arrival.", "owner": "group:default/tracking", "tier": "3",
        "repoUrl": "github.com?owner=tidepost&repo=eta", "port": 8080, "replicas": 1, "personalData": false,
    } });
    let created = mara.post_json("/api/v1/templates/default/rust-http-service/requests", &values).await.is(201).json();
    let run = created["run_id"].as_str().expect("a run").to_owned();
    assert!(first.ends_within(Duration::from_secs(20)), "{}", first.log_tail());
    let died = std::time::Instant::now();
    let second = start("");
    let elsewhere = Person::sign_in(&second.base, "mara").await;
    loop {
        let body = elsewhere.get(&format!("/api/v1/runs/{run}")).await.is(200).json();
        if body["state"] == "succeeded" {
            break;
        }
        assert!(died.elapsed() < Duration::from_secs(22), "{body:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("a killed run went on after {:.1} s", died.elapsed().as_secs_f64());
    second.stop();
    database::drop_later(&url);
}

#[tokio::test]
async fn two_portals_never_share_a_data_folder() {
    let dir = data_dir();
    let data = dir.path().join("portal");
    let first = Process::start(&data, free_port(), &[]);
    let mut second = Process::start(&data, free_port(), &[]);
    assert!(second.ends_within(Duration::from_secs(10)), "the second gives up");
    assert!(second.log_tail().is_empty() || !second.log_tail().contains("panicked"));
    first.stop();
}

#[tokio::test]
async fn a_panic_in_a_page_is_our_mistake_and_not_the_end() {
    let portal = Portal::start().await;
    let mara = portal.person("mara").await;
    // Nothing that people send makes a page panic: odd addresses end in words.
    for path in [
        "/catalog/%00/%00/%00",
        "/catalog?after=AAAA",
        "/requests/not-a-uuid",
        "/catalog?q=%F0%9F%92%A9",
        "/git/..%2f..%2fetc/passwd",
        "/scaffolder/templates/default/%2e%2e",
    ] {
        let status = mara.get(path).await.status.as_u16();
        assert!(status < 500, "{path}: {status}");
    }
}
