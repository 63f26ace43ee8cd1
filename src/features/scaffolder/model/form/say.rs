//! What is wrong with an answer, in words that say what to do instead.

use serde_json::Value;

use super::draw::label;
use super::shape::{Shape, options, shape};
use super::ui::{ui, ui_text};
use super::upstream::text;

/// How many allowed values are listed in a message.
const MAX_LISTED: usize = 6;

/// The message for a broken keyword of a schema. `argument` is what the keyword demands.
pub(super) fn say(keyword: &str, schema: &Value, argument: &Value) -> String {
    if let Some(own) = own_message(schema, keyword) {
        return own;
    }
    match keyword {
        "type" => kind(schema),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
            range(schema).unwrap_or_else(|| "Choose another number.".to_owned())
        }
        "multipleOf" | "divisibleBy" => format!("Choose a multiple of {}.", text(argument)),
        "minLength" | "maxLength" => lengths(schema),
        "pattern" => pattern(schema),
        "format" => format_words(argument.as_str().unwrap_or_default()).to_owned(),
        "minItems" | "maxItems" => counts(schema),
        "uniqueItems" => "The same value is here twice.".to_owned(),
        "const" | "enum" if shape(schema) == Shape::Check => "Tick this to go on.".to_owned(),
        "const" => format!("This must be “{}”.", text(argument)),
        "enum" => one_of(schema),
        "additionalProperties" => format!("“{}” is not known here.", text(argument)),
        "contains" => "One entry that has to be here is missing.".to_owned(),
        "minProperties" => format!("Add at least {}.", text(argument)),
        "maxProperties" => format!("At most {} entries are possible here.", text(argument)),
        "anyOf" | "oneOf" => alternatives(schema, keyword),
        "limit" => "The rules of this template are too many to check.".to_owned(),
        _ => "This answer is not possible here.".to_owned(),
    }
}

/// The message for an answer that is missing.
pub(super) fn say_missing(schema: &Value) -> String {
    if let Some(own) = own_message(schema, "required") {
        return own;
    }
    match shape(schema) {
        Shape::Number(true) => range(schema).unwrap_or_else(|| "Write a whole number.".to_owned()),
        Shape::Number(false) => range(schema).unwrap_or_else(|| "Write a number.".to_owned()),
        Shape::Options | Shape::Entity => "Choose one.".to_owned(),
        Shape::Many | Shape::Entities | Shape::Tags => "Choose at least one.".to_owned(),
        Shape::List | Shape::Object => "Add at least one.".to_owned(),
        Shape::Repo => "Say which repository.".to_owned(),
        Shape::Check => "Tick this to go on.".to_owned(),
        _ => "Fill this in.".to_owned(),
    }
}

/// What the author wrote for this case: `errorMessage` as one text or per keyword.
fn own_message(schema: &Value, keyword: &str) -> Option<String> {
    let written = schema.get("errorMessage").or_else(|| ui(schema, "errorMessage"))?;
    let own = written.as_str().or_else(|| written.get(keyword)?.as_str())?;
    (!own.is_empty()).then(|| own.to_owned())
}

fn kind(schema: &Value) -> String {
    match shape(schema) {
        Shape::Number(true) => "Write a whole number.",
        Shape::Number(false) => "Write a number, such as 2 or 2.5.",
        Shape::Check | Shape::Options => "Choose one of the options.",
        Shape::List | Shape::Many => "This must be a list.",
        _ => "Fill this in.",
    }
    .to_owned()
}

/// The numbers that are possible, as a request. `None` when there is no limit.
pub(super) fn range(schema: &Value) -> Option<String> {
    let limit = |key: &str| schema.get(key).filter(|limit| limit.is_number());
    let (low, above) = (limit("minimum"), limit("exclusiveMinimum"));
    let (high, below) = (limit("maximum"), limit("exclusiveMaximum"));
    let step = limit("multipleOf")
        .filter(|step| step.as_f64() != Some(1.0))
        .map(|step| format!(" in steps of {}", text(step)))
        .unwrap_or_default();
    let words = match (low, above, high, below) {
        (Some(low), None, Some(high), None) => format!("from {} to {}", text(low), text(high)),
        (Some(low), None, None, None) => format!("of {} or more", text(low)),
        (None, None, Some(high), None) => format!("of {} or less", text(high)),
        (None, None, None, None) => return None,
        _ => {
            let low =
                above.map(|n| format!("above {}", text(n))).or_else(|| low.map(|n| format!("of {} or more", text(n))));
            let high =
                below.map(|n| format!("below {}", text(n))).or_else(|| high.map(|n| format!("at most {}", text(n))));
            low.into_iter().chain(high).collect::<Vec<_>>().join(" and ")
        }
    };
    Some(format!("Choose a number {words}{step}."))
}

fn lengths(schema: &Value) -> String {
    let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
    let letters = |count: u64| if count == 1 { "1 character".to_owned() } else { format!("{count} characters") };
    match (limit("minLength"), limit("maxLength")) {
        (Some(low), Some(high)) if low == high => format!("Use exactly {}.", letters(low)),
        (Some(low), Some(high)) => format!("Use {low} to {}.", letters(high)),
        (Some(1), None) => "Fill this in.".to_owned(),
        (Some(low), None) => format!("Use at least {}.", letters(low)),
        (None, Some(high)) => format!("Use at most {}.", letters(high)),
        (None, None) => "The length is not right.".to_owned(),
    }
}

