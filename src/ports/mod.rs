//! What we ask of the outside. A folder is a question ("where does code live?"), not a vendor:
//! a trait with its own types and errors, and one file per adapter, one of them local and real
//! enough to work without any account.
//!
//! To add a port: write the trait and its types in `mod.rs`, at most eight methods; one file per
//! adapter; vendor types stay inside the adapter; put every adapter through the one contract in
//! `tests/portal/ports.rs`; choose the adapter in `boot.rs`.

pub mod code_host;
pub mod documents;
pub mod http;
pub mod private_postgres;
pub mod sign_in;

use std::time::Duration;

/// How a call to an outside system failed. What matters to a caller is whether the call may have
/// had an effect: only [`PortError::Unknown`] may, all others certainly had none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The thing is not there, or we may not see it.
    #[error("{system}: {what} was not found")]
    NotFound {
        /// The outside system, as people call it.
        system: String,
        /// What was looked for.
        what: String,
    },
    /// Our credentials are not accepted (any more).
    #[error("{system} did not accept our credentials: {why}")]
    Unauthorized {
        /// The outside system.
        system: String,
        /// Its own words.
        why: String,
    },
    /// We are known and may not do this.
    #[error("{system} refused: {why}")]
    Refused {
        /// The outside system.
        system: String,
        /// Its own words.
        why: String,
    },
    /// The name is taken, or the thing changed under us.
    #[error("{system}: {what}")]
    Conflict {
        /// The outside system.
        system: String,
        /// What is in the way.
        what: String,
    },
    /// The call itself was wrong; repeating it cannot help.
    #[error("{system} did not understand: {why}")]
    Invalid {
        /// The outside system.
        system: String,
        /// Its own words.
        why: String,
    },
    /// A limit on calls; the call was not carried out.
    #[error("{system} asks us to wait {} s", .retry_after.as_secs())]
    RateLimited {
        /// The outside system.
        system: String,
        /// How long it asks us to wait; a minute where it did not say.
        retry_after: Duration,
    },
    /// It could not be reached; the call was certainly not carried out.
    #[error("{system} is not answering: {why}")]
    Unavailable {
        /// The outside system.
        system: String,
        /// The cause, for the log.
        why: String,
    },
    /// The call was sent and no usable answer came: it may or may not have been carried out.
    #[error("{system} gave no usable answer: {why}")]
    Unknown {
        /// The outside system.
        system: String,
        /// The cause, for the log.
        why: String,
    },
}

impl PortError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Unknown { .. })
    }

    /// Whether it is certain that the call had no effect.
    pub fn had_no_effect(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// How long the system asked us to wait, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}
