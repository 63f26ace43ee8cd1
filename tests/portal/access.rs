//! Coming in, going out, and what each may do: sessions, tokens, GitHub's OAuth, other sites, other hosts.

use serde_json::json;

use crate::support::portal::Settings;
use crate::support::{Person, Portal};
use crate::world::github::{GitHubWorld, Role};

#[tokio::test]
async fn a_stranger_is_led_to_the_door_and_back_to_where_they_wanted() {
    let portal = Portal::start().await;
    let answer = portal.stranger().get("/catalog?kind=api").await.is(303);
    assert_eq!(answer.location.as_deref(), Some("/login?next=%2Fcatalog%3Fkind%3Dapi"));
    let door = portal.stranger().get("/login?next=%2Fcatalog").await.is(200);
    assert!(door.says("Mara Lindqvist") && door.says("value=\"/catalog\""));
    let api = portal.stranger().get("/api/v1/me").await.is(401);
    assert_eq!(api.headers["content-type"], "application/problem+json");
    assert!(api.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn the_door_is_no_springboard() {
    let portal = Portal::start().await;
    for next in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let answer = portal.stranger().post("/login/demo", &[("person", "mara"), ("next", next)]).await.is(303);
        assert_eq!(answer.location.as_deref(), Some("/"), "{next}");
    }
}

#[tokio::test]
async fn signing_in_makes_a_new_session_and_signing_out_ends_it() {
    let portal = Portal::start().await;
    let mara = portal.person("mara").await;
    assert!(mara.get("/").await.is(200).says("Mara Lindqvist"));
    mara.post("/login/sign-out", &[]).await.is(303);
    mara.get("/").await.is(303);
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_at_once() {
    let portal = Portal::start().await;
    let (here, there) = (portal.person("mara").await, portal.person("mara").await);
    let tomas = portal.person("tomas").await;
    there.get("/").await.is(200);
    here.post("/login/sign-out-everywhere", &[]).await.is(303);
    there.get("/").await.is(303);
    tomas.get("/").await.is(200);
}

#[tokio::test]
async fn demo_people_are_gone_where_github_signs_in() {
    let world = github().await;
    let portal = with_github(&world, vec![]).await;
    let answer = portal.stranger().post("/login/demo", &[("person", "mara")]).await;
    assert_eq!(answer.status, 404);
    let door = portal.stranger().get("/login").await.is(200);
    assert!(door.says("Continue with GitHub") && !door.says("Mara"));
}

async fn github() -> GitHubWorld {
    let world = tokio::task::spawn_blocking(GitHubWorld::start).await.expect("a world");
    world.add_org("acme");
    for login in ["ada", "bob"] {
        world.add_user(login);
    }
    world.add_member("acme", "ada", Role::Owner);
    world.add_member("acme", "bob", Role::Member);
    world.add_team("acme", "payments", &["ada", "bob"]);
    world.add_team("acme", "platform", &["ada"]);
    world
}

async fn with_github(world: &GitHubWorld, more: Vec<(&'static str, String)>) -> Portal {
    let token = world.token("ada", &["repo", "read:org", "workflow", "delete_repo"]);
    let mut vars = vec![
        ("SLIPWAY_GITHUB_URL", world.web_url().to_string()),
        ("SLIPWAY_GITHUB_API_URL", world.api_url().to_string()),
        ("SLIPWAY_GITHUB_ORG", "acme".to_owned()),
        ("SLIPWAY_GITHUB_CLIENT_ID", "client".to_owned()),
        ("SLIPWAY_GITHUB_CLIENT_SECRET", "secret".to_owned()),
        ("SLIPWAY_GITHUB_TOKEN", token),
        ("SLIPWAY_ADMINS", "@platform".to_owned()),
    ];
    vars.extend(more);
    let portal = Portal::with(Settings { vars, ..Settings::default() }).await;
    world.add_oauth_app("client", "secret", &format!("{}/login/callback", portal.base));
    portal
}

/// Goes the whole way over GitHub's page and back.
async fn sign_in_with_github(
    portal: &Portal,
    world: &GitHubWorld,
    login: &str,
) -> (Person, crate::support::person::Answer) {
    world.sign_in_as(login);
    let mut person = portal.stranger();
    let begin = person.get("/login/github?next=%2Fcatalog").await.is(303);
    person.keep_cookie(&begin);
    let to_github = begin.location.expect("a way to GitHub");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let back = client.get(&to_github).send().await.expect("GitHub answers");
    let back = back.headers()["location"].to_str().expect("text").to_owned();
    let path = back.strip_prefix(&portal.base).expect("it leads back").to_owned();
    let answer = person.get(&path).await;
    person.keep_cookie(&answer);
    (person, answer)
}

#[tokio::test]
async fn github_tells_who_somebody_is_and_their_teams() {
    let world = github().await;
    let portal = with_github(&world, vec![]).await;
    let (bob, answer) = sign_in_with_github(&portal, &world, "bob").await;
    assert_eq!(answer.is(303).location.as_deref(), Some("/catalog"));
    let me = bob.get("/api/v1/me").await.is(200).json();
    assert_eq!(me["login"], "bob");
    assert_eq!(me["teams"], json!(["payments"]));
    assert_eq!(me["admin"], false);
    bob.get("/admin").await.is(403);
    let (ada, _) = sign_in_with_github(&portal, &world, "ada").await;
    assert_eq!(ada.get("/api/v1/me").await.json()["admin"], true, "a member of @platform");
    ada.get("/admin").await.is(200);
    world.assert_kept_contract();
}

#[tokio::test]
async fn somebody_from_outside_the_organization_stays_outside() {
    let world = github().await;
    world.add_user("eve");
    let portal = with_github(&world, vec![]).await;
    let (eve, answer) = sign_in_with_github(&portal, &world, "eve").await;
    assert_eq!(answer.status, 403);
    assert!(answer.says("You do not belong to the organization"));
    eve.get("/api/v1/me").await.is(401);
    world.remove_member("acme", "bob");
    let (_, answer) = sign_in_with_github(&portal, &world, "bob").await;
    assert_eq!(answer.status, 403, "who has left cannot come back");
    world.assert_kept_contract();
}

#[tokio::test]
async fn a_state_that_this_session_did_not_make_is_refused() {
    let world = github().await;
    let portal = with_github(&world, vec![]).await;
    world.sign_in_as("bob");
    let begin = portal.stranger().get("/login/github").await.is(303);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let back = client.get(begin.location.expect("a way")).send().await.expect("GitHub answers");
    let path = back.headers()["location"].to_str().expect("text").strip_prefix(&portal.base).expect("back").to_owned();
    // The victim's browser never began this sign-in.
    let answer = portal.stranger().get(&path).await;
    assert_eq!(answer.status, 422);
    assert!(answer.says("too old"));
}

#[tokio::test]
async fn a_refusal_on_githubs_page_is_told() {
    let world = github().await;
    let portal = with_github(&world, vec![]).await;
    world.refuse_next_sign_in();
    let (_, answer) = sign_in_with_github(&portal, &world, "bob").await;
    assert_eq!(answer.status, 422);
    assert!(answer.says("GitHub did not let you through"));
}

#[tokio::test]
async fn teams_are_refreshed_with_the_portals_own_token() {
    use slipway::engine::jobs::{self, When};
    use slipway::features::login::jobs::RefreshTeams;
    let world = github().await;
    let portal = with_github(&world, vec![]).await;
    let (bob, _) = sign_in_with_github(&portal, &world, "bob").await;
    world.remove_member("acme", "bob");
    let mut conn = portal.db().acquire().await.expect("a connection");
    jobs::enqueue(&mut conn, &RefreshTeams {}, When::default()).await.expect("a job");
    drop(conn);
    portal.run_jobs().await;
    portal.eventually("bob is in no team", async || bob.get("/api/v1/me").await.json()["teams"] == json!([])).await;
}

#[tokio::test]
async fn a_token_does_no_more_than_its_scopes_and_ends_when_revoked() {
    let portal = Portal::start().await;
    let mara = portal.person("mara").await;
    let made = mara
        .post_json("/api/v1/tokens", &json!({ "name": "ci", "scopes": ["catalog.read", "access.tokens"], "days": 1 }))
        .await
        .is(201)
        .json();
    let secret = made["token"].as_str().expect("a secret").to_owned();
    let script = mara.with_token(&secret);
    script.get("/api/v1/entities").await.is(200);
    let refused = script.get("/api/v1/templates").await.is(403).json();
    assert!(refused["detail"].as_str().expect("text").contains("scaffolder.read"), "{refused}");
    let wider = script.post_json("/api/v1/tokens", &json!({ "name": "more", "scopes": ["*"] })).await;
    assert_eq!(wider.status, 422, "a token makes no token that may do more");
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select hash from access_token").fetch_all(portal.db()).await.expect("hashes");
    assert!(
        stored.iter().all(|h| h.len() == 32 && !secret.as_bytes().windows(8).any(|w| h.windows(8).any(|x| x == w)))
    );
    mara.post(&format!("/login/tokens/{}/revoke", made["id"].as_str().expect("an id")), &[]).await.is(303);
    script.get("/api/v1/entities").await.is(401);
    sqlx::query("update access_token set revoked_at = null, expires_at = now() - interval '1 second'")
        .execute(portal.db())
        .await
        .expect("time passes");
    script.get("/api/v1/entities").await.is(401);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let portal = Portal::start().await;
    let mara = portal.person("mara").await;
    let foreign = mara
        .request(reqwest::Method::POST, "/login/sign-out")
        .header("sec-fetch-site", "cross-site")
        .header("origin", "https://evil.example");
    let answer = mara.send(foreign).await.is(403);
    assert!(answer.says("came from another site"));
    mara.get("/").await.is(200);
}

#[tokio::test]
async fn another_host_name_is_not_answered() {
    let portal = Portal::start().await;
    let person = portal.stranger();
    let answer = person.send(person.request(reqwest::Method::GET, "/login").header("host", "evil.example")).await;
    assert_eq!(answer.status, 421);
    let port = portal.base.rsplit(':').next().expect("a port").to_owned();
    let local =
        person.send(person.request(reqwest::Method::GET, "/login").header("host", format!("localhost:{port}"))).await;
    assert_eq!(
        local.location.as_deref(),
        Some(format!("{}/login", portal.base).as_str()),
        "this machine's other name leads on"
    );
    person.send(person.request(reqwest::Method::GET, "/healthz").header("host", "10.0.0.7")).await.is(200);
}

#[tokio::test]
async fn the_door_is_slow_for_whoever_tries_too_often() {
    let portal = Portal::start().await;
    let person = portal.stranger();
    let mut last = 0;
    for _ in 0..30 {
        last = person.post("/login/demo", &[("person", "nobody")]).await.status.as_u16();
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn pages_carry_headers_that_keep_browsers_safe() {
    let portal = Portal::start().await;
    let answer = portal.stranger().get("/login").await.is(200);
    let policy = answer.headers["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    assert!(!answer.text.contains(" style=") && !answer.text.contains("<script>") && !answer.text.contains(" onclick"));
    for name in ["x-content-type-options", "referrer-policy", "x-frame-options", "x-request-id"] {
        assert!(answer.headers.contains_key(name), "{name}");
    }
    let https = Portal::with(Settings {
        vars: vec![("SLIPWAY_BASE_URL", "https://portal.example".to_owned())],
        ..Settings::default()
    })
    .await;
    let person = https.stranger();
    let sign_in = person
        .request(reqwest::Method::POST, "/login/demo")
        .header("host", "portal.example")
        .header("sec-fetch-site", "same-origin")
        .form(&[("person", "mara")]);
    let answer = person.send(sign_in).await.is(303);
    let cookie = answer.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.starts_with("__Host-") && cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
}
