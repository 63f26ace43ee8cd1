//! `/docs`: the portal's own documentation, embedded.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use crate::engine::app::App;
use crate::engine::web::{Page, Path, Problem, Visitor, html, markdown};

#[derive(rust_embed::RustEmbed)]
#[folder = "docs/"]
struct Files;

/// The routes under `/docs`.
pub fn routes() -> Router<App> {
    Router::new().route("/", get(index)).route("/{name}", get(show))
}

#[derive(Template)]
#[template(path = "docs/show.html")]
struct DocsPage {
    page: Page,
    title: String,
    all: Vec<(String, String, bool)>,
    body: String,
}

async fn index(visitor: Visitor) -> Result<Response, Problem> {
    render(visitor, "index")
}

async fn show(visitor: Visitor, Path(name): Path<String>) -> Result<Response, Problem> {
    render(visitor, name.trim_end_matches(".md"))
}

fn render(visitor: Visitor, name: &str) -> Result<Response, Problem> {
    let text = read(name)
        .ok_or_else(|| Problem::not_found(format_args!("page “{name}” in the docs")).way_on("See the docs", "/docs"))?;
    let mut names: Vec<String> = Files::iter().filter_map(|n| n.strip_suffix(".md").map(str::to_owned)).collect();
    names.sort_by_key(|n| (n != "index", n.clone()));
    let all = names
        .into_iter()
        .map(|n| {
            let title = read(&n).map(|t| heading(&t)).unwrap_or_default();
            let href = if n == "index" { "/docs".to_owned() } else { format!("/docs/{n}") };
            (title, href, n == name)
        })
        .collect();
    html(&DocsPage { page: visitor.page, title: heading(&text), all, body: markdown::to_html(&text) })
}

fn read(name: &str) -> Option<String> {
    String::from_utf8(Files::get(&format!("{name}.md"))?.data.into_owned()).ok()
}

fn heading(text: &str) -> String {
    text.lines().find_map(|l| l.strip_prefix("# ")).unwrap_or("Docs").to_owned()
}
