//! A database per test: one template per schema, migrated once, then copied, which takes milliseconds.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use slipway::boot;
use slipway::engine::db::{self, MIGRATOR};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The server's address, as `tests/run.sh` gives it: a role that may make databases.
pub fn server() -> String {
    std::env::var("SLIPWAY_TEST_DATABASE_URL")
        .expect("SLIPWAY_TEST_DATABASE_URL names a Postgres server for the tests; `make test` starts one")
}

fn named(database: &str) -> String {
    let mut url = url::Url::parse(&server()).expect("an address");
    url.set_path(database);
    url.to_string()
}

/// The name of the template: another one for every change of the schema.
fn template_name() -> String {
    let mut hasher = Sha256::new();
    for migration in MIGRATOR.iter() {
        hasher.update(&migration.checksum);
    }
    format!("slipway_template_{}", &hex::encode(hasher.finalize())[..16])
}

/// Makes a migrated database and gives its address.
pub async fn fresh() -> String {
    let mut admin = PgConnection::connect(&server()).await.expect("the test server answers");
    let template = template_name();
    // One process makes the template; the others wait for it.
    sqlx::query("select pg_advisory_lock(7466001)").execute(&mut admin).await.expect("a lock");
    let known: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
        .bind(&template)
        .fetch_one(&mut admin)
        .await
        .expect("an answer");
    if !known {
        let building = format!("{template}_building");
        for statement in [format!("drop database if exists {building}"), format!("create database {building}")] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await.expect("the template is made");
        }
        let pool = db::pool(&named(&building), 4).expect("a pool");
        boot::migrate(&pool).await.expect("the schema");
        pool.close().await;
        // Postgres takes a moment to see that the connections are gone.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let rename = format!("alter database {building} rename to {template}");
        sqlx::query(AssertSqlSafe(rename)).execute(&mut admin).await.expect("the template is named");
    }
    let name = format!("slipway_test_{}", uuid::Uuid::now_v7().simple());
    let copy = format!("create database {name} template {template}");
    sqlx::query(AssertSqlSafe(copy)).execute(&mut admin).await.expect("a copy of the template");
    sqlx::query("select pg_advisory_unlock(7466001)").execute(&mut admin).await.expect("unlocked");
    named(&name)
}

/// Removes a database.
pub fn drop_later(url: &str) {
    let name = url::Url::parse(url).expect("an address").path().trim_start_matches('/').to_owned();
    // Tests end in synchronous code; a thread of its own may wait.
    let removal = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            if let Ok(mut admin) = PgConnection::connect(&server()).await {
                let statement = format!("drop database if exists {name} with (force)");
                let _gone = sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await;
            }
        });
    });
    let _ended = removal.join();
}
