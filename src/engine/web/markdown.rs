//! Markdown to HTML that is safe to show: what a document brings along that could run, load or
//! mislead is taken out.

use std::sync::LazyLock;

/// Renders GitHub's Markdown.
pub fn to_html(text: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.extension.header_id_prefix = Some("d-".into());
    CLEANER.clean(&comrak::markdown_to_html(text, &options)).to_string()
}

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut builder = ammonia::Builder::default();
    builder
        .add_tags(["input"])
        .add_tag_attributes("input", ["type", "checked", "disabled"])
        .add_generic_attributes(["id"])
        // Headings link to themselves; pictures from elsewhere would tell who reads.
        .rm_tags(["img"])
        .link_rel(Some("noreferrer noopener"))
        .url_schemes(["http", "https", "mailto"].into_iter().collect());
    builder
});
