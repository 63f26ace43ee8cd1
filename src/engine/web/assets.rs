//! Static files, embedded, served with their content's hash in the name, so that they may be kept for
//! ever and a new release is seen at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::extract::Path;

#[derive(rust_embed::RustEmbed)]
#[folder = "static/"]
struct Files;

/// Addresses by name, and names by hashed name.
struct Names {
    urls: HashMap<String, String>,
    files: HashMap<String, String>,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = Names { urls: HashMap::new(), files: HashMap::new() };
        for name in Files::iter() {
            let Some(file) = Files::get(&name) else { continue };
            let hash = hex::encode(&file.metadata.sha256_hash()[..6]);
            let hashed = match name.rsplit_once('.') {
                Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
                None => format!("{name}.{hash}"),
            };
            names.urls.insert(name.to_string(), format!("/static/{hashed}"));
            names.files.insert(hashed, name.to_string());
        }
        names
    })
}

/// The address of a static file, for example `base.css`. One that is not there has an address that
/// answers 404, which tests find.
pub fn url(name: &str) -> &'static str {
    names().urls.get(name).map_or("/static/missing", String::as_str)
}

/// The address of an icon in the sprite.
pub fn icon(name: &str) -> String {
    format!("{}#{name}", url("icons.svg"))
}

/// Serves a static file by its hashed name.
pub async fn serve(Path(name): Path<String>) -> Response {
    let Some(file) = names().files.get(&name).and_then(|n| Files::get(n).map(|f| (n, f))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mime = match file.0.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let body = match file.1.data {
        Cow::Borrowed(bytes) => axum::body::Body::from(bytes),
        Cow::Owned(bytes) => axum::body::Body::from(bytes),
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}
