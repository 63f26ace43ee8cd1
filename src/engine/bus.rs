//! News between processes: one listener per process on Postgres's LISTEN, fanned out in memory.
//! News may be lost when the connection breaks, so whoever keeps something under it is told to
//! forget everything when the listener comes back.

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many news a slow reader may be behind before it is told to start over.
const BACKLOG: usize = 1024;
/// Channels that the process listens on.
const CHANNELS: [&str; 4] = ["slipway_runs", "slipway_catalog", "slipway_access", "slipway_requests"];

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A run's state, steps or log changed.
    Run(Uuid),
    /// The catalog changed; its generation now.
    Catalog(i64),
    /// A person's rights or sessions changed.
    Access(Uuid),
    /// A request changed.
    Request(Uuid),
    /// News may have been missed: forget whatever is kept.
    Gap,
}

/// Where news arrive.
#[derive(Debug, Clone)]
pub struct Bus {
    sender: broadcast::Sender<News>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
    }
}

impl Bus {
    /// All news from now on. A reader that lags gets an error from the channel and must treat it as a gap.
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.sender.subscribe()
    }

    /// Tells this process alone, at once; others hear it through the database.
    pub fn tell(&self, news: News) {
        // Nobody listening is no failure.
        let _receivers = self.sender.send(news);
    }

    /// Listens until stopped, over broken connections.
    pub async fn listen(self, pool: PgPool, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                result = self.listen_once(&pool) => {
                    if let Err(e) = result {
                        tracing::warn!(error = %e, "the database's news cannot be heard; trying again");
                    }
                }
            }
            self.tell(News::Gap);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {}
            }
        }
    }

    async fn listen_once(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all(CHANNELS).await?;
        self.tell(News::Gap);
        // `try_recv` gives `None` when the connection broke, after which news may be missing.
        while let Some(notification) = listener.try_recv().await? {
            if let Some(news) = parse(notification.channel(), notification.payload()) {
                self.tell(news);
            }
        }
        Ok(())
    }
}

fn parse(channel: &str, payload: &str) -> Option<News> {
    match channel {
        "slipway_runs" => payload.parse().ok().map(News::Run),
        "slipway_catalog" => payload.parse().ok().map(News::Catalog),
        "slipway_requests" => payload.parse().ok().map(News::Request),
        "slipway_access" => payload.parse().ok().map(News::Access),
        _ => None,
    }
}
