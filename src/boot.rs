//! From settings to a running portal: which adapter answers which port, and the order of starting and
//! stopping.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::engine::access::session::Sessions;
use crate::engine::app::{App, CodeHosts, Handles};
use crate::engine::bus::{Bus, News};
use crate::engine::config::{Config, GitHubCredentials};
use crate::engine::jobs::worker as queue;
use crate::engine::jobs::{self, When};
use crate::engine::kept::Kept;
use crate::engine::seal::Sealer;
use crate::engine::{app::Caches, db};
use crate::features::catalog;
use crate::features::catalog::jobs::Discover;
use crate::kernel::clock::SystemClock;
use crate::ports::code_host::CodeHost;
use crate::ports::code_host::github::{Credentials, GitHub, GitHubSettings};
use crate::ports::code_host::local::LocalHost;
use crate::ports::documents::url::Reader;
use crate::ports::http::{Guard, Http};
use crate::ports::private_postgres::PrivatePostgres;
use crate::ports::sign_in::github::{GitHubSignIn, Settings as SignInSettings};
use crate::ports::sign_in::{SignInHost, TeamDirectory};
use crate::{example, router, worker};

/// How long connections may go on after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);
/// The name of the local code host in stored targets.
pub const LOCAL_HOST: &str = "local";

/// Which parts of the portal a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Pages and API.
    pub web: bool,
    /// Workers.
    pub work: bool,
    /// Migrations at start. Always with the private Postgres.
    pub migrate: bool,
}

/// The recorder of metrics, installed once per process.
///
/// # Errors
/// Another recorder is installed.
pub fn metrics_handle() -> anyhow::Result<metrics_exporter_prometheus::PrometheusHandle> {
    static HANDLE: OnceLock<metrics_exporter_prometheus::PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
    let builder = metrics_exporter_prometheus::PrometheusBuilder::new().set_buckets(&buckets)?;
    let handle = builder.install_recorder()?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}

/// Builds the handles over a pool.
///
/// # Errors
/// A key, an address or a tool that cannot be used.
pub fn app(config: Config, pool: PgPool) -> anyhow::Result<App> {
    // One provider of cryptography for all TLS in the process; a second installation is no failure.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    std::fs::create_dir_all(&config.data.dir)
        .with_context(|| format!("the data folder {}", config.data.dir.display()))?;
    let sealer = match &config.data.key {
        Some(key) => Sealer::from_hex(key)?,
        None => Sealer::from_file(&config.data.key_file)?,
    };
    let guard = Guard { hosts: config.catalog.hosts.clone(), inside_when_listed_with_port: true };
    let http = Http::new(guard).context("the HTTP client")?;
    let local = LocalHost::open(config.data.dir.join("git"), config.http.base_url.join("/")?, LOCAL_HOST.to_owned())
        .context("the local code host")?;
    let github = github(&config)?.map(Arc::new);
    let sign_in = sign_in(&config, &http)?;
    Ok(App::new(Handles {
        sessions: Sessions::new(pool.clone(), config.admins.clone()),
        db: pool,
        clock: Arc::new(SystemClock),
        sealer,
        bus: Bus::default(),
        waiting: Kept::default(),
        caches: Caches::default(),
        code_hosts: CodeHosts { local: Arc::new(local), github: github.clone().map(|g| g as Arc<dyn CodeHost>) },
        documents: Arc::new(Reader::new(http)),
        sign_in,
        teams: github.zip(config.github.org.clone()).map(|(github, org)| {
            Arc::new(crate::ports::sign_in::teams::GitHubTeams::new(github, org)) as Arc<dyn TeamDirectory>
        }),
        stop: CancellationToken::new(),
        metrics: metrics_handle()?,
        workers_up: false.into(),
        config,
    }))
}

fn github(config: &Config) -> anyhow::Result<Option<GitHub>> {
    let Some(credentials) = &config.github.credentials else { return Ok(None) };
    let credentials = match credentials {
        GitHubCredentials::Token(token) => Credentials::Token(token.clone()),
        GitHubCredentials::App { id, key } => Credentials::App {
            app_id: *id,
            private_key_pem: key.clone(),
            org: config.github.org.clone().unwrap_or_default(),
        },
    };
    let settings = GitHubSettings { host: config.github.host(), api_url: config.github.api_url.clone(), credentials };
    Ok(Some(GitHub::new(settings).context("GitHub")?))
}

fn sign_in(config: &Config, http: &Http) -> anyhow::Result<Option<Arc<dyn SignInHost>>> {
    let Some(client) = &config.github.sign_in else { return Ok(None) };
    let settings = SignInSettings {
        url: config.github.url.clone(),
        api_url: config.github.api_url.clone(),
        org: config.github.org.clone(),
        client_id: client.id.clone(),
        client_secret: client.secret.clone(),
        redirect: config.http.base_url.join("/login/callback")?,
    };
    Ok(Some(Arc::new(GitHubSignIn::new(settings, http.clone())?)))
}

