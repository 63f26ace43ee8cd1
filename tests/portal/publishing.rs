//! From the golden path to a repository on GitHub: the real adapter against the simulated GitHub, with
//! everything that goes wrong on the way. Journey 3 of the product.

use serde_json::{Value, json};

use crate::support::portal::Settings;
use crate::support::{Person, Portal};
use crate::world::github::{Fault, GitHubWorld, Match, Plan, Role};

const TEMPLATE: &str = "/api/v1/templates/default/rust-http-service";

struct Stage {
    world: GitHubWorld,
    portal: Portal,
    mara: Person,
    token: String,
}

async fn stage() -> Stage {
    let world = tokio::task::spawn_blocking(GitHubWorld::start).await.expect("a world");
    world.add_org("tidepost");
    world.add_user("robot");
    world.add_member("tidepost", "robot", Role::Owner);
    world.add_team("tidepost", "tracking", &["robot"]);
    let token = world.token("robot", &["repo", "read:org", "workflow", "delete_repo"]);
    let vars = vec![
        ("SLIPWAY_GITHUB_URL", world.web_url().to_string()),
        ("SLIPWAY_GITHUB_API_URL", world.api_url().to_string()),
        ("SLIPWAY_GITHUB_ORG", "tidepost".to_owned()),
        ("SLIPWAY_GITHUB_TOKEN", token.clone()),
        ("SLIPWAY_GITHUB_WEBHOOK_SECRET", "a shared word".to_owned()),
    ];
    let portal = Portal::with(Settings { vars, ..Settings::default() }).await;
    portal.lay().await;
    let mara = portal.person("mara").await;
    Stage { world, portal, mara, token }
}

impl Stage {
    fn values(&self, name: &str) -> Value {
        let web = self.world.web_url();
        let host = format!("{}:{}", web.host_str().expect("a host"), web.port().expect("a port"));
        json!({ "values": {
            "name": name, "description": "Tells receivers when their parcel arrives.", "owner": "group:default/tracking", "tier": "2",
            "repoUrl": format!("{host}?owner=tidepost&repo={name}"), "port": 8080, "replicas": 2, "personalData": true,
        } })
    }

    async fn create(&self, name: &str) -> String {
        let created = self.mara.post_json(&format!("{TEMPLATE}/requests"), &self.values(name)).await.is(201).json();
        assert_eq!(created["decision"], "allow", "{created}");
        created["run_id"].as_str().expect("a run").to_owned()
    }

    async fn run(&self, id: &str) -> Value {
        self.mara.get(&format!("/api/v1/runs/{id}")).await.is(200).json()
    }

    async fn finish(&self, id: &str) -> Value {
        self.portal.skip_waits().await;
        self.run(id).await
    }
}

#[tokio::test]
async fn a_service_is_published_whole_and_comes_into_the_catalog() {
    let stage = stage().await;
    let plan = stage.mara.post_json(&format!("{TEMPLATE}/plan"), &stage.values("eta")).await.is(200).json();
    assert!(stage.world.repo("tidepost", "eta").is_none(), "a plan makes nothing");
    let id = stage.create("eta").await;
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    let repository = stage.world.repo("tidepost", "eta").expect("a repository");
    let planned: Vec<String> = plan["plan"]["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|f| f["path"].as_str().expect("a path").to_owned())
        .collect();
    let made: Vec<String> = repository.files.keys().cloned().collect();
    assert_eq!(made, planned, "what was made is what the plan showed");
    for (path, content) in plan["contents"].as_object().expect("contents") {
        assert_eq!(String::from_utf8_lossy(&repository.files[path].0), content.as_str().expect("text"), "{path}");
    }
    assert_eq!(repository.files["bin/dev"].1, "100755", "executable bits survive");
    assert_eq!(repository.homepage, "", "the mark is taken away");
    assert!(repository.topics.contains(&"golden-path".to_owned()));
    assert!(!repository.protection.is_empty(), "main is protected");
    stage.mara.get("/api/v1/entities/component/default/eta").await.is(200);
    let page = stage.mara.get(&format!("/requests/runs/{id}")).await.is(200);
    assert!(page.says("Succeeded") && page.says("/catalog/component/default/eta"));
    stage.world.assert_kept_contract();
}

#[tokio::test]
async fn a_push_is_read_when_github_tells_of_it() {
    let stage = stage().await;
    let id = stage.create("theta").await;
    assert_eq!(stage.finish(&id).await["state"], "succeeded");
    let description = async || {
        let entity = stage.mara.get("/api/v1/entities/component/default/theta").await.is(200).json();
        entity["entity"]["metadata"]["description"].as_str().unwrap_or_default().to_owned()
    };
    let written = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: theta, description: Anew. }\nspec: { type: service, lifecycle: production, owner: tracking }\n";
    stage.world.push("tidepost", "theta", "main", "Anew", &[("catalog-info.yaml", written.as_bytes(), "100644")]);
    stage.portal.run_jobs().await;
    assert_ne!(description().await, "Anew.", "it is not due yet");
    let told = json!({ "ref": "refs/heads/main", "repository": { "full_name": "tidepost/theta" } });
    assert_eq!(stage.portal.webhook("push", &told, "a shared word").await, 200);
    stage.portal.run_jobs().await;
    assert_eq!(description().await, "Anew.");
}

