//! The database: the pool, the schema's history, transactions, and how its failures look to people.
//! No statement of any feature.

use std::borrow::Cow;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres, Transaction};

use crate::kernel::fault::{Explain, Kind};

/// The schema's history, compiled in.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// How long a page waits for a connection before it says that the database is not answering.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(5);
/// The longest statement that any page or job runs, in milliseconds. What takes longer is a mistake.
const STATEMENT_LIMIT_MS: &str = "30000";

/// A transaction of ours.
pub type Tx = Transaction<'static, Postgres>;

/// Opens the pool without connecting: a portal starts, and says so, while its database is away.
///
/// # Errors
/// The address cannot be read.
pub fn pool(url: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("slipway").options([
        ("statement_timeout", STATEMENT_LIMIT_MS),
        ("idle_in_transaction_session_timeout", STATEMENT_LIMIT_MS),
    ]);
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_LIMIT)
        .idle_timeout(Duration::from_secs(300))
        .connect_lazy_with(options))
}

/// Brings the schema up to date, under sqlx's advisory lock, so that several replicas may start at once.
///
/// # Errors
/// A migration fails, or the database was migrated by a newer portal and changed since.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATOR.run(pool).await
}

/// How a database error looks to people.
pub fn database_kind(error: &sqlx::Error) -> Kind {
    let away = match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Class 08 is connection exceptions, 57P0x shutdown and start-up, 57014 a statement over its time, 53300 too many connections.
        sqlx::Error::Database(e) => {
            e.code().is_some_and(|c| c.starts_with("08") || c.starts_with("57") || c == "53300")
        }
        _ => false,
    };
    // A NUL, or half of a surrogate pair: text that Postgres does not keep (class 22, data exceptions).
    let text = matches!(error, sqlx::Error::Database(e) if matches!(e.code().as_deref(), Some("22021" | "22P05")));
    match (away, text) {
        (true, _) => Kind::Unavailable("The database".into()),
        (_, true) => Kind::Invalid(Vec::new()),
        _ => Kind::Internal,
    }
}

impl Explain for sqlx::Error {
    fn kind(&self) -> Kind {
        database_kind(self)
    }

    fn title(&self) -> Cow<'static, str> {
        match database_kind(self) {
            Kind::Internal => "Something went wrong here".into(),
            Kind::Invalid(_) => "This holds characters that cannot be kept".into(),
            _ => "The database is not answering".into(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match database_kind(self) {
            Kind::Internal => "It is our mistake, not yours. It has been written down; with the request id the platform team finds it.".into(),
            Kind::Invalid(_) => "A NUL character is no text. Take it out and try again; nothing was changed.".into(),
            _ => "Nothing was lost and nothing was changed. The portal goes on by itself as soon as the database answers; try again in a moment.".into(),
        }
    }
}
