//! The catalog from files to pages: what is read, how it shows, what is wrong with it, and who sees it.

use std::path::Path;

use serde_json::json;
use slipway::features::catalog::jobs::discover;

use crate::support::Portal;
use crate::support::portal::Settings;

async fn portal_over(folder: &Path, more: Vec<(&'static str, String)>) -> Portal {
    let mut vars = vec![("SLIPWAY_CATALOG", folder.display().to_string())];
    vars.extend(more);
    let portal = Portal::with(Settings { vars, ..Settings::default() }).await;
    look(&portal).await;
    portal
}

/// Looks for sources and reads what is due.
async fn look(portal: &Portal) {
    sqlx::query("update catalog_source set due_at = now()").execute(portal.db()).await.expect("due");
    discover(&portal.app).await.expect("sources are found");
    portal.run_jobs().await;
    // The pages of this process hear of it through the database.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  description: About {name}\n  tags: [rust]\nspec:\n  type: service\n  lifecycle: production\n  owner: {owner}\n"
    )
}

#[tokio::test]
async fn files_become_entities_with_relations_both_ways() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(
        dir.path().join("catalog-info.yaml"),
        component("eta", "tracking") + "  dependsOn: [resource:eta-db, component:gone]\n",
    )
    .expect("written");
    std::fs::write(
        dir.path().join("more.yaml"),
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: eta-db\nspec:\n  type: database\n  owner: tracking\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: tracking\nspec:\n  type: team\n  children: []\n",
    )
    .expect("written");
    let portal = portal_over(dir.path(), vec![]).await;
    let mara = portal.person("mara").await;
    let entity = mara.get("/api/v1/entities/resource/default/eta-db").await.is(200).json();
    let relations = entity["relations"].as_array().expect("relations");
    assert!(
        relations.contains(&json!({ "type": "dependencyOf", "target_ref": "component:default/eta", "exists": true })),
        "{relations:#?}"
    );
    let page = mara.get("/catalog/component/default/eta").await.is(200);
    assert!(page.says("eta-db") && page.says("Depends on"));
    let problems = mara.get("/catalog/component/default/eta?tab=problems").await.is(200);
    assert!(problems.says("component:default/gone") && problems.says("line 11, column 32"), "{}", problems.text);
    let list = mara.get("/catalog?kind=component&tag=rust&q=eta").await.is(200);
    assert!(list.says("/catalog/component/default/eta") && list.says("1 – 1 of 1"));
    assert!(mara.get("/catalog?view=problems").await.says("/catalog/component/default/eta"));
}

#[tokio::test]
async fn a_broken_file_keeps_what_was_read_and_tells_line_and_column() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("catalog-info.yaml");
    std::fs::write(&file, component("lockers", "tracking")).expect("written");
    let portal = portal_over(dir.path(), vec![]).await;
    let mara = portal.person("mara").await;
    mara.get("/api/v1/entities/component/default/lockers").await.is(200);
    std::fs::write(&file, component("lockers", "tracking").replace("  name: lockers", "  name: [lockers"))
        .expect("broken");
    look(&portal).await;
    mara.get("/api/v1/entities/component/default/lockers").await.is(200);
    let page = mara.get("/catalog/problems").await.is(200);
    assert!(page.says("catalog-info.yaml, line"), "{}", page.text);
    std::fs::write(&file, component("lockers-two", "tracking")).expect("mended");
    look(&portal).await;
    mara.get("/api/v1/entities/component/default/lockers").await.is(404);
    mara.get("/api/v1/entities/component/default/lockers-two").await.is(200);
    assert!(mara.get("/catalog/problems").await.says("Nothing is wrong"));
    std::fs::remove_file(&file).expect("removed");
    look(&portal).await;
    mara.get("/api/v1/entities/component/default/lockers-two").await.is(404);
}

#[tokio::test]
async fn hostile_files_are_refused_with_a_reason_and_hurt_nobody() {
    let dir = tempfile::tempdir().expect("a folder");
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    std::fs::write(dir.path().join("bomb.yaml"), bomb).expect("written");
    std::fs::write(dir.path().join("large.yaml"), vec![b'#'; 50 << 20]).expect("written");
    std::fs::write(dir.path().join("deep.yaml"), "[".repeat(100_000)).expect("written");
    std::fs::write(dir.path().join("bytes.yaml"), [0xff, 0xfe, 0x00, 0x01]).expect("written");
    std::fs::write(dir.path().join("good.yaml"), component("good", "tracking")).expect("written");
    let portal = portal_over(dir.path(), vec![]).await;
    let mara = portal.person("mara").await;
    mara.get("/api/v1/entities/component/default/good").await.is(200);
    let page = mara.get("/catalog/problems").await.is(200);
    for file in ["bomb.yaml", "large.yaml", "deep.yaml"] {
        assert!(page.says(file), "{file} is told");
    }
    assert!(page.says("50 MB"), "the limit is named");
}