#[tokio::test]
async fn a_taken_name_is_said_in_the_plan_and_nothing_is_made() {
    let stage = stage().await;
    stage.world.seed_repo("tidepost", "eta", "private", &[]);
    let plan = stage.mara.post_json(&format!("{TEMPLATE}/plan"), &stage.values("eta")).await.is(200).json();
    assert!(plan["blocker"].as_str().expect("a blocker").contains("exists already"), "{plan:#}");
    stage.mara.post_json(&format!("{TEMPLATE}/requests"), &stage.values("eta")).await.is(409);
}

#[tokio::test]
async fn a_name_taken_after_the_plan_fails_in_plain_words() {
    let stage = stage().await;
    let id = stage.create("eta").await;
    stage.world.seed_repo("tidepost", "eta", "private", &[]);
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "failed");
    assert!(run["outcome"].as_str().expect("words").contains("exists already"), "{run:#}");
    assert!(run["effects"].as_array().expect("effects").iter().all(|e| e["state"] != "made"));
}

#[tokio::test]
async fn a_revoked_token_fails_plainly_and_a_retry_finishes_without_a_duplicate() {
    let stage = stage().await;
    let id = stage.create("eta").await;
    stage.world.fail_next(
        Match::prefix("PUT", "/repos/tidepost/eta/topics"),
        Fault::status(401, r#"{"message":"Bad credentials"}"#),
    );
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "failed", "{run:#}");
    assert!(run["outcome"].as_str().expect("words").contains("credentials"), "{run:#}");
    assert!(stage.world.repo("tidepost", "eta").is_some(), "what was made stands and is listed");
    let page = stage.mara.get(&format!("/requests/runs/{id}")).await.is(200);
    assert!(page.says("Repository tidepost/eta") && page.says("Retry from the failed step") && page.says("Roll back"));
    stage.mara.post(&format!("/requests/runs/{id}/retry"), &[]).await.is(303);
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    assert_eq!(stage.world.count("POST", "/orgs/tidepost/repos"), 1, "one repository was asked for, once");
    stage.world.assert_kept_contract();
}

#[tokio::test]
async fn a_rolled_back_run_leaves_nothing_behind() {
    let stage = stage().await;
    let id = stage.create("eta").await;
    stage.world.fail_next(
        Match::prefix("PUT", "/repos/tidepost/eta/topics"),
        Fault::status(401, r#"{"message":"Bad credentials"}"#),
    );
    stage.finish(&id).await;
    stage.mara.post(&format!("/requests/runs/{id}/roll-back"), &[]).await.is(303);
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "rolled_back", "{run:#}");
    assert!(stage.world.repo("tidepost", "eta").is_none());
    let request = stage
        .mara
        .get(&format!("/api/v1/requests/{}", run["request_id"].as_str().expect("an id")))
        .await
        .is(200)
        .json();
    assert_eq!(request["state"], "cancelled");
}

