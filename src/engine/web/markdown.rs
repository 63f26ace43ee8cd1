//! Markdown to HTML that is safe to show: what a document brings along that could run, load or
//! mislead is taken out.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use url::Url;

/// Before the ids of headings, so that a document cannot take those of the page.
const HEADING: &str = "d-";

/// Renders GitHub's Markdown. Relative links stay as they are.
pub fn to_html(text: &str) -> String {
    cleaner(Links { of_file: None }).clean(&rendered(text)).to_string()
}

/// Renders a file of a repository. Relative links lead from the file's folder; those that begin with
/// `/` from the root of the repository, as on GitHub.
///
/// `root` is the page of the repository's root, and `folder` the file's, `/`-separated, without a
/// slash at either end.
pub fn to_html_of_file(text: &str, root: &str, folder: &str) -> String {
    // Joined as a browser would, below a host that stands for the repository.
    let inside = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let base = Url::parse(&format!("http://{REPOSITORY}/{inside}")).ok();
    let of_file = base.map(|base| (base, root.trim_end_matches('/').to_owned()));
    let mut html = rendered(text);
    // The page has its own title, and the file stands below one of its headings.
    for level in (1..=6_u8).rev() {
        let lower = (level + 2).min(6);
        html = html
            .replace(&format!("<h{level}"), &format!("<h{lower}"))
            .replace(&format!("</h{level}>"), &format!("</h{lower}>"));
    }
    cleaner(Links { of_file }).clean(&html).to_string()
}

/// Stands for the repository while links are joined.
const REPOSITORY: &str = "repository";

/// Where relative links lead: from the folder of a file, and the page of its repository's root.
struct Links {
    of_file: Option<(Url, String)>,
}

impl ammonia::UrlRelativeEvaluate<'static> for Links {
    fn evaluate<'url>(&self, link: &'url str) -> Option<Cow<'url, str>> {
        if let Some(name) = link.strip_prefix('#') {
            // `#install` of an author means the heading that we call `d-install`.
            let is_ours = name.is_empty() || name.starts_with(HEADING);
            return Some(if is_ours { link.into() } else { format!("#{HEADING}{name}").into() });
        }
        let Some((base, root)) = &self.of_file else { return Some(link.into()) };
        let joined = base.join(link).ok()?;
        // Two slashes lead to another host.
        let inside = joined.host_str() == Some(REPOSITORY);
        inside.then(|| format!("{root}{}", joined[url::Position::BeforePath..].trim_end_matches('/')).into())
    }
}

fn rendered(text: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.extension.header_id_prefix = Some(HEADING.into());
    let html = comrak::markdown_to_html(text, &options);
    // The empty link of every heading to itself would be a stop for the keyboard that says nothing.
    // So would a box that nobody can tick.
    let html = html
        .replace(r#"<input type="checkbox" checked="" disabled="" />"#, "\u{2611}")
        .replace(r#"<input type="checkbox" disabled="" />"#, "\u{2610}");
    SELF_LINK.as_ref().map_or_else(|_| html.clone(), |link| link.replace_all(&html, "").into_owned())
}

static SELF_LINK: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(r##"<a href="#[^"]*" aria-label="[^"]*" data-heading-content="[^"]*" class="anchor"></a>"##)
});

fn cleaner(links: Links) -> ammonia::Builder<'static> {
    let mut builder = ammonia::Builder::default();
    builder
        .add_generic_attributes(["id"])
        // Pictures from elsewhere would tell who reads.
        .rm_tags(["img"])
        .link_rel(Some("noreferrer noopener"))
        .url_schemes(["http", "https", "mailto"].into_iter().collect())
        .url_relative(ammonia::UrlRelative::Custom(Box::new(links)));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_file_lead_from_where_it_lies() {
        let of = |link: &str| {
            let html = to_html_of_file(&format!("[x]({link})"), "/git/acme/shop/blob/main", "docs/api");
            html.split('"').nth(1).unwrap_or_default().to_owned()
        };
        assert_eq!(of("errors.md"), "/git/acme/shop/blob/main/docs/api/errors.md");
        assert_eq!(of("../../src/main.rs#L3"), "/git/acme/shop/blob/main/src/main.rs#L3");
        assert_eq!(of("../../../../../../admin"), "/git/acme/shop/blob/main/admin", "nothing leads out");
        assert_eq!(of("/LICENSE"), "/git/acme/shop/blob/main/LICENSE");
        assert_eq!(of("#usage"), "#d-usage");
        let at_the_root = to_html_of_file("[x](docs/index.md)", "/git/acme/shop/blob/main", "");
        assert!(at_the_root.contains(r#"href="/git/acme/shop/blob/main/docs/index.md""#), "{at_the_root}");
        assert_eq!(of("https://acme.example/"), "https://acme.example/");
        assert_ne!(of("//evil.example/x"), "//evil.example/x");
        assert_ne!(of("javascript:alert(1)"), "javascript:alert(1)");
    }

    #[test]
    fn headings_can_be_reached_and_are_no_links() {
        let html = to_html("# Usage of `it`\n\n[see](#usage-of-it)");
        assert!(html.contains(r#"id="d-usage-of-it""#), "{html}");
        assert!(html.contains(r##"href="#d-usage-of-it""##), "{html}");
        assert_eq!(html.matches("<a ").count(), 1, "{html}");
    }

    #[test]
    fn a_file_stands_below_the_page_and_its_boxes_are_words() {
        let html = to_html_of_file("# Shop\n\n### Run\n\n- [x] done\n- [ ] open", "/git/acme/shop/blob/main", "");
        assert!(html.contains("<h3 id=\"d-shop\">Shop</h3>") && html.contains("<h5 id=\"d-run\">"), "{html}");
        assert!(html.contains("\u{2611} done") && html.contains("\u{2610} open") && !html.contains("input"), "{html}");
    }

    #[test]
    fn what_could_run_or_load_is_taken_out() {
        let html = to_html("<script>alert(1)</script> ![p](https://evil.example/p.png) <b onclick=x>b</b>");
        assert!(!html.contains("script") && !html.contains("img") && !html.contains("onclick"), "{html}");
    }
}
