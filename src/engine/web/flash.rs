//! One message for the next page: what an action did. Kept in the session, gone once shown.

use serde::{Deserialize, Serialize};
use tower_sessions::Session;

const KEY: &str = "flash";

/// A message and its tone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// `good`, `warn` or `bad`: the class of the notice and its icon.
    pub tone: String,
    /// One sentence.
    pub text: String,
}

/// Leaves a good message for the next page. A session that cannot be written loses the message, not
/// the deed; the log says so.
pub async fn good(session: &Session, text: impl Into<String>) {
    leave(session, "good", text.into()).await;
}

/// Leaves a message that something needs attention.
pub async fn warn(session: &Session, text: impl Into<String>) {
    leave(session, "warn", text.into()).await;
}

async fn leave(session: &Session, tone: &str, text: String) {
    if let Err(e) = session.insert(KEY, Flash { tone: tone.to_owned(), text }).await {
        tracing::warn!(error = %e, "a message for the next page is lost");
    }
}

/// Takes the message, if there is one.
pub async fn take(session: &Session) -> Option<Flash> {
    // Asking first spares a write of the session on every page.
    session.get::<Flash>(KEY).await.ok().flatten()?;
    session.remove::<Flash>(KEY).await.ok().flatten()
}