#[tokio::test]
async fn rate_limits_are_waited_for_with_and_without_a_word_how_long() {
    let stage = stage().await;
    let id = stage.create("eta").await;
    stage.world.fail_next(
        Match::prefix("POST", "/orgs/tidepost/repos"),
        Fault::SecondaryLimit { code: 403, retry_after: None },
    );
    stage.world.fail_next(
        Match::prefix("POST", "/repos/tidepost/eta/git/trees"),
        Fault::SecondaryLimit { code: 429, retry_after: Some(7) },
    );
    stage.portal.run_jobs().await;
    let run = stage.run(&id).await;
    assert_eq!(run["state"], "parked", "it waits and holds no worker: {run:#}");
    let page = stage.mara.get(&format!("/requests/runs/{id}")).await.is(200);
    assert!(page.says("goes on by itself"), "{}", page.text);
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    assert_eq!(stage.world.faults_left(), 0, "both limits were met");
    assert_eq!(stage.world.count("POST", "/orgs/tidepost/repos"), 2, "refused once, made once");
}

#[tokio::test]
async fn protection_that_a_plan_does_not_offer_is_a_warning() {
    let stage = stage().await;
    stage.world.set_plan("tidepost", Plan::Free);
    let id = stage.create("eta").await;
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    let log = stage.mara.get(&format!("/api/v1/runs/{id}/log")).await.is(200);
    assert!(log.says("protection was not set"), "{}", log.text);
}

#[tokio::test]
async fn a_lost_answer_to_any_call_of_a_publication_doubles_nothing() {
    // The calls that change something, as a publication makes them.
    let calls = [
        ("POST", "/orgs/tidepost/repos$"),
        ("POST", "/git/trees$"),
        ("POST", "/git/commits$"),
        ("PATCH", "/git/refs/heads/main$"),
        ("PUT", "/topics$"),
        ("PUT", "/orgs/tidepost/teams/tracking/repos/"),
        ("PUT", "/protection$"),
        ("PATCH", "/repos/tidepost/[a-z0-9-]+$"),
    ];
    let stage = stage().await;
    for (number, (method, pattern)) in calls.into_iter().enumerate() {
        for (word, fault) in [("after", Fault::DropAfter), ("before", Fault::DropBefore)] {
            let name = format!("eta-{number}-{word}");
            let before = stage.world.count("POST", "/orgs/tidepost/repos");
            stage.world.fail_next(Match::regex(method, pattern), fault);
            let id = stage.create(&name).await;
            let run = stage.finish(&id).await;
            assert_eq!(run["state"], "succeeded", "{method} {pattern} {word}: {run:#}");
            let repository = stage.world.repo("tidepost", &name).expect("a repository");
            assert!(repository.files.contains_key("catalog-info.yaml"), "{method} {pattern} {word}");
            let made = stage.world.count("POST", "/orgs/tidepost/repos") - before;
            let most = if pattern.starts_with("/orgs/tidepost/repos") && word == "before" { 2 } else { 1 };
            assert!(made <= most, "{method} {pattern} {word}: {made} repositories were asked for");
        }
    }
    stage.world.assert_kept_contract();
}

#[tokio::test]
async fn a_cancelled_publication_is_taken_away() {
    let stage = stage().await;
    let id = stage.create("eta").await;
    stage.world.fail_next(
        Match::prefix("PUT", "/repos/tidepost/eta/topics"),
        Fault::SecondaryLimit { code: 403, retry_after: Some(600) },
    );
    stage.portal.run_jobs().await;
    assert_eq!(stage.run(&id).await["state"], "parked");
    stage.mara.post(&format!("/requests/runs/{id}/cancel"), &[]).await.is(303);
    stage.portal.run_jobs().await;
    let run = stage.run(&id).await;
    assert_eq!(run["state"], "cancelled", "{run:#}");
    assert!(stage.world.repo("tidepost", "eta").is_none());
}

