//! What does this address, or this file, say? Descriptors that are not in a repository of a code host.

pub mod file;
pub mod url;

use std::path::PathBuf;

use async_trait::async_trait;

use super::PortError;
use super::code_host::Fetched;
use crate::kernel::tree::Tree;

/// The largest descriptor that is read, in bytes. Backstage's own limit for a request body is
/// 10 MB; a descriptor of 5 MB holds about 20,000 entities.
pub const MAX_DOCUMENT: usize = 5 << 20;

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine. Only configuration may name files.
    File(PathBuf),
    /// At an address, which may come from a user.
    Url(::url::Url),
}

/// Reads documents.
#[async_trait]
pub trait Documents: Send + Sync + std::fmt::Debug {
    /// One document. `known` is the tag of the version that the caller has.
    ///
    /// # Errors
    /// [`PortError::NotFound`]; [`PortError::Refused`] for an address that may not be read;
    /// [`PortError::Invalid`] above [`MAX_DOCUMENT`]; else see [`PortError`].
    async fn read(&self, place: &Place, known: Option<&str>) -> Result<Fetched, PortError>;

    /// Descriptor files in a folder and below, sorted: `catalog-info.yaml`, and whatever a pattern names.
    ///
    /// # Errors
    /// [`PortError::NotFound`].
    async fn list(&self, folder: &std::path::Path, pattern: &str) -> Result<Vec<PathBuf>, PortError>;

    /// All files under a folder, with their modes and links, within the limits of a tree.
    ///
    /// # Errors
    /// [`PortError::NotFound`], [`PortError::Invalid`] above the limits.
    async fn tree(&self, folder: &std::path::Path) -> Result<Tree, PortError>;
}