#[tokio::test]
async fn the_first_definition_stays_and_the_second_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("a.yaml"), component("eta", "tracking")).expect("written");
    let portal = portal_over(dir.path(), vec![]).await;
    std::fs::write(dir.path().join("b.yaml"), component("eta", "routing")).expect("written");
    look(&portal).await;
    let mara = portal.person("mara").await;
    let entity = mara.get("/api/v1/entities/component/default/eta").await.is(200).json();
    assert_eq!(entity["entity"]["spec"]["owner"], "tracking");
    assert!(mara.get("/catalog/problems").await.says("was first and keeps it"));
    // The first gives it up: the second takes over by itself.
    std::fs::write(dir.path().join("a.yaml"), component("other", "tracking")).expect("written");
    std::fs::write(dir.path().join("b.yaml"), component("eta", "routing") + "\n").expect("touched");
    look(&portal).await;
    look(&portal).await;
    let entity = mara.get("/api/v1/entities/component/default/eta").await.is(200).json();
    assert_eq!(entity["entity"]["spec"]["owner"], "routing");
}

#[tokio::test]
async fn an_entity_for_some_teams_is_unknown_to_all_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let secret = component("secret-plan", "last-mile")
        .replace("  tags", "  annotations:\n    slipway.dev/visible-to: last-mile\n  tags");
    std::fs::write(dir.path().join("a.yaml"), secret).expect("written");
    std::fs::write(dir.path().join("b.yaml"), component("open-plan", "tracking")).expect("written");
    let portal = portal_over(dir.path(), vec![]).await;
    let (mara, tomas, ines) = (portal.person("mara").await, portal.person("tomas").await, portal.person("ines").await);
    let path = "/catalog/component/default/secret-plan";
    mara.get(path).await.is(404);
    mara.get("/api/v1/entities/component/default/secret-plan").await.is(404);
    assert!(!mara.get("/catalog").await.says("secret-plan"), "not in the list");
    assert!(!mara.get("/catalog?q=secret").await.says(path), "not in the search");
    assert!(mara.get("/catalog").await.says("1 – 1 of 1 "), "not in the count");
    tomas.get(path).await.is(200);
    ines.get(path).await.is(200);
    assert!(tomas.get("/catalog").await.says("1 – 2 of 2 "));
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let dir = tempfile::tempdir().expect("a folder");
    let all: String = (0..60).map(|n| component(&format!("service-{n:03}"), "tracking") + "---\n").collect();
    std::fs::write(dir.path().join("all.yaml"), all).expect("written");
    let portal = portal_over(dir.path(), vec![]).await;
    let mara = portal.person("mara").await;
    let mut seen = Vec::new();
    let mut path = "/api/v1/entities?limit=25".to_owned();
    loop {
        let page = mara.get(&path).await.is(200).json();
        seen.extend(
            page["items"].as_array().expect("items").iter().map(|i| i["name"].as_str().expect("a name").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/entities?limit=25&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 60);
    assert!(seen.is_sorted());
    let first = mara.get("/catalog").await.is(200);
    assert!(first.says("1 – 25 of 60") && first.says("rel=\"next\"") && !first.says("rel=\"prev\""));
}

#[tokio::test]
async fn addresses_that_lead_inside_are_never_read() {
    let portal = Portal::with(Settings {
        vars: vec![("SLIPWAY_CATALOG_HOSTS", "127.0.0.1, localhost, *.example.org, 169.254.169.254".to_owned())],
        ..Settings::default()
    })
    .await;
    let mara = portal.person("mara").await;
    for target in [
        "http://127.0.0.1:1/catalog-info.yaml",
        "http://localhost:1/catalog-info.yaml",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x.yaml",
        "http://[::ffff:127.0.0.1]/x.yaml",
        "http://2130706433/x.yaml",
        "https://elsewhere.example/x.yaml",
        "file:///etc/passwd",
        "http://user:pass@x.example.org/x.yaml",
    ] {
        let answer = mara.post_json("/api/v1/sources", &json!({ "target": target })).await;
        assert!([422, 503].contains(&answer.status.as_u16()), "{target}: {} {}", answer.status, answer.text);
        if answer.status == 503 {
            assert!(answer.says("inside") || answer.says("not answering"), "{target}: {}", answer.text);
        }
    }
    let sources: i64 =
        sqlx::query_scalar("select count(*) from catalog_source").fetch_one(portal.db()).await.expect("a count");
    assert_eq!(sources, 0);
}

#[tokio::test]
async fn a_redirect_to_an_inside_address_is_refused() {
    use axum::response::Redirect;
    use axum::routing::get;
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let secret_port = inside.local_addr().expect("an address").port();
    tokio::spawn(async move {
        axum::serve(inside, axum::Router::new().route("/", get(|| async { component("stolen", "x") }))).await
    });
    let outside = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = outside.local_addr().expect("an address").port();
    let to = format!("http://127.0.0.1:{secret_port}/");
    let app = axum::Router::new()
        .route("/jump", get(move || async move { Redirect::temporary(&to) }))
        .route("/good", get(|| async { component("fetched", "tracking") }));
    tokio::spawn(async move { axum::serve(outside, app).await });
    // An admin lists a host with its port and so allows it although it is inside.
    let hosts = format!("127.0.0.1:{port}");
    let portal = Portal::with(Settings { vars: vec![("SLIPWAY_CATALOG_HOSTS", hosts)], ..Settings::default() }).await;
    let mara = portal.person("mara").await;
    mara.post_json("/api/v1/sources", &json!({ "target": format!("http://127.0.0.1:{port}/good") })).await.is(201);
    mara.get("/api/v1/entities/component/default/fetched").await.is(200);
    mara.post_json("/api/v1/sources", &json!({ "target": format!("http://127.0.0.1:{port}/jump") })).await.is(422);
    mara.get("/api/v1/entities/component/default/stolen").await.is(404);
    let again = mara.post_json("/api/v1/sources", &json!({ "target": format!("http://127.0.0.1:{port}/good") })).await;
    assert_eq!(again.status, 409);
}

#[tokio::test]
async fn the_example_organization_is_whole() {
    let portal =
        Portal::with(Settings { vars: vec![("SLIPWAY_EXAMPLE", "1".to_owned())], ..Settings::default() }).await;
    portal.lay().await;
    let counts: Vec<(String, i64)> =
        sqlx::query_as("select kind, count(*) from catalog_entity group by kind order by kind")
            .fetch_all(portal.db())
            .await
            .expect("counts");
    let count = |kind: &str| counts.iter().find(|(k, _)| k == kind).map_or(0, |(_, n)| *n);
    assert_eq!(
        (count("component"), count("api"), count("resource"), count("system"), count("group")),
        (68, 24, 29, 9, 7),
        "{counts:?}"
    );
    let problems: Vec<String> = sqlx::query_scalar("select entity_ref from catalog_problem order by 1")
        .fetch_all(portal.db())
        .await
        .expect("problems");
    assert_eq!(
        problems,
        [
            "component:default/deployments",
            "component:default/label-printer-legacy",
            "component:default/traffic-feed-spike"
        ]
    );
    // Laying it again changes nothing.
    let before: i64 =
        sqlx::query_scalar("select number from catalog_generation").fetch_one(portal.db()).await.expect("a number");
    portal.lay().await;
    let after: i64 =
        sqlx::query_scalar("select number from catalog_generation").fetch_one(portal.db()).await.expect("a number");
    assert_eq!(before, after);
}

#[tokio::test]
async fn lists_and_searches_use_their_indexes() {
    let portal = Portal::start().await;
    sqlx::query(
        "insert into catalog_source (id, kind, target, origin) values (gen_random_uuid(), 'file', '/x', 'config')",
    )
    .execute(portal.db())
    .await
    .expect("a source");
    sqlx::query(
        "insert into catalog_entity (id, ref, kind, namespace, name, body, etag, source_id, owner_ref, tags)
         select gen_random_uuid(), 'component:default/s' || n, 'component', 'default', 's' || n, jsonb_build_object('x', repeat(md5(n::text), 20)), 'e', (select id from catalog_source),
                'group:default/t' || n % 40, array['t' || n % 50] from generate_series(1, 20000) n",
    )
    .execute(portal.db())
    .await
    .expect("entities");
    sqlx::query("analyze catalog_entity").execute(portal.db()).await.expect("analyzed");
    for (statement, index) in [
        (
            "select id from catalog_entity e where access_sees(visible_to, array['x']) order by sort_name, id limit 25",
            "catalog_entity_sort",
        ),
        ("select id from catalog_entity e where kind = 'api' order by sort_name, id limit 25", "catalog_entity_kind"),
        (
            "select id from catalog_entity e where owner_ref = 'group:default/t7' order by sort_name, id limit 25",
            "catalog_entity_owner",
        ),
        ("select id from catalog_entity e where tags @> array['t7']", "catalog_entity_tags"),
        ("select id from catalog_entity e where ref = 'component:default/s77'", "catalog_entity_ref"),
        (
            "select id from catalog_entity e where search @@ websearch_to_tsquery('simple', 's7777') or sort_name like '%s7777%'",
            "catalog_entity_search",
        ),
    ] {
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain {statement}")))
            .fetch_all(portal.db())
            .await
            .expect("a plan");
        assert!(plan.iter().any(|l| l.contains(index)), "{statement}\n{}", plan.join("\n"));
    }
}
