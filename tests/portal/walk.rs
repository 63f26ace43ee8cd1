//! The crash walk: a real process is killed at every commit and around every outside call of a
//! publication, one crash per walk. Each walk must end finished, nothing doubled, the books equal to
//! the outside world. A kind that comes later is put through the same walk.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Person;
use crate::support::process::{Process, data_dir, free_port, stop_postgres};

/// Steps of the golden path's run, and the outside effects of each.
const STEPS: [(&str, &[&str]); 5] = [
    ("check", &[]),
    ("step:fetch-base", &[]),
    (
        "step:publish",
        &[
            "publish:repository",
            "publish:commit",
            "publish:topics",
            "publish:access tracking",
            "publish:protection",
            "publish:about",
        ],
    ),
    ("step:register", &["register:source"]),
    ("output", &[]),
];

/// Every place where the process is killed, in the order in which a run comes by.
fn places() -> Vec<String> {
    let mut places = vec!["after claim:run".to_owned()];
    for (step, effects) in STEPS {
        places.push(format!("after begin:{step}"));
        for effect in effects {
            for point in ["after intend", "after call", "after settle"] {
                places.push(format!("{point}:{effect}"));
            }
        }
        places.push(format!("after step:{step}"));
        places.push(format!("after end:{step}"));
    }
    places.push("after finish:run".to_owned());
    places
}

fn values(name: &str) -> Value {
    json!({ "values": {
        "name": name, "description": "Tells receivers when their parcel arrives.", "owner": "group:default/tracking",
        "tier": "2", "repoUrl": format!("github.com?owner=tidepost&repo={name}"), "port": 8080, "replicas": 2, "personalData": false,
    } })
}

async fn until_ended(ines: &Person, run: &str, limit: Duration) -> Value {
    let deadline = Instant::now() + limit;
    loop {
        let answer = ines.get(&format!("/api/v1/runs/{run}")).await;
        if answer.status.is_success() {
            let body = answer.json();
            if ["succeeded", "failed", "cancelled", "rolled_back"].contains(&body["state"].as_str().unwrap_or_default())
            {
                return body;
            }
        }
        assert!(Instant::now() < deadline, "the run {run} has not ended within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn run_called(mara: &Person, title: &str) -> String {
    let runs = mara.get("/api/v1/runs?view=mine").await.is(200).json();
    let run = runs["items"].as_array().expect("runs").iter().find(|r| r["title"] == title).cloned();
    run.unwrap_or_else(|| panic!("no run {title} in {runs:#}"))["id"].as_str().expect("an id").to_owned()
}

/// Waits for the golden path to be in the catalog of a new portal.
async fn until_template(ines: &Person) {
    for _ in 0..200 {
        if ines.get("/api/v1/templates/default/rust-http-service").await.status.is_success() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the golden path does not come into the catalog");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_survives_a_kill_at_every_place() {
    let dir = data_dir();
    let data = dir.path().join("portal");
    let port = free_port();
    let example = [("SLIPWAY_EXAMPLE", "1")];
    let mut survived = 0;
    let mut first = Process::start(&data, port, &example);
    assert!(!first.ended(), "{}", first.log_tail());
    let mara = Person::sign_in(&first.base, "mara").await.tokened(&["*"]).await;
    until_template(&mara).await;
    first.kill();
    for (number, place) in places().into_iter().enumerate() {
        let name = format!("walk-{number}");
        let mut doomed = Process::start(&data, port, &[("SLIPWAY_EXAMPLE", "1"), ("SLIPWAY_CRASH_AT", &place)]);
        assert!(!doomed.ended(), "{place}: {}", doomed.log_tail());
        // The process may die before its answer arrives, so the run is found by its title afterwards.
        let path = "/api/v1/templates/default/rust-http-service/requests";
        let _answer = mara.request(reqwest::Method::POST, path).json(&values(&name)).send().await;
        assert!(doomed.ends_within(Duration::from_secs(20)), "{place} was never reached; {}", doomed.log_tail());
        drop(doomed);
        let mut again = Process::start(&data, port, &example);
        assert!(!again.ended(), "{place}: {}", again.log_tail());
        let run = run_called(&mara, &format!("Create {name}")).await;
        let started = Instant::now();
        let body = until_ended(&mara, &run, Duration::from_secs(25)).await;
        assert_eq!(body["state"], "succeeded", "{place}: {body:#}");
        assert!(started.elapsed() < Duration::from_secs(20), "{place}: it took {:?} to go on", started.elapsed());
        books_equal_world(&mara, &dir.path().join("portal/git/tidepost"), &name, &body, &place).await;
        again.kill();
        survived += 1;
    }
    stop_postgres(dir.path());
    println!("crash walk: {survived} kills survived");
}

/// One repository with one commit and no mark left, one source, every effect made once.
async fn books_equal_world(mara: &Person, repositories: &std::path::Path, name: &str, run: &Value, place: &str) {
    let effects = run["effects"].as_array().expect("effects");
    assert_eq!(effects.len(), 7, "{place}: {effects:#?}");
    assert!(effects.iter().all(|e| e["state"] == "made"), "{place}: {effects:#?}");
    let repository = repositories.join(format!("{name}.git"));
    let count = std::process::Command::new("git")
        .args(["-c", "safe.directory=*", "--git-dir"])
        .arg(&repository)
        .args(["rev-list", "--count", "--all"])
        .output()
        .expect("git");
    assert_eq!(String::from_utf8_lossy(&count.stdout).trim(), "1", "{place}: one commit");
    let metadata = std::fs::read_to_string(repository.join("slipway.json")).expect("metadata");
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    assert_eq!(metadata["homepage"], "", "{place}: the mark is taken away at the end");
    let entity = mara.get(&format!("/api/v1/entities/component/default/{name}")).await.is(200).json();
    assert_eq!(entity["entity"]["metadata"]["name"], name, "{place}");
    let leftovers: Vec<_> = std::fs::read_dir(repositories)
        .expect("repositories")
        .flatten()
        .filter(|e| !e.file_name().to_string_lossy().ends_with(".git"))
        .collect();
    assert!(leftovers.is_empty(), "{place}: half-made folders {leftovers:?}");
}
