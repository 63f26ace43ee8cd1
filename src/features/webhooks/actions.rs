//! Telling a true webhook from a forgery, and what a true one sets going.

use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use sha2::Sha256;
use sqlx::PgPool;

use super::error::WebhookError;
use crate::engine::jobs::{self, When};
use crate::engine::runs;
use crate::features::catalog::jobs::{Discover, Read};
use crate::features::catalog::write as catalog;
use crate::kernel::secret::Secret;

/// What is read of an event; each kind of event has more.
#[derive(Debug, Deserialize)]
struct Event {
    action: Option<String>,
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

/// Whether `signature` (`sha256=` and hexadecimal digits) is that of `body` by this secret (GitHub's
/// docs, "Validating webhook deliveries"). The comparison takes the same time wherever they differ.
///
/// # Errors
/// It is not.
pub(super) fn check(secret: &Secret, signature: Option<&str>, body: &[u8]) -> Result<(), WebhookError> {
    let hexadecimal = signature.and_then(|s| s.strip_prefix("sha256=")).ok_or(WebhookError::Forged)?;
    let given = hex::decode(hexadecimal).map_err(|_| WebhookError::Forged)?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(|_| WebhookError::NotConfigured)?;
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| WebhookError::Forged)
}

/// Takes a true event: how many runs go on. Taking it twice does no more than taking it once.
///
/// Runs wait under `github:<event>:<owner>/<name>`, with `.<action>` after the event where it has one,
/// such as `github:workflow_run.completed:acme/shop`. Owner and name are lower case.
///
/// # Errors
/// The body cannot be read, or the database.
pub(super) async fn take(db: &PgPool, host: &str, event: &str, body: &[u8]) -> Result<usize, WebhookError> {
    let told: Event = serde_json::from_slice(body)?;
    let Some(Repository { full_name }) = told.repository else { return Ok(0) };
    let action = told.action.map(|a| format!(".{a}")).unwrap_or_default();
    let mut tx = db.begin().await?;
    let resumed = runs::resume(&mut tx, &format!("github:{event}{action}:{}", full_name.to_lowercase())).await?;
    if event == "push" {
        let known = catalog::make_repository_due(&mut tx, &format!("{host}/{full_name}")).await?;
        // A repository that nobody has read may have got its first description.
        match known {
            0 => jobs::enqueue(&mut tx, &Discover {}, When { key: Some("catalog.discover"), at: None }).await?,
            _ => jobs::enqueue(&mut tx, &Read {}, When { key: Some("catalog.read"), at: None }).await?,
        }
    }
    tx.commit().await?;
    Ok(resumed)
}
