//! Small things about words: labels from names, text with links, numbers written out.

/// A run of text in a help line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Plain text.
    Text(String),
    /// A piece of code.
    Code(String),
    /// Text that stands out.
    Strong(String),
    /// A link to an `http`, `https` or `mailto` address or a place in the portal.
    Link {
        /// What it says.
        text: String,
        /// Where it leads.
        href: String,
    },
}

/// Abbreviations that are written in capitals wherever they stand.
const CAPITALS: &[&str] =
    &["id", "url", "uri", "api", "aws", "gcp", "sql", "dns", "ip", "cpu", "ci", "cd", "http", "ui", "db", "dsn", "ttl"];

/// A label for a property that has no title: `repoUrl` becomes "Repo URL", `component_id` "Component ID".
#[must_use]
pub fn label_from_key(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (index, c) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let after = letters.get(index + 1);
        // A capital begins a word after a small letter, and at the end of a run of capitals: `AWSRegion`.
        let after_small = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit());
        let ends_run = before.is_some_and(|b| b.is_uppercase()) && after.is_some_and(|a| a.is_lowercase());
        let separator = matches!(c, '_' | '-' | ' ' | '.');
        if separator || (c.is_uppercase() && (after_small || ends_run)) {
            words.push(String::new());
        }
        if let (false, Some(word)) = (separator, words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let spelled: Vec<String> = words.iter().enumerate().map(|(index, word)| spell(word, index == 0)).collect();
    if spelled.is_empty() { key.to_owned() } else { spelled.join(" ") }
}

fn spell(word: &str, first: bool) -> String {
    if CAPITALS.contains(&word) {
        return word.to_uppercase();
    }
    if first { capitalised(word) } else { word.to_owned() }
}

/// The text with its first letter in upper case.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A small number in words, a larger one in digits.
#[must_use]
pub fn number_word(number: usize) -> String {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(number).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// The heading over a list of faults: "Two answers need a change".
#[must_use]
pub fn summary_title(faults: usize) -> String {
    match faults {
        1 => "One answer needs a change".to_owned(),
        count => format!("{} answers need a change", capitalised(&number_word(count))),
    }
}

/// The inline Markdown that authors put into descriptions: code, strong text and links.
/// Anything else stays as it was written; nothing here ever becomes markup by itself.
#[must_use]
pub fn spans(text: &str) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((span, after)) = special(rest) {
            out.push(span);
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        if let Some(c) = chars.next() {
            match out.last_mut() {
                Some(Span::Text(run)) => run.push(c),
                _ => out.push(Span::Text(c.to_string())),
            }
        }
        rest = chars.as_str();
    }
    out
}

fn special(text: &str) -> Option<(Span, &str)> {
    if let Some(after) = text.strip_prefix("**") {
        let (inner, rest) = after.split_once("**").filter(|(inner, _)| !inner.is_empty())?;
        return Some((Span::Strong(inner.to_owned()), rest));
    }
    if let Some(after) = text.strip_prefix('`') {
        let (inner, rest) = after.split_once('`').filter(|(inner, _)| !inner.is_empty())?;
        return Some((Span::Code(inner.to_owned()), rest));
    }
    let (label, after) = text.strip_prefix('[')?.split_once("](")?;
    let (href, rest) = after.split_once(')')?;
    let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| href.starts_with(scheme))
        || (href.starts_with('/') && !href.starts_with("//"));
    let simple = !label.is_empty() && !label.contains(['[', '\n']) && !href.contains(char::is_whitespace);
    (safe && simple).then(|| (Span::Link { text: label.to_owned(), href: href.to_owned() }, rest))
}
