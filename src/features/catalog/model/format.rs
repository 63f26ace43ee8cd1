//! How names, keys, tags and addresses must be spelt. The rules and the words are those of
//! Backstage's field format policy; it owns spelling and nothing of shapes.

use serde_json::{Map, Value};

use super::js;
use super::refusal::{ErrorBody, Problem};
use super::schema::escape;

/// Names, labels and tags may have this many characters.
const MAX_NAME_UNITS: usize = 63;
/// The prefix of a key may have this many characters.
const MAX_PREFIX_UNITS: usize = 253;

const LEARN_MORE: &str = "To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md";

/// How a text must be spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    ApiVersion,
    Kind,
    Name,
    Namespace,
    Key,
    LabelValue,
    Text,
    Tag,
    Url,
    NonBlank,
}

impl Spelling {
    /// What Backstage says it expects.
    fn expectation(self) -> &'static str {
        match self {
            Self::ApiVersion | Self::Key => "a valid prefix and/or suffix",
            Self::Kind => "a string that is a sequence of [a-zA-Z][a-z0-9A-Z], at most 63 characters in total",
            Self::Name | Self::LabelValue => {
                "a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total"
            }
            Self::Namespace => {
                "a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total"
            }
            Self::Tag => "a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total",
            Self::Text => "a string",
            Self::Url => "a string that is a valid url",
            Self::NonBlank => "a non empty string",
        }
    }

    /// What to do, for a person.
    fn hint(self) -> &'static str {
        match self {
            Self::ApiVersion => "Write `backstage.io/v1alpha1`, or `scaffolder.backstage.io/v1beta3` for a Template.",
            Self::Kind => "Use letters and digits only, a letter first, for example `Component`.",
            Self::Name => {
                "Use letters, digits, `-`, `_` and `.`, a letter or digit first and last, at most 63 characters. A nicer name can stand in `metadata.title`."
            }
            Self::LabelValue => {
                "Use letters, digits, `-`, `_` and `.`, at most 63 characters. Longer or free text belongs in an annotation."
            }
            Self::Namespace => "Use small letters, digits and `-`, at most 63 characters.",
            Self::Key => {
                "Use `name` or `domain.example/name`: letters, digits, `-`, `_` and `.`, the domain in small letters."
            }
            Self::Text => "Put the value in quotes.",
            Self::Tag => "Use small letters, digits, `:`, `+`, `#` and single dashes, at most 63 characters.",
            Self::Url => "Write a complete address, for example `https://example.com/docs`.",
            Self::NonBlank => "Write a text, or remove the line.",
        }
    }

    fn fits(self, text: &str) -> bool {
        match self {
            Self::ApiVersion => {
                prefixed(text, |suffix| is_sized(suffix) && suffix.bytes().all(|b| b.is_ascii_alphanumeric()))
            }
            Self::Kind => {
                is_sized(text)
                    && text.starts_with(|c: char| c.is_ascii_alphabetic())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric())
            }
            Self::Name => is_name(text),
            Self::Namespace => is_dns_label(text),
            Self::Key => prefixed(text, is_name),
            Self::LabelValue => text.is_empty() || is_name(text),
            Self::Text => true,
            Self::Tag => is_tag(text),
            Self::Url => url::Url::parse(text).is_ok(),
            Self::NonBlank => !js::trim(text).is_empty(),
        }
    }
}

/// Between one and 63 UTF-16 units, as JavaScript counts.
fn is_sized(text: &str) -> bool {
    (1..=MAX_NAME_UNITS).contains(&text.encode_utf16().count())
}

fn is_name(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    is_sized(text)
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_dns_label(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    is_sized(text)
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_tag(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b':' | b'+' | b'#'))
    };
    is_sized(text) && text.split('-').all(is_part)
}

/// `suffix` or `prefix/suffix`, where the prefix is a domain name.
fn prefixed(text: &str, is_suffix: impl Fn(&str) -> bool) -> bool {
    match text.split_once('/') {
        None => is_suffix(text),
        Some((prefix, suffix)) => {
            let is_sized = (1..=MAX_PREFIX_UNITS).contains(&prefix.encode_utf16().count());
            is_sized && prefix.split('.').all(is_dns_label) && !suffix.contains('/') && is_suffix(suffix)
        }
    }
}

