//! What lists, counts and pages of entities said, kept in memory under the catalog's generation.
//! SQL gives a few hundred facet counts a second on two cores; the catalog changes far less often
//! than it is looked at. A change raises the generation, and everything kept under another is stale.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::store;
use crate::engine::app::App;
use crate::engine::bus::News;
use crate::engine::kept::Kept;

/// Not known: it is read from the database.
const UNKNOWN: i64 = -1;
/// How long a kept answer may be used although no news came: the bound if news should ever fail.
const LONGEST: Duration = Duration::from_secs(60);

/// The generation as this process knows it.
#[derive(Debug)]
pub struct Generation(AtomicI64);

impl Default for Generation {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

/// Answers of one type, by question and claims.
#[derive(Debug)]
pub struct Answers<T>(Kept<String, (i64, Arc<T>)>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Kept::default())
    }
}

/// Takes note of news.
pub fn hear(app: &App, news: &News) {
    let generation = app.caches.of::<Generation>();
    match news {
        News::Catalog(number) => generation.0.store(*number, Ordering::Release),
        News::Gap => generation.0.store(UNKNOWN, Ordering::Release),
        _ => {}
    }
}

/// The answer to a question, kept or found now.
///
/// # Errors
/// As `find`.
pub async fn answer<T, E, F>(app: &App, question: String, find: F) -> Result<Arc<T>, E>
where
    T: Send + Sync + 'static,
    E: From<sqlx::Error>,
    F: AsyncFnOnce() -> Result<T, E>,
{
    // The number is read before the question is asked: a change meanwhile makes the answer stale, never wrong.
    let number = current(app).await?;
    let answers = app.caches.of::<Answers<T>>();
    if let Some((known, value)) = answers.0.get(&question, LONGEST)
        && known == number
    {
        return Ok(value);
    }
    let value = Arc::new(find().await?);
    answers.0.put(question, (number, value.clone()));
    Ok(value)
}

async fn current(app: &App) -> sqlx::Result<i64> {
    let generation = app.caches.of::<Generation>();
    let known = generation.0.load(Ordering::Acquire);
    if known != UNKNOWN {
        return Ok(known);
    }
    let mut conn = app.db.acquire().await?;
    let number = store::generation(&mut conn).await?;
    // Only if nobody has told a newer one meanwhile.
    let _newer = generation.0.compare_exchange(UNKNOWN, number, Ordering::AcqRel, Ordering::Acquire);
    Ok(number)
}
