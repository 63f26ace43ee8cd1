//! A small checker of shapes that finds faults in the order and in the words of ajv 8, since those
//! words are what Backstage answers. It owns the few JSON Schema rules that the catalog's schemas
//! use; the schemas themselves are in `kinds`.

use serde_json::Value;

use super::js;

/// A JSON type as JSON Schema names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Boolean,
    List,
    Object,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::List => "array",
            Self::Object => "object",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// What an object may hold besides its named properties.
#[derive(Debug, Clone, Copy)]
pub(super) enum Others {
    /// Anything.
    Any,
    /// Nothing.
    Refused,
    /// Values of one shape, checked before the named properties.
    Like(&'static Schema),
    /// Values of one shape under every key that is one line of text, checked after the named
    /// properties (a pattern `^.+$`).
    Lines(&'static Schema),
}

/// A shape. What is empty is not checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    pub(super) types: &'static [Type],
    /// Text must have at least one character.
    pub(super) non_empty: bool,
    /// Text must consist of letters, digits and underscores only.
    pub(super) word: bool,
    pub(super) one_of: &'static [&'static str],
    pub(super) required: &'static [&'static str],
    pub(super) properties: &'static [(&'static str, &'static Schema)],
    pub(super) others: Others,
    pub(super) items: Option<&'static Schema>,
    /// Exactly one of these shapes must fit.
    pub(super) alternatives: &'static [&'static Schema],
}

/// The shape that everything fits.
pub(super) const ANY: Schema = Schema {
    types: &[],
    non_empty: false,
    word: false,
    one_of: &[],
    required: &[],
    properties: &[],
    others: Others::Any,
    items: None,
    alternatives: &[],
};

/// What a violation is about, with what a sentence for a person needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Type(&'static [Type]),
    Empty,
    Word,
    OneOf(&'static [&'static str]),
    Missing(&'static str),
    Unknown(String),
    Alternatives(usize),
}

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// JSON pointer of the value that is wrong.
    pub(super) at: String,
    pub(super) rule: Rule,
}

impl Violation {
    /// `/spec/type must be string`; the root is `<root>`.
    pub(super) fn short(&self) -> String {
        let at = if self.at.is_empty() { "<root>" } else { &self.at };
        let words = match &self.rule {
            Rule::Type(types) => format!("must be {}", names(types)),
            Rule::Empty => "must NOT have fewer than 1 characters".to_owned(),
            Rule::Word => "must match pattern \"^\\w+$\"".to_owned(),
            Rule::OneOf(_) => "must be equal to one of the allowed values".to_owned(),
            Rule::Missing(name) => format!("must have required property '{name}'"),
            Rule::Unknown(_) => "must NOT have additional properties".to_owned(),
            Rule::Alternatives(_) => "must match exactly one schema in oneOf".to_owned(),
        };
        format!("{at} {words}")
    }

    /// As [`Self::short`], with the rule's parameter behind it.
    pub(super) fn long(&self) -> String {
        let parameter = match &self.rule {
            Rule::Type(types) => format!("type: {}", names(types)),
            Rule::Empty => "limit: 1".to_owned(),
            Rule::Word => "pattern: ^\\w+$".to_owned(),
            Rule::OneOf(values) => format!("allowedValues: {}", values.join(",")),
            Rule::Missing(name) => format!("missingProperty: {name}"),
            Rule::Unknown(name) => format!("additionalProperty: {name}"),
            Rule::Alternatives(0) => "passingSchemas: null".to_owned(),
            Rule::Alternatives(_) => "passingSchemas: 0,1".to_owned(),
        };
        format!("{} - {parameter}", self.short())
    }

    /// JSON pointer of what a person has to change: the missing or unknown property itself.
    pub(super) fn pointer(&self) -> String {
        match &self.rule {
            Rule::Missing(name) => format!("{}/{}", self.at, escape(name)),
            Rule::Unknown(name) => format!("{}/{}", self.at, escape(name)),
            _ => self.at.clone(),
        }
    }
}

fn names(types: &[Type]) -> String {
    types.iter().map(|one| one.name()).collect::<Vec<_>>().join(",")
}

/// A key as a part of a JSON pointer.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// All violations in the order in which ajv reports them.
pub(super) fn violations(schema: &Schema, value: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

fn check(schema: &Schema, value: &Value, at: &str, found: &mut Vec<Violation>) {
    let mut report = |rule: Rule| found.push(Violation { at: at.to_owned(), rule });
    if !schema.types.is_empty() && !schema.types.iter().any(|one| one.fits(value)) {
        report(Rule::Type(schema.types));
        return;
    }
    if let Value::String(text) = value {
        if schema.non_empty && text.is_empty() {
            report(Rule::Empty);
        }
        if schema.word && !is_word(text) {
            report(Rule::Word);
        }
    }
    if !schema.one_of.is_empty() && !value.as_str().is_some_and(|text| schema.one_of.contains(&text)) {
        report(Rule::OneOf(schema.one_of));
    }
    if !schema.alternatives.is_empty() {
        check_alternatives(schema.alternatives, value, at, found);
    }
    if let (Value::Array(items), Some(item_schema)) = (value, schema.items) {
        for (index, item) in items.iter().enumerate() {
            check(item_schema, item, &format!("{at}/{index}"), found);
        }
    }
    if let Value::Object(map) = value {
        check_object(schema, map, at, found);
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a key is one line of text, in the eyes of the pattern `^.+$`.
fn is_line(key: &str) -> bool {
    !key.is_empty() && !key.contains(['\n', '\r', '\u{2028}', '\u{2029}'])
}

fn check_alternatives(alternatives: &[&Schema], value: &Value, at: &str, found: &mut Vec<Violation>) {
    let mut inner = Vec::new();
    let mut fitting = 0;
    for alternative in alternatives {
        let before = inner.len();
        check(alternative, value, at, &mut inner);
        fitting += usize::from(inner.len() == before);
    }
    if fitting != 1 {
        found.append(&mut inner);
        found.push(Violation { at: at.to_owned(), rule: Rule::Alternatives(fitting) });
    }
}

fn check_object(schema: &Schema, map: &serde_json::Map<String, Value>, at: &str, found: &mut Vec<Violation>) {
    for &name in schema.required {
        if !map.contains_key(name) {
            found.push(Violation { at: at.to_owned(), rule: Rule::Missing(name) });
        }
    }
    let is_named = |key: &str| schema.properties.iter().any(|(name, _)| *name == key);
    let others = || js::entries(map).into_iter().filter(|(key, _)| !is_named(key));
    match schema.others {
        Others::Refused => {
            for (key, _) in others() {
                found.push(Violation { at: at.to_owned(), rule: Rule::Unknown(key.clone()) });
            }
        }
        Others::Like(shape) => {
            for (key, value) in others() {
                check(shape, value, &format!("{at}/{}", escape(key)), found);
            }
        }
        Others::Any | Others::Lines(_) => {}
    }
    for (name, shape) in schema.properties {
        if let Some(value) = map.get(*name) {
            check(shape, value, &format!("{at}/{}", escape(name)), found);
        }
    }
    if let Others::Lines(shape) = schema.others {
        for (key, value) in js::entries(map).into_iter().filter(|(key, _)| is_line(key)) {
            check(shape, value, &format!("{at}/{}", escape(key)), found);
        }
    }
}
