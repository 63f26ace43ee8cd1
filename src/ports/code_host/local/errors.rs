//! Short ways to make a [`PortError`] of this host. Owns the words by which the host is called;
//! does not decide which error fits, that is for those who call.

use crate::kernel::tree::TreeError;
use crate::ports::PortError;

/// The host as people call it in an error.
pub(super) const SYSTEM: &str = "the local Git host";

pub(super) fn not_found(what: impl Into<String>) -> PortError {
    PortError::NotFound { system: SYSTEM.to_owned(), what: what.into() }
}

pub(super) fn conflict(what: impl Into<String>) -> PortError {
    PortError::Conflict { system: SYSTEM.to_owned(), what: what.into() }
}

pub(super) fn invalid(why: impl Into<String>) -> PortError {
    PortError::Invalid { system: SYSTEM.to_owned(), why: why.into() }
}

pub(super) fn unavailable(why: impl Into<String>) -> PortError {
    PortError::Unavailable { system: SYSTEM.to_owned(), why: why.into() }
}

pub(super) fn unknown(why: impl Into<String>) -> PortError {
    PortError::Unknown { system: SYSTEM.to_owned(), why: why.into() }
}

/// For `map_err`: what failed after a ref had been moved. Part of the act has taken effect, and
/// only looking, or doing it again, tells the rest.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn half_done(error: PortError) -> PortError {
    unknown(format!("it was done only in part: {error}"))
}

/// For `map_err`: a disk that did not do what it was asked, before anything took effect.
pub(super) fn disk(doing: &str) -> impl FnOnce(std::io::Error) -> PortError + '_ {
    move |e| unavailable(format!("{doing}: {e}"))
}

/// A tree that passes its limits, or a path in a repository that no tree can hold.
pub(super) fn tree(error: &TreeError) -> PortError {
    invalid(error.to_string())
}
