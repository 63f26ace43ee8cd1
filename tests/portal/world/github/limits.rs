//! Limits on calls (docs, "Rate limits for the REST API").

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::reply::{Reply, refuse};

/// Calls in an hour with a token.
const HOURLY: u64 = 5_000;
/// Calls in an hour without.
const HOURLY_ANONYMOUS: u64 = 60;
/// Points in a minute for one endpoint; a reading call counts one, a writing call five.
const POINTS: u64 = 900;
const MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
struct Bucket {
    limit: u64,
    used: u64,
    reset: i64,
}

/// Who has used how much.
#[derive(Debug, Default)]
pub struct Limits {
    primary: HashMap<String, Bucket>,
    points: HashMap<(String, String), Vec<(Instant, u64)>>,
}

impl Limits {
    /// Leaves so many calls to a token until so many seconds from now.
    pub fn set(&mut self, token: &str, remaining: u64, reset_in: i64) {
        let bucket = self.bucket(token);
        bucket.used = bucket.limit.saturating_sub(remaining);
        bucket.reset = now() + reset_in;
    }

    /// Counts a call, or refuses it.
    pub fn count(&mut self, token: &str, operation: &str, reads: bool) -> Result<(), Reply> {
        let bucket = self.bucket(token);
        if bucket.reset <= now() {
            (bucket.used, bucket.reset) = (0, now() + 3_600);
        }
        if bucket.used >= bucket.limit {
            let message = "API rate limit exceeded for user ID 1. If you reach out to GitHub Support for help, \
                           please include the request ID 0000:0000:0000:0000:00000000.";
            return Err(refuse(403, message));
        }
        bucket.used += 1;
        let points = self.points.entry((token.to_owned(), operation.to_owned())).or_default();
        points.retain(|(at, _)| at.elapsed() < MINUTE);
        points.push((Instant::now(), if reads { 1 } else { 5 }));
        if points.iter().map(|(_, p)| p).sum::<u64>() > POINTS {
            return Err(secondary(403, Some(60)));
        }
        Ok(())
    }

    /// Takes a call back: "not modified" does not count (docs, "Best practices", "Use conditional
    /// requests").
    pub fn uncount(&mut self, token: &str) {
        let bucket = self.bucket(token);
        bucket.used = bucket.used.saturating_sub(1);
    }

    /// The headers that every answer has.
    pub fn headers(&mut self, token: &str) -> Vec<(String, String)> {
        let bucket = self.bucket(token);
        let remaining = bucket.limit.saturating_sub(bucket.used);
        [
            ("limit", bucket.limit.to_string()),
            ("remaining", remaining.to_string()),
            ("used", bucket.used.to_string()),
            ("reset", bucket.reset.to_string()),
            ("resource", "core".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (format!("x-ratelimit-{name}"), value))
        .collect()
    }

    fn bucket(&mut self, token: &str) -> &mut Bucket {
        let limit = if token.is_empty() { HOURLY_ANONYMOUS } else { HOURLY };
        self.primary.entry(token.to_owned()).or_insert_with(|| Bucket { limit, used: 0, reset: now() + 3_600 })
    }
}

/// A secondary limit, with or without `retry-after`.
pub fn secondary(code: u16, retry_after: Option<u64>) -> Reply {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If \
                   you reach out to GitHub Support for help, please include the request ID \
                   0000:0000:0000:0000:00000000.";
    let reply = refuse(code, message);
    match retry_after {
        Some(seconds) => reply.header("retry-after", &seconds.to_string()),
        None => reply,
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
