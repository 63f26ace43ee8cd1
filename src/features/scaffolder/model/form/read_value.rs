//! Reading the answers to simple questions.

use serde_json::{Number, Value, json};

use super::MAX_ITEMS;
use super::controls::is_moment;
use super::draw_picker::allows_other;
use super::pick::Context;
use super::read::{At, Reader};
use super::repo::{Address, hosts, parts};
use super::shape::{Opt, Shape, options, types};
use super::ui::{ui, ui_text};
use crate::kernel::secret::Secret;

/// The longest mask that stands for a secret among the answers.
const MAX_MASK: usize = 256;

impl Reader<'_> {
    /// The answer to a question with one value.
    pub(super) fn single(&mut self, shape: Shape, schema: &Value, at: &At, before: Option<&Value>) -> Option<Value> {
        let name = at.old.name();
        let raw = self.posted.last(&name).unwrap_or_default();
        match shape {
            Shape::Check => Some(Value::Bool(raw == "true")),
            Shape::Number(whole) => self.number(raw, whole, schema, at),
            Shape::Options => self.option(raw, schema, at),
            Shape::Password => self.password(raw, at, before),
            Shape::Secret => self.secret(raw, at, before),
            Shape::Entity => {
                self.query(at);
                let chosen = self.posted.all(&name).last().map(|value| (*value).to_owned());
                chosen.or_else(|| self.only_query(schema, at)).map(Value::String)
            }
            Shape::Repo => self.repo(schema, at),
            _ => self.text(raw, schema, at),
        }
    }

    fn text(&mut self, raw: &str, schema: &Value, at: &At) -> Option<Value> {
        // Browsers send CRLF; files and scripts made from the answer want LF.
        let lines = raw.replace("\r\n", "\n");
        let many_lines = ui_text(schema, "widget") == Some("textarea");
        let text = if many_lines { lines.as_str() } else { lines.trim() };
        if text.is_empty() {
            return ui(schema, "emptyValue").cloned();
        }
        let kinds = types(schema);
        let has = |name: &str| kinds.iter().any(|kind| kind == name);
        if let (true, Some(number)) = (has("integer") || has("number"), read_number(text, !has("number"))) {
            return Some(number);
        }
        if !has("string") && (has("integer") || has("number")) {
            return self.number(raw, !has("number"), schema, at);
        }
        Some(Value::String(if is_moment(schema) { moment(text) } else { text.to_owned() }))
    }

    fn number(&mut self, raw: &str, whole: bool, schema: &Value, at: &At) -> Option<Value> {
        let text = raw.trim();
        if text.is_empty() {
            return ui(schema, "emptyValue").cloned();
        }
        let number = read_number(text, whole);
        if number.is_none() {
            self.typed.texts.insert(at.new.name(), text.to_owned());
            self.fault(at, if whole { "Write a whole number in digits." } else { "Write a number, such as 2 or 2.5." });
        }
        number
    }

    fn option(&mut self, raw: &str, schema: &Value, at: &At) -> Option<Value> {
        if raw.is_empty() {
            return None;
        }
        let found = options(schema).into_iter().find(|option| option.code == raw && !option.disabled);
        if found.is_none() {
            self.fault(at, "Choose one of the options.");
        }
        found.map(|option| option.value)
    }

    /// An empty box keeps what is stored, unless it is to be removed.
    fn password(&self, raw: &str, at: &At, before: Option<&Value>) -> Option<Value> {
        if !raw.is_empty() {
            return Some(json!(raw));
        }
        before.filter(|_| self.posted.last(&at.old.part("clear")).is_none()).cloned()
    }

    /// A secret leaves a mask among the answers, as upstream does; rules about its length hold for both.
    fn secret(&mut self, raw: &str, at: &At, before: Option<&Value>) -> Option<Value> {
        let name = at.new.last_key().unwrap_or_default().to_owned();
        if !raw.is_empty() {
            self.secrets.insert(name, Secret::new(raw));
            return Some(json!("*".repeat(raw.chars().count().min(MAX_MASK))));
        }
        if self.posted.last(&at.old.part("clear")).is_some() {
            self.secrets.remove(&name);
        }
        self.secrets.contains_key(&name).then(|| before.cloned().unwrap_or_else(|| json!("********")))
    }

    /// Remembers what was searched for.
    fn query(&mut self, at: &At) {
        let query = self.posted.last(&at.old.part("q")).unwrap_or_default().trim();
        if !query.is_empty() {
            self.typed.texts.insert(at.new.part("q"), query.to_owned());
        }
    }

    /// A reference typed in full into the search box counts as chosen when the person goes on.
    fn only_query(&self, schema: &Value, at: &At) -> Option<String> {
        let query = self.posted.last(&at.old.part("q"))?.trim();
        let full = query.contains(':') && query.contains('/') && !query.contains(char::is_whitespace);
        (full && self.goes_on() && allows_other(schema)).then(|| query.to_owned())
    }

    fn repo(&mut self, schema: &Value, at: &At) -> Option<Value> {
        let part = |key: &str| self.posted.last(&at.old.part(key)).unwrap_or_default().trim().to_owned();
        let mut address = Address { host: part("host"), parts: Vec::new() };
        if let (true, [only]) = (address.host.is_empty(), hosts(schema, self.context).as_slice()) {
            address.host.clone_from(only);
        }
        let mut typed = false;
        for wanted in parts(schema, &address.host) {
            let value = part(wanted.key);
            // A part with one allowed value is never typed; alone it does not make an address.
            typed |= !value.is_empty() && wanted.allowed.len() != 1;
            match wanted.allowed.as_slice() {
                [only] => address.set(wanted.key, only),
                _ => address.set(wanted.key, &value),
            }
        }
        let all_given = parts(schema, &address.host).iter().all(|part| part.allowed.len() == 1);
        (typed || all_given).then(|| Value::String(address.write()))
    }

    /// The answer to a question with several values.
    pub(super) fn several(&mut self, shape: Shape, schema: &Value, at: &At) -> Vec<Value> {
        let mut chosen: Vec<Value> = match shape {
            Shape::Many => self.many(schema, at),
            _ => self.posted.all(&at.old.name()).into_iter().map(Value::from).collect(),
        };
        if shape == Shape::Entities {
            self.query(at);
        }
        if shape == Shape::Tags {
            let more = self.posted.last(&at.old.part("more")).unwrap_or_default();
            chosen.extend(
                more.split([',', ' ', '\n', '\t']).map(str::trim).filter(|tag| !tag.is_empty()).map(Value::from),
            );
        }
        let mut out: Vec<Value> = Vec::new();
        for value in chosen {
            if !out.contains(&value) {
                out.push(value);
            }
        }
        if out.len() > MAX_ITEMS {
            self.fault(at, format!("At most {MAX_ITEMS} entries are possible here."));
            out.truncate(MAX_ITEMS);
        }
        out
    }

    fn many(&mut self, schema: &Value, at: &At) -> Vec<Value> {
        let options: Vec<Opt> = schema.get("items").map(options).unwrap_or_default();
        let posted = self.posted.all(&at.old.name());
        let found: Vec<Value> = posted
            .iter()
            .filter_map(|code| options.iter().find(|option| &option.code == code))
            .map(|option| option.value.clone())
            .collect();
        if found.len() < posted.len() {
            self.fault(at, "Choose from the options.");
        }
        found
    }
}

/// A number in digits, with a sign, a decimal point or an exponent.
fn read_number(text: &str, whole: bool) -> Option<Value> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(json!(number));
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    if !whole {
        return Number::from_f64(number).map(Value::Number);
    }
    // 3.0 is a whole number; beyond 2^53 a float no longer knows which one.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    exact.then(|| format!("{number:.0}").parse::<i64>().ok()).flatten().map(|number| json!(number))
}

/// A moment as the control writes it, in the form that schemas ask for.
fn moment(text: &str) -> String {
    match text.len() {
        // 2026-03-01T12:00
        16 if text.contains('T') => format!("{text}:00Z"),
        // 2026-03-01T12:00:00
        19 if text.contains('T') => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

/// Whether a host is one that the template or the portal allows.
pub(super) fn is_allowed_host(schema: &Value, context: &Context, host: &str) -> bool {
    let allowed = hosts(schema, context);
    allowed.is_empty() || allowed.iter().any(|one| one.eq_ignore_ascii_case(host))
}
