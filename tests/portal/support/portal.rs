//! A portal in this process: its router on a port of its own, its workers run by hand until idle.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use slipway::engine::app::App;
use slipway::engine::config::Config;
use slipway::engine::jobs::worker::Workers;
use slipway::engine::requests::Kinds;
use slipway::engine::runs::Registry;
use slipway::features::login::actions::{self as login, DemoPerson};
use slipway::{boot, example, router, worker};
use sqlx::PgPool;
use tokio::net::TcpListener;

use super::{Person, database};

/// A running portal.
pub struct Portal {
    /// Its handles.
    pub app: App,
    /// Its address, without a slash at the end.
    pub base: String,
    workers: Workers,
    database: String,
    _data: tempfile::TempDir,
}

/// How a portal is to be.
#[derive(Default)]
pub struct Settings {
    /// Variables beside the usual ones.
    pub vars: Vec<(&'static str, String)>,
    /// Kinds of runs and effects in place of the product's.
    pub registry: Option<Registry>,
    /// Kinds of requests in place of the product's.
    pub kinds: Option<Kinds>,
}

impl Portal {
    /// With demo people, the golden paths and nothing else.
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// With settings of the test's.
    pub async fn with(settings: Settings) -> Self {
        let database = database::fresh().await;
        let data = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let base = format!("http://{address}");
        let mut vars: BTreeMap<String, String> = [
            ("SLIPWAY_LISTEN", address.to_string()),
            ("SLIPWAY_DATA_DIR", data.path().display().to_string()),
            ("SLIPWAY_EXAMPLE", "0".to_owned()),
            ("DATABASE_URL", database.clone()),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
        vars.extend(settings.vars.into_iter().map(|(k, v)| (k.to_owned(), v)));
        let (config, _) = Config::from_vars(&vars).expect("good settings");
        let pool = slipway::engine::db::pool(&database, 16).expect("a pool");
        let app = boot::app(config, pool.clone()).expect("a portal");
        tokio::spawn(app.bus.clone().listen(pool.clone(), app.stop.clone()));
        tokio::spawn(boot::follow_news(app.clone()));
        let registry = settings.registry.unwrap_or_else(worker::registry);
        let kinds = settings.kinds.unwrap_or_else(worker::kinds);
        let workers = worker::workers(&app, &pool, registry, kinds).await.expect("workers");
        seed(&pool).await;
        let service = router::router(&app).into_make_service_with_connect_info::<SocketAddr>();
        let stop = app.stop.clone();
        tokio::spawn(async move {
            axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await }).await
        });
        Self { app, base, workers, database, _data: data }
    }

    /// Lays the golden paths (and the example, if it is on) and reads them.
    pub async fn lay(&self) {
        example::lay(&self.app).await.expect("the example is laid");
        self.run_jobs().await;
    }

    /// Sends a webhook as GitHub does, signed with a word: the status of the answer.
    pub async fn webhook(&self, event: &str, told: &serde_json::Value, word: &str) -> u16 {
        use hmac::Mac as _;
        let body = told.to_string();
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(word.as_bytes()).expect("a key");
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let request = reqwest::Client::new().post(format!("{}/webhooks/github", self.base)).body(body);
        let request = request.header("x-github-event", event).header("x-hub-signature-256", signature);
        request.send().await.expect("an answer").status().as_u16()
    }

    /// Does everything that is ready, until nothing is.
    pub async fn run_jobs(&self) {
        for _ in 0..50 {
            self.workers.run_until_idle().await.expect("the workers work");
            let ready: i64 = sqlx::query_scalar(
                "select count(*) from jobs._private_jobs where run_at <= now() and attempts < max_attempts and locked_at is null",
            )
            .fetch_one(&self.app.db)
            .await
            .expect("an answer");
            if ready == 0 {
                return;
            }
        }
        panic!("the queue does not become idle");
    }

    /// Lets the time pass for which runs are waiting, and goes on with them.
    pub async fn skip_waits(&self) {
        for _ in 0..20 {
            self.run_jobs().await;
            let woken =
                sqlx::query("update runs_run set resume_at = now() where state = 'parked' and resume_at > now()")
                    .execute(&self.app.db)
                    .await
                    .expect("an answer")
                    .rows_affected();
            sqlx::query("update jobs._private_jobs set run_at = now() where run_at > now() and key like 'wake:%'")
                .execute(&self.app.db)
                .await
                .expect("an answer");
            if woken == 0 {
                return;
            }
        }
    }

    /// The database, for looking at the books.
    pub fn db(&self) -> &PgPool {
        &self.app.db
    }

    /// Somebody signed in: `mara` (tracking), `tomas` (last-mile) or `ines` (platform, admin).
    pub async fn person(&self, login: &str) -> Person {
        Person::sign_in(&self.base, login).await
    }

    /// Somebody who is not signed in.
    pub fn stranger(&self) -> Person {
        Person::stranger(&self.base)
    }

    /// Waits until something holds, or fails with its name.
    pub async fn eventually(&self, what: &str, mut test: impl AsyncFnMut() -> bool) {
        for _ in 0..200 {
            if test().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not within ten seconds: {what}");
    }
}

async fn seed(pool: &PgPool) {
    let person = |login: &str, name: &str, team: &str, admin: bool| DemoPerson {
        login: login.to_owned(),
        name: name.to_owned(),
        email: format!("{login}@tidepost.example"),
        role: String::new(),
        teams: vec![team.to_owned()],
        admin,
    };
    let people = [
        person("mara", "Mara Lindqvist", "tracking", false),
        person("tomas", "Tomas Okafor", "last-mile", false),
        person("ines", "Ines Duarte", "platform", true),
    ];
    login::seed_demo_people(pool, &people).await.expect("people");
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.app.stop.cancel();
        // A job that is buried unexplained is a failure of the test that left it.
        database::drop_later(&self.database);
    }
}
