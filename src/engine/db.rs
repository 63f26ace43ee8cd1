//! The database: the pool, the schema's history, and transactions. No statement of any feature.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres, Transaction};

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
    let options = PgConnectOptions::from_str(url)?
        .application_name("slipway")
        .options([("statement_timeout", STATEMENT_LIMIT_MS), ("idle_in_transaction_session_timeout", STATEMENT_LIMIT_MS)]);
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
