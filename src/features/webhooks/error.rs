//! Why a webhook is not taken, in words for whoever set it up.

use std::borrow::Cow;

use crate::kernel::fault::{Explain, Kind};

/// What can go wrong with a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No secret is set, so nothing could be told from a forgery.
    #[error("no webhook secret is configured")]
    NotConfigured,
    /// The signature is missing or not ours.
    #[error("the signature does not match")]
    Forged,
    /// The body is not the JSON that GitHub sends.
    #[error("the body is not JSON: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Explain for WebhookError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotConfigured => Kind::NotFound,
            Self::Forged => Kind::Forbidden,
            Self::Unreadable(_) => Kind::Invalid(Vec::new()),
            Self::Database(e) => e.kind(),
        }
    }

    fn title(&self) -> Cow<'static, str> {
        match self {
            Self::NotConfigured => "Webhooks are not received here".into(),
            Self::Forged => "The signature does not match".into(),
            Self::Unreadable(_) => "The body is not JSON".into(),
            Self::Database(e) => e.title(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::NotConfigured => "Set SLIPWAY_GITHUB_WEBHOOK_SECRET to the secret of the webhook.".into(),
            Self::Forged => {
                "SLIPWAY_GITHUB_WEBHOOK_SECRET and the secret in the webhook's settings are not the same.".into()
            }
            Self::Unreadable(_) => "Choose the content type application/json in the webhook's settings.".into(),
            Self::Database(e) => e.detail(),
        }
    }
}