/// Runs the portal until it is told to stop.
///
/// # Errors
/// It cannot start. What goes wrong later is logged and mended.
pub async fn run(config: Config, parts: Parts) -> anyhow::Result<()> {
    let started = Instant::now();
    let postgres = match config.data.database_url {
        Some(_) => None,
        None => Some(PrivatePostgres::start(&config.data.dir).await?),
    };
    let url = match (&config.data.database_url, &postgres) {
        (Some(url), _) => url.expose().to_owned(),
        (None, Some(postgres)) => postgres.url(),
        (None, None) => anyhow::bail!("there is no database"),
    };
    let pool = db::pool(&url, config.data.connections).context("DATABASE_URL")?;
    if parts.migrate || postgres.is_some() {
        migrate(&pool).await?;
    }
    if postgres.is_some() {
        // Nobody else can be working on the private Postgres: what a killed portal had taken is free.
        queue::free_locks(&pool).await?;
    }
    let app = app(config, pool.clone())?;
    if parts.work {
        example::people(&app).await?;
    } else {
        // The workers are other processes: these pages do not wait for any of their own.
        app.workers_up.store(true, Ordering::Release);
    }
    let stop = app.stop.clone();
    spawn(app.bus.clone().listen(pool.clone(), stop.clone()));
    spawn(follow_news(app.clone()));
    spawn(tidy_metrics(app.clone()));
    let listener = match parts.web {
        true => Some(
            TcpListener::bind(app.config.http.listen)
                .await
                .with_context(|| format!("cannot listen on {}", app.config.http.listen))?,
        ),
        false => None,
    };
    let web = listener.map(|listener| spawn(serve(app.clone(), listener, started)));
    let work = parts.work.then(|| spawn(work(app.clone(), pool.clone())));
    signal().await;
    tracing::info!("stopping: open pages finish, runs are given back between steps");
    stop.cancel();
    for task in [web, work].into_iter().flatten() {
        if tokio::time::timeout(DRAIN + Duration::from_secs(5), task).await.is_err() {
            tracing::warn!("something did not finish in time and is cut off");
        }
    }
    pool.close().await;
    if let Some(postgres) = postgres {
        postgres.stop().await?;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Brings the schema and the queue's schema up to date.
///
/// # Errors
/// A migration fails.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    db::migrate(pool).await.context("the schema cannot be brought up to date")?;
    queue::migrate(pool).await.map_err(anyhow::Error::msg).context("the queue's schema cannot be brought up to date")
}

async fn serve(app: App, listener: TcpListener, started: Instant) {
    let stop = app.stop.clone();
    let base = app.config.http.base_url.clone();
    let service = router::router(&app).into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = stop.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { shutdown.cancelled().await });
    tracing::info!(address = %base, start_ms = started.elapsed().as_millis(), "Slipway answers at {base}");
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        result = &mut server => if let Err(e) = result { tracing::error!(error = %e, "the server ended"); },
        () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => tracing::warn!("open connections are cut off"),
    }
}

async fn work(app: App, pool: PgPool) {
    loop {
        match worker::workers(&app, &pool, worker::registry(), worker::kinds()).await {
            Ok(workers) => {
                app.workers_up.store(true, Ordering::Release);
                spawn(first_chores(app.clone()));
                workers.run().await;
                return;
            }
            Err(e) => tracing::error!(error = %e, "the workers cannot start; trying again"),
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
        }
    }
}

/// What is done once at start: the example, and a look at all sources.
async fn first_chores(app: App) {
    if let Err(e) = example::lay(&app).await {
        tracing::error!(error = %e, "the example organization cannot be laid");
    }
    let enqueue = async {
        let mut conn = app.db.acquire().await?;
        jobs::enqueue(&mut conn, &Discover {}, When { key: Some("catalog.discover"), at: None }).await
    };
    if let Err(e) = enqueue.await {
        tracing::warn!(error = %e, "the sources are looked for a minute later");
    }
}

/// Drops what is kept in memory when news say that it changed.
pub async fn follow_news(app: App) {
    let mut news = app.bus.subscribe();
    loop {
        let heard = tokio::select! {
            () = app.stop.cancelled() => return,
            heard = news.recv() => heard.unwrap_or(News::Gap),
        };
        catalog::cache::hear(&app, &heard);
        match heard {
            News::Access(user) => app.sessions.forget(user),
            News::Request(_) => app.waiting.clear(),
            News::Gap => {
                app.sessions.forget_all();
                app.waiting.clear();
            }
            News::Run(_) | News::Catalog(_) => {}
        }
    }
}

/// Folds what was measured into its buckets, so that it does not grow where nobody scrapes.
async fn tidy_metrics(app: App) {
    while tokio::time::timeout(Duration::from_secs(5), app.stop.cancelled()).await.is_err() {
        app.metrics.run_upkeep();
    }
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(e) => {
            tracing::error!(error = %e, "TERM cannot be heard");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "the tasks of the process itself start here, and are waited for")]
fn spawn<F>(task: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(task)
}
