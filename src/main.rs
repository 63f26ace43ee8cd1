//! The command line: one binary for pages, workers and tools.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use slipway::boot::{self, Parts};
use slipway::engine::access::store as access;
use slipway::engine::access::{Subject, Via};
use slipway::engine::config::{Config, Mistake};
use slipway::engine::db;
use slipway::features::login::actions::{self, TokenWish};
use slipway::ports::private_postgres::PrivatePostgres;
use slipway::telemetry;

/// A self-service developer portal.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve pages and work, in one process (the default)
    Serve(Serve),
    /// Work only: runs, reading, sweeps
    Work,
    /// Bring the database's schema up to date, then end
    Migrate,
    /// Report every mistake in the settings at once
    Check {
        /// How to print
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Tokens for scripts
    #[command(subcommand)]
    Token(Token),
}

#[derive(Debug, Args, Default)]
struct Serve {
    /// Serve pages only; workers run in other processes
    #[arg(long)]
    web_only: bool,
    /// Bring the schema up to date first (always done with the private Postgres)
    #[arg(long)]
    migrate: bool,
}

#[derive(Debug, Subcommand)]
enum Token {
    /// Make a token and print it once
    Create {
        /// Login of its owner, who must have signed in before
        #[arg(long)]
        user: String,
        /// A name for it
        #[arg(long)]
        name: String,
        /// What it may do, as often as needed: feature.verb, feature.* or *
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// How many days it lives
        #[arg(long, default_value_t = 90)]
        days: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve(Serve::default()));
    let (config, warnings) = match Config::from_env() {
        Ok(done) => done,
        Err(mistakes) => {
            let format = if let Command::Check { format } = command { format } else { Format::Text };
            report(&mistakes, format, None);
            return ExitCode::from(2);
        }
    };
    if let Command::Check { format } = command {
        report(&warnings, format, Some(&config));
        return ExitCode::SUCCESS;
    }
    match start(config, &warnings, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let _closed = std::io::stderr().write_all(format!("slipway: {e:#}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn start(config: Config, warnings: &[Mistake], command: Command) -> anyhow::Result<()> {
    // The trace exporter sends from a thread of its own and must not be built inside the runtime.
    let _traces = telemetry::start(&config.telemetry)?;
    for warning in warnings {
        tracing::warn!(setting = %warning.name, "{} {}", warning.name, warning.message);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Serve(serve) => {
                boot::run(config, Parts { web: true, work: !serve.web_only, migrate: serve.migrate }).await
            }
            Command::Work => boot::run(config, Parts { web: false, work: true, migrate: false }).await,
            Command::Migrate => with_database(&config, async |pool| boot::migrate(&pool).await).await,
            Command::Token(Token::Create { user, name, scopes, days }) => {
                let wish = TokenWish { name, scopes, days };
                with_database(&config, async |pool| token(&pool, &user, &wish).await).await
            }
            Command::Check { .. } => Ok(()),
        }
    })
}

/// Does something with the database, starting the private one if there is no other.
async fn with_database(
    config: &Config,
    act: impl AsyncFnOnce(sqlx::PgPool) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (url, postgres) = match &config.data.database_url {
        Some(url) => (url.expose().to_owned(), None),
        None => {
            let postgres = PrivatePostgres::start(&config.data.dir).await?;
            (postgres.url(), Some(postgres))
        }
    };
    let pool = db::pool(&url, config.data.connections)?;
    let result = act(pool.clone()).await;
    pool.close().await;
    if let Some(postgres) = postgres {
        postgres.stop().await?;
    }
    result
}

async fn token(pool: &sqlx::PgPool, login: &str, wish: &TokenWish) -> anyhow::Result<()> {
    let mut conn = pool.acquire().await?;
    let id = access::user_by_login(&mut conn, &login.to_lowercase()).await?;
    let id = id.ok_or_else(|| anyhow::anyhow!("nobody called {login} has signed in yet"))?;
    let row = access::user(&mut conn, id).await?.ok_or_else(|| anyhow::anyhow!("nobody called {login}"))?;
    drop(conn);
    let subject = Subject {
        user_id: id,
        login: row.login,
        name: row.name,
        email: row.email,
        teams: row.teams,
        admin: false,
        demo: row.origin == "demo",
        via: Via::Session,
    };
    let now = slipway::kernel::clock::Clock::now(&slipway::kernel::clock::SystemClock);
    let (_, secret) = actions::create_token(pool, &subject, wish, now).await.map_err(|e| {
        let explained: &dyn slipway::kernel::fault::Explain = &e;
        match explained.kind() {
            slipway::kernel::fault::Kind::Invalid(faults) => {
                anyhow::anyhow!(faults.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join(" "))
            }
            _ => anyhow::anyhow!("{}", explained.title()),
        }
    })?;
    writeln!(std::io::stdout(), "{}", secret.expose())?;
    Ok(())
}

fn report(mistakes: &[Mistake], format: Format, config: Option<&Config>) {
    if format == Format::Json {
        let list: Vec<_> = mistakes
            .iter()
            .map(|m| serde_json::json!({ "name": m.name, "message": m.message, "warning": m.warning }))
            .collect();
        let settings: serde_json::Map<_, _> = config
            .map(|c| c.describe().into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect())
            .unwrap_or_default();
        say(&format!(
            "{:#}\n",
            serde_json::json!({ "good": mistakes.iter().all(|m| m.warning), "mistakes": list, "settings": settings })
        ));
        return;
    }
    let mut text = String::new();
    for (name, value) in config.map(Config::describe).unwrap_or_default() {
        text.push_str(&format!("  {name:<24} {value}\n"));
    }
    for mistake in mistakes {
        let word = if mistake.warning { "warning" } else { "mistake" };
        text.push_str(&format!("{word}: {} {}\n", mistake.name, mistake.message));
    }
    if mistakes.is_empty() {
        text.push_str("The settings are good.\n");
    }
    say(&text);
}

/// Prints; a closed pipe is no failure.
fn say(text: &str) {
    let _closed = std::io::stdout().write_all(text.as_bytes());
}
