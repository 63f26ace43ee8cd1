//! Documents at addresses, which users may name: guarded, bounded, conditional.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;

use super::{Documents, MAX_DOCUMENT, Place, file};
use crate::kernel::tree::Tree;
use crate::ports::PortError;
use crate::ports::code_host::Fetched;
use crate::ports::http::{GuardedError, Http};

/// How long a document may take to arrive.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// Reads addresses and files.
#[derive(Debug)]
pub struct Reader {
    http: Http,
}

impl Reader {
    /// With a client whose guard names the allowed hosts.
    pub fn new(http: Http) -> Self {
        Self { http }
    }

    async fn read_url(&self, url: &::url::Url, known: Option<&str>) -> Result<Fetched, PortError> {
        let system = url.host_str().unwrap_or("The address").to_owned();
        let mut headers = vec![("accept", "text/plain, application/yaml, application/json, */*;q=0.5".to_owned())];
        headers.extend(known.map(|etag| ("if-none-match", etag.to_owned())));
        let answer = self.http.get_guarded(url, &headers, ANSWER_LIMIT).await;
        let mut response = answer.map_err(|e| match e {
            GuardedError::Refused(refusal) => {
                PortError::Refused { system: "The portal".to_owned(), why: refusal.to_string() }
            }
            other => PortError::Unavailable { system: system.clone(), why: root_cause(&other) },
        })?;
        let status = response.status();
        match status.as_u16() {
            200 => {}
            304 => return Ok(Fetched::NotModified),
            404 | 410 => return Err(PortError::NotFound { system, what: url.to_string() }),
            401 | 403 => return Err(PortError::Refused { system, why: format!("{url} answered {status}") }),
            429 => return Err(PortError::RateLimited { system, retry_after: Duration::from_secs(60) }),
            _ => return Err(PortError::Unavailable { system, why: format!("{url} answered {status}") }),
        }
        let etag = response.headers().get("etag").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let mut bytes = BytesMut::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|e| PortError::Unavailable { system: system.clone(), why: e.to_string() })?
        {
            if bytes.len() + chunk.len() > MAX_DOCUMENT {
                let size = response.content_length().unwrap_or((bytes.len() + chunk.len()) as u64);
                return Err(file::too_large(url.as_str(), size.max(MAX_DOCUMENT as u64 + 1)));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Fetched::Content { bytes: bytes.freeze(), etag })
    }
}

/// The innermost cause: "error sending request" says nothing.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[async_trait]
impl Documents for Reader {
    async fn read(&self, place: &Place, known: Option<&str>) -> Result<Fetched, PortError> {
        match place {
            Place::Url(url) => self.read_url(url, known).await,
            Place::File(path) => {
                let (path, known) = (path.clone(), known.map(str::to_owned));
                blocking(move || file::read(&path, known.as_deref())).await
            }
        }
    }

    async fn list(&self, folder: &std::path::Path, pattern: &str) -> Result<Vec<PathBuf>, PortError> {
        let (folder, pattern) = (folder.to_owned(), pattern.to_owned());
        blocking(move || file::list(&folder, &pattern)).await
    }

    async fn tree(&self, folder: &std::path::Path) -> Result<Tree, PortError> {
        let folder = folder.to_owned();
        blocking(move || file::tree(&folder)).await
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, PortError> + Send + 'static,
) -> Result<T, PortError> {
    tokio::task::spawn_blocking(act)
        .await
        .map_err(|e| PortError::Unavailable { system: "This machine".to_owned(), why: e.to_string() })?
}
