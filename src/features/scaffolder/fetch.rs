//! Where a template's files are: folders named by a step, relative to the template or by address.

use std::path::Path;

use crate::engine::app::App;
use crate::features::catalog::places::Target;
use crate::features::catalog::store::SourceKind;
use crate::kernel::tree::{Tree, TreePath};
use crate::ports::PortError;

/// Reads the folder that a step names.
///
/// # Errors
/// It is not there, or no place that the portal reads.
pub async fn folder(app: &App, template_location: &str, url: &str) -> Result<Tree, PortError> {
    let refused = |why: String| PortError::Refused { system: "The portal".to_owned(), why };
    if let Some(address) = absolute(template_location, url) {
        let target = Target::of_address(app, &address).ok_or_else(|| refused(format!("“{address}” is no address")))?;
        return in_repository(app, &target).await;
    }
    let path = TreePath::new(url).map_err(|e| refused(e.to_string()))?;
    let base = Path::new(template_location).parent().unwrap_or(Path::new("/"));
    app.documents.tree(&base.join(path.as_str())).await
}

/// The address that a step means; `None` if the template is a file and the folder lies beside it.
fn absolute(template_location: &str, url: &str) -> Option<String> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Some(url.to_owned());
    }
    let base = url::Url::parse(template_location).ok().filter(|u| u.has_host())?;
    base.join(url).ok().map(|u| u.to_string())
}

async fn in_repository(app: &App, target: &Target) -> Result<Tree, PortError> {
    let refused = || PortError::Refused {
        system: "The portal".to_owned(),
        why: format!("{} is in no repository of a code host that the portal knows", target.target),
    };
    if target.kind != SourceKind::Repository {
        return Err(refused());
    }
    let (name, branch, path) = target.in_repository().ok_or_else(refused)?;
    let (host, name) = app.code_hosts.locate(&name).ok_or_else(refused)?;
    host.read_tree(&name, branch, path).await
}