/// A text that is not spelt as it must be.
#[derive(Debug, Clone)]
pub(super) struct Misspelling {
    /// The field in Backstage's notation, `labels.tier`.
    field: String,
    pointer: String,
    found: Option<String>,
    spelling: Spelling,
}

impl Misspelling {
    /// The error for the interface.
    pub(super) fn error(&self) -> ErrorBody {
        let message = match &self.found {
            None => format!("{} must have a value", self.field),
            Some(found) => format!(
                "\"{}\" is not valid; expected {} but found \"{found}\". {LEARN_MORE}",
                self.field,
                self.spelling.expectation()
            ),
        };
        ErrorBody::new("Error", message)
    }

    /// The problem for our page.
    pub(super) fn problem(&self) -> Problem {
        let sentence = match (&self.found, self.spelling) {
            (None, _) => format!("`{}` has no value.", self.field),
            (Some(found), Spelling::Key) => format!("The key `{found}` is not allowed."),
            (Some(found), _) => format!("`{}` cannot be `{found}`.", self.field),
        };
        Problem::new(self.pointer.clone(), sentence, self.spelling.hint())
    }
}

/// All misspellings of an entity, in the order in which Backstage looks for them. The shape of the
/// entity must have been checked before.
pub(super) fn misspellings(entity: &Value) -> Vec<Misspelling> {
    let mut found = Vec::new();
    let metadata = &entity["metadata"];
    let mut look = |field: String, pointer: String, value: Option<&Value>, spelling: Spelling| {
        let text = value.and_then(Value::as_str);
        if text.is_none_or(|text| !spelling.fits(text)) {
            found.push(Misspelling { field, pointer, found: value.map(js::value_text), spelling });
        }
    };
    let mut field = |name: &str, value: Option<&Value>, spelling: Spelling| {
        look(name.to_owned(), format!("/{}", name.replace('.', "/")), value, spelling);
    };
    field("apiVersion", entity.get("apiVersion"), Spelling::ApiVersion);
    field("kind", entity.get("kind"), Spelling::Kind);
    field("metadata.name", metadata.get("name"), Spelling::Name);
    if let Some(namespace) = metadata.get("namespace") {
        field("metadata.namespace", Some(namespace), Spelling::Namespace);
    }
    for (group, spelling) in [("labels", Spelling::LabelValue), ("annotations", Spelling::Text)] {
        for (key, value) in metadata.get(group).and_then(Value::as_object).map_or_else(Vec::new, js::entries) {
            let (name, pointer) = (format!("{group}.{key}"), format!("/metadata/{group}/{}", escape(key)));
            look(name.clone(), pointer.clone(), Some(&Value::String(key.clone())), Spelling::Key);
            look(name, pointer, Some(value), spelling);
        }
    }
    for (index, tag) in metadata.get("tags").and_then(Value::as_array).into_iter().flatten().enumerate() {
        look(format!("tags.{index}"), format!("/metadata/tags/{index}"), Some(tag), Spelling::Tag);
    }
    for (index, link) in metadata.get("links").and_then(Value::as_array).into_iter().flatten().enumerate() {
        for (name, spelling) in [("url", Spelling::Url), ("title", Spelling::NonBlank), ("icon", Spelling::NonBlank)] {
            let value = link.get(name);
            if name == "url" || value.is_some() {
                look(format!("links.{index}.{name}"), format!("/metadata/links/{index}/{name}"), value, spelling);
            }
        }
    }
    found
}

/// The root fields that are not for authors, in the order of the document.
pub(super) fn foreign_root_fields(entity: &Map<String, Value>) -> impl Iterator<Item = &String> {
    const KNOWN: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
    js::entries(entity).into_iter().map(|(key, _)| key).filter(|key| !KNOWN.contains(&key.as_str()))
}
