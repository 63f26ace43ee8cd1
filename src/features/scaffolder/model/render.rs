//! From a skeleton to files: names and contents rendered as `fetch:template` does it.

use serde_json::Value;

use super::expression::{Engine, ExpressionError};
use super::input::FetchTemplate;
use crate::kernel::tree::{File, Mode, Tree, TreeError, TreePath};

/// Why a skeleton does not render.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// In a file's content.
    #[error("{path}{}: {error}", .error.line.map(|l| format!(", line {l}")).unwrap_or_default())]
    Content {
        /// The file in the skeleton.
        path: String,
        /// What is wrong.
        error: ExpressionError,
    },
    /// In a file's name.
    #[error("the name of {path}: {error}")]
    Name {
        /// The file in the skeleton.
        path: String,
        /// What is wrong.
        error: ExpressionError,
    },
    /// A rendered path or the whole tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Renders a skeleton into a workspace. Files that are there stay, unless `replace` is set.
///
/// # Errors
/// See [`RenderError`].
pub fn fetch_template(skeleton: &Tree, input: &FetchTemplate, workspace: &mut Tree) -> Result<usize, RenderError> {
    let engine = Engine::new(input.trim_blocks, input.lstrip_blocks);
    let context = serde_json::json!({ "values": input.values });
    let mut made = 0;
    for (path, file) in skeleton.iter() {
        let Some(target) = name(&engine, path, input, &context)? else { continue };
        let target = place(&input.target_path, &target)?;
        if workspace.get(&target).is_some() && !input.replace {
            continue;
        }
        let content = content(&engine, path, file, input, &context)?;
        workspace.insert(target, content)?;
        made += 1;
    }
    Ok(made)
}

/// Puts a tree into a workspace as it is.
///
/// # Errors
/// The workspace's limits.
pub fn fetch_plain(tree: &Tree, target_path: &str, workspace: &mut Tree) -> Result<usize, RenderError> {
    for (path, file) in tree.iter() {
        workspace.insert(place(target_path, path.as_str())?, file.clone())?;
    }
    Ok(tree.len())
}

fn place(folder: &str, path: &str) -> Result<TreePath, TreeError> {
    TreePath::new(&format!("{}/{path}", if folder.is_empty() { "." } else { folder }))
}

/// The rendered name; `None` if it renders to a path with an empty part, by which authors leave files out.
fn name(
    engine: &Engine,
    path: &TreePath,
    input: &FetchTemplate,
    context: &Value,
) -> Result<Option<String>, RenderError> {
    let mut text = path.as_str();
    if !is_raw_name(path, input) && (text.contains("${{") || text.contains("{%")) {
        let rendered =
            engine.text(text, context).map_err(|error| RenderError::Name { path: path.to_string(), error })?;
        let rendered = strip(&rendered, input);
        let skipped =
            rendered.is_empty() || rendered.starts_with('/') || rendered.contains("//") || rendered.ends_with('/');
        return Ok((!skipped).then_some(rendered));
    }
    if let Some(extension) = &input.template_extension {
        text = text.strip_suffix(extension.as_str()).unwrap_or(text);
    }
    Ok(Some(text.to_owned()))
}

fn strip(path: &str, input: &FetchTemplate) -> String {
    match &input.template_extension {
        Some(extension) => path.strip_suffix(extension.as_str()).unwrap_or(path).to_owned(),
        None => path.to_owned(),
    }
}

fn is_raw_name(path: &TreePath, input: &FetchTemplate) -> bool {
    input.copy_without_render.is_match(path.as_str())
}

fn content(
    engine: &Engine,
    path: &TreePath,
    file: &File,
    input: &FetchTemplate,
    context: &Value,
) -> Result<File, RenderError> {
    let raw = file.mode == Mode::Symlink
        || input.copy_without_templating.is_match(path.as_str())
        || input.copy_without_render.is_match(path.as_str())
        || input.template_extension.as_ref().is_some_and(|e| !path.as_str().ends_with(e.as_str()));
    let Some(text) = file.text().filter(|_| !raw) else { return Ok(file.clone()) };
    if !text.contains("${{") && !text.contains("{%") && !text.contains("{#") {
        return Ok(file.clone());
    }
    let rendered =
        engine.text(text, context).map_err(|error| RenderError::Content { path: path.to_string(), error })?;
    Ok(File { content: rendered.into(), mode: file.mode })
}