#[tokio::test]
async fn a_repository_that_cannot_be_deleted_is_a_leftover_by_name() {
    let stage = stage().await;
    let id = stage.create("eta").await;
    stage.world.fail_next(
        Match::prefix("PUT", "/repos/tidepost/eta/topics"),
        Fault::status(401, r#"{"message":"Bad credentials"}"#),
    );
    stage.finish(&id).await;
    stage.world.revoke_token(&stage.token);
    stage.mara.post(&format!("/requests/runs/{id}/roll-back"), &[]).await.is(303);
    let run = stage.finish(&id).await;
    assert_eq!(run["state"], "rolled_back", "{run:#}");
    let page = stage.mara.get(&format!("/requests/runs/{id}")).await.is(200);
    assert!(page.says("Leftovers") && page.says("Repository tidepost/eta"), "{}", page.text);
}

#[tokio::test]
async fn somebody_elses_team_is_asked_first() {
    let portal = Portal::start().await;
    portal.lay().await;
    let (mara, tomas) = (portal.person("mara").await, portal.person("tomas").await);
    let values = json!({ "values": {
        "name": "locker-map", "description": "Where lockers are.", "owner": "group:default/last-mile", "tier": "3",
        "repoUrl": "github.com?owner=tidepost&repo=locker-map", "port": 8080, "replicas": 1, "personalData": false,
    }, "reason": "We need it for the app." });
    let created = mara.post_json(&format!("{TEMPLATE}/requests"), &values).await.is(201).json();
    assert_eq!(created["decision"], "require", "{created}");
    let id = created["request_id"].as_str().expect("an id").to_owned();
    let own = mara.post_json(&format!("/api/v1/requests/{id}/answer"), &json!({ "verdict": "approve" })).await;
    assert_eq!(own.status, 403, "{}", own.text);
    let inbox = tomas.get("/requests").await.is(200);
    assert!(inbox.says("Create locker-map") && inbox.says("We need it for the app."), "{}", inbox.text);
    tomas.post(&format!("/requests/{id}/answer"), &[("verdict", "approve")]).await.is(303);
    portal.run_jobs().await;
    let request = mara.get(&format!("/api/v1/requests/{id}")).await.is(200).json();
    assert_eq!(request["state"], "fulfilled", "{request:#}");
    mara.get("/api/v1/entities/component/default/locker-map").await.is(200);
}

#[tokio::test]
async fn a_template_that_changed_after_the_plan_makes_nothing() {
    let portal = Portal::start().await;
    portal.lay().await;
    let mara = portal.person("mara").await;
    let values = json!({ "values": {
        "name": "eta", "description": "About arrival.", "owner": "group:default/tracking", "tier": "3",
        "repoUrl": "github.com?owner=tidepost&repo=eta", "port": 8080, "replicas": 1, "personalData": false,
    } });
    let created = mara.post_json(&format!("{TEMPLATE}/requests"), &values).await.is(201).json();
    sqlx::query("update catalog_entity set etag = 'changed' where kind = 'template'")
        .execute(portal.db())
        .await
        .expect("changed");
    portal.run_jobs().await;
    let run = mara.get(&format!("/api/v1/runs/{}", created["run_id"].as_str().expect("a run"))).await.is(200).json();
    assert_eq!(run["state"], "failed");
    assert!(run["outcome"].as_str().expect("words").contains("changed since you saw its plan"), "{run:#}");
    let stale = json!({ "values": values["values"], "plan_hash": "of yesterday" });
    mara.post_json(&format!("{TEMPLATE}/requests"), &stale).await.is(409);
}

#[tokio::test]
async fn wrong_answers_come_back_by_field() {
    let portal = Portal::start().await;
    portal.lay().await;
    let mara = portal.person("mara").await;
    let values = json!({ "values": { "name": "Bad Name", "port": 80 } });
    let answer = mara.post_json(&format!("{TEMPLATE}/plan"), &values).await.is(422).json();
    let fields: Vec<&str> =
        answer["errors"].as_array().expect("errors").iter().filter_map(|e| e["field"].as_str()).collect();
    for field in ["name", "owner", "port"] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
}