fn counts(schema: &Value) -> String {
    let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
    let verb = if matches!(shape(schema), Shape::List) { "Add" } else { "Choose" };
    match (limit("minItems"), limit("maxItems")) {
        (Some(low), Some(high)) if low == high => format!("{verb} exactly {low}."),
        (Some(low), Some(high)) => format!("{verb} {low} to {high}."),
        (Some(1), None) => format!("{verb} at least one."),
        (Some(low), None) => format!("{verb} at least {low}."),
        (None, Some(high)) => format!("{verb} at most {high}."),
        (None, None) => "The number of entries is not right.".to_owned(),
    }
}

/// A broken pattern: told by the author's description, else by reading the pattern itself.
fn pattern(schema: &Value) -> String {
    let description = ui_text(schema, "description").or_else(|| schema.get("description").and_then(Value::as_str));
    if let Some(help) = ui_text(schema, "patternDescription")
        .or(description)
        .or_else(|| ui_text(schema, "help"))
        .map(str::trim)
        .filter(|help| !help.is_empty())
    {
        return format!("This does not have the right form. {help}");
    }
    let written = schema.get("pattern").and_then(Value::as_str).unwrap_or_default();
    letters_allowed(written).unwrap_or_else(|| format!("This does not fit the pattern {written}"))
}

/// Reads patterns such as `^[a-z0-9-]+$` aloud. `None` for anything less plain.
fn letters_allowed(pattern: &str) -> Option<String> {
    let body = pattern.strip_prefix("^[")?.strip_suffix('$')?;
    let (class, repeat) = body.split_once(']')?;
    let counted = repeat.starts_with('{') && repeat.ends_with('}');
    if !(matches!(repeat, "+" | "*") || counted) || class.starts_with('^') {
        return None;
    }
    let mut rest = class.to_owned();
    let mut take = |piece: &str| {
        let found = rest.contains(piece);
        rest = rest.replace(piece, "");
        found
    };
    let word = take("\\w");
    let (lower, upper) = (take("a-z") || word, take("A-Z") || word);
    let digits = take("0-9") | take("\\d") || word;
    let (underscore, dot) = (word || take("_"), take("\\.") | take("."));
    let (slash, hyphen) = (take("\\/") | take("/"), take("\\-") | take("-"));
    let blank = take(" ");
    if !rest.is_empty() {
        return None;
    }
    let case = match (lower, upper) {
        (true, true) => Some("letters"),
        (true, false) => Some("lower-case letters"),
        (false, true) => Some("upper-case letters"),
        (false, false) => None,
    };
    let signs = [
        (digits, "digits"),
        (hyphen, "hyphens"),
        (underscore, "underscores"),
        (dot, "dots"),
        (slash, "slashes"),
        (blank, "spaces"),
    ];
    let names: Vec<&str> =
        case.into_iter().chain(signs.iter().filter(|(has, _)| *has).map(|(_, name)| *name)).collect();
    let length = repeat.trim_matches(['{', '}']);
    let length = if counted { format!(", {} characters", length.replace(',', " to ").trim()) } else { String::new() };
    Some(format!("Use only {}{length}.", and(&names)?))
}

/// "a, b and c".
fn and(names: &[&str]) -> Option<String> {
    let (last, rest) = names.split_last()?;
    Some(if rest.is_empty() { (*last).to_owned() } else { format!("{} and {last}", rest.join(", ")) })
}

fn format_words(format: &str) -> &'static str {
    match format {
        "email" | "idn-email" => "Write an e-mail address, such as name@example.com.",
        "uri" | "iri" => "Write a full address, such as https://example.com.",
        "uri-reference" | "iri-reference" => "Write an address.",
        "date" => "Write a date that exists, such as 2026-03-31.",
        "time" => "Write a time, such as 14:30:00Z.",
        "date-time" => "Write a date and time, such as 2026-03-31T14:30:00Z.",
        "hostname" | "idn-hostname" => "Write a host name, such as api.example.com.",
        "ipv4" => "Write an IPv4 address, such as 192.0.2.10.",
        "ipv6" => "Write an IPv6 address, such as 2001:db8::1.",
        "uuid" => "Write a UUID.",
        "regex" => "Write a regular expression.",
        "json-pointer" => "Write a JSON pointer, such as /spec/owner.",
        _ => "This does not have the right form.",
    }
}

fn one_of(schema: &Value) -> String {
    let labels: Vec<String> = options(schema).into_iter().map(|option| option.label).collect();
    match labels.len() {
        1..=MAX_LISTED => format!("Choose one of these: {}.", labels.join(", ")),
        _ => "Choose one of the options.".to_owned(),
    }
}

/// Options that only say which answers go together.
fn alternatives(schema: &Value, keyword: &str) -> String {
    let options = schema.get(keyword).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let name = |key: &str| {
        schema
            .get("properties")
            .and_then(|all| all.get(key))
            .map_or_else(|| key.to_owned(), |property| label(property, key))
    };
    let wanted = |option: &Value| {
        let keys = option.get("required")?.as_array()?.iter().filter_map(Value::as_str).map(name).collect::<Vec<_>>();
        (option.as_object()?.len() == 1 && !keys.is_empty()).then(|| keys.join(" and "))
    };
    let all: Option<Vec<String>> = options.iter().map(wanted).collect();
    match all.filter(|all| !all.is_empty()) {
        Some(all) if keyword == "anyOf" => format!("Answer at least one of these: {}.", all.join(", ")),
        Some(all) => format!("Answer exactly one of these: {}.", all.join(", ")),
        None => "This does not fit any of the forms that are possible here.".to_owned(),
    }
}
