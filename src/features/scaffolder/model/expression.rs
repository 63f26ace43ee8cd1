//! The expression language of templates: `${{ … }}`, `{% … %}` with the filters and methods that
//! Backstage's authors use, on minijinja, bounded in steps, depth and output.
//! A string that is one expression keeps the type of its value; anything else becomes text.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};
use regex::{Captures, Regex};
use serde_json::Value as Json;

use super::repo_url;
use crate::kernel::entity_ref::EntityRef;

/// Steps of evaluation before a template is given up. A skeleton file of 1,000 lines takes about 10,000.
const MOST_STEPS: u64 = 1_000_000;
/// How deep macros and includes may call each other.
const MOST_DEPTH: usize = 64;
/// The largest text that one rendering may give, in bytes.
pub const MOST_OUTPUT: usize = 8 << 20;

/// Why an expression does not evaluate, with its line within the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// From one, if known.
    pub line: Option<usize>,
    /// It was bounded, not wrong.
    pub is_limit: bool,
}

impl ExpressionError {
    fn of(error: &Error) -> Self {
        let is_limit = error.kind() == ErrorKind::OutOfFuel;
        let message = match error.kind() {
            ErrorKind::OutOfFuel => format!("it takes more than {MOST_STEPS} steps; a loop may not end"),
            _ => {
                let mut text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
                let mut cause = std::error::Error::source(error);
                while let Some(next) = cause {
                    text = format!("{text}: {next}");
                    cause = next.source();
                }
                text
            }
        };
        Self { message, line: error.line(), is_limit }
    }
}

/// What a text gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Rendered {
    /// A value.
    Value(Json),
    /// Nothing: the key goes.
    Nothing,
}

/// Evaluates text with expressions against a context.
#[derive(Debug)]
pub struct Engine {
    environment: Environment<'static>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(false, false)
    }
}

impl Engine {
    /// With the white space switches of `fetch:template`.
    pub fn new(trim_blocks: bool, lstrip_blocks: bool) -> Self {
        Self { environment: environment(trim_blocks, lstrip_blocks) }
    }

    /// Renders text.
    ///
    /// # Errors
    /// It cannot be parsed or evaluated, or passes a limit.
    pub fn text(&self, source: &str, context: &Json) -> Result<String, ExpressionError> {
        let source = rewrite(source);
        let mut out = Bounded { text: String::new() };
        let template = self.environment.template_from_str(&source).map_err(|e| ExpressionError::of(&e))?;
        match template.render_captured_to(Value::from(Serde(context)), &mut out) {
            Ok(_) => Ok(out.text),
            Err(_) if out.text.len() >= MOST_OUTPUT => Err(ExpressionError {
                message: format!("it gives more than {} MB", MOST_OUTPUT >> 20),
                line: None,
                is_limit: true,
            }),
            Err(e) => Err(ExpressionError::of(&e)),
        }
    }

    /// Renders one string of a template's input: a single expression keeps its type, empty text is nothing.
    ///
    /// # Errors
    /// As [`Engine::text`].
    pub fn string(&self, source: &str, context: &Json) -> Result<Rendered, ExpressionError> {
        if source.is_empty() {
            return Ok(Rendered::Nothing);
        }
        if !source.contains("${{") && !source.contains("{%") && !source.contains("{#") {
            return Ok(Rendered::Value(Json::String(source.to_owned())));
        }
        if let Some(inner) = single(source) {
            let compiled = self
                .environment
                .compile_expression_owned(rewrite_expression(inner))
                .map_err(|e| ExpressionError::of(&e))?;
            let value = compiled.eval(Value::from(Serde(context))).map_err(|e| ExpressionError::of(&e))?;
            return Ok(if value.is_undefined() { Rendered::Nothing } else { Rendered::Value(to_json(&value)) });
        }
        let text = self.text(source, context)?;
        Ok(if text.is_empty() { Rendered::Nothing } else { Rendered::Value(Json::String(text)) })
    }

    /// Renders all strings of a value. What does not evaluate passes through as it stands, as it does in
    /// Backstage, and is told to `warn` with its place.
    pub fn value(&self, value: &Json, context: &Json, warn: &mut dyn FnMut(String, &ExpressionError)) -> Option<Json> {
        self.walk(value, context, "", warn)
    }

    fn walk(
        &self,
        value: &Json,
        context: &Json,
        at: &str,
        warn: &mut dyn FnMut(String, &ExpressionError),
    ) -> Option<Json> {
        match value {
            Json::String(text) => match self.string(text, context) {
                Ok(Rendered::Value(value)) => Some(value),
                Ok(Rendered::Nothing) => None,
                Err(e) => {
                    warn(format!("{at}: {text}"), &e);
                    Some(value.clone())
                }
            },
            Json::Array(items) => Some(Json::Array(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(i, v)| self.walk(v, context, &format!("{at}/{i}"), warn))
                    .collect(),
            )),
            Json::Object(map) => Some(Json::Object(
                map.iter()
                    .filter_map(|(k, v)| Some((k.clone(), self.walk(v, context, &format!("{at}/{k}"), warn)?)))
                    .collect(),
            )),
            other => Some(other.clone()),
        }
    }

    /// Whether a step runs: no condition is yes; what renders to nothing, `false`, `null`, `0`, `""` or an
    /// empty list is no.
    pub fn condition(&self, condition: Option<&Json>, context: &Json) -> bool {
        let rendered = match condition {
            None => return true,
            Some(Json::String(text)) => match self.string(text, context) {
                Ok(Rendered::Value(value)) => value,
                Ok(Rendered::Nothing) => return false,
                Err(_) => return true,
            },
            Some(other) => other.clone(),
        };
        match rendered {
            Json::Null => false,
            Json::Bool(b) => b,
            Json::Number(n) => n.as_f64() != Some(0.0),
            Json::String(s) => !s.is_empty(),
            Json::Array(a) => !a.is_empty(),
            Json::Object(_) => true,
        }
    }
}

/// Collects output up to the limit.
struct Bounded {
    text: String,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + bytes.len() > MOST_OUTPUT {
            self.text.push_str(&" ".repeat(MOST_OUTPUT.saturating_sub(self.text.len())));
            return Err(std::io::Error::other("too much"));
        }
        self.text.push_str(std::str::from_utf8(bytes).map_err(std::io::Error::other)?);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The inside of a string that is one expression and nothing else.
fn single(source: &str) -> Option<&str> {
    let trimmed = source.trim();
    let inner = trimmed.strip_prefix("${{")?.strip_suffix("}}")?;
    (!inner.contains("${{") && !inner.contains("}}")).then_some(inner)
}

fn environment(trim_blocks: bool, lstrip_blocks: bool) -> Environment<'static> {
    let mut e = Environment::new();
    let syntax = SyntaxConfig::builder()
        .variable_delimiters("${{", "}}")
        .keep_trailing_newline(true)
        .trim_blocks(trim_blocks)
        .lstrip_blocks(lstrip_blocks)
        .build();
    if let Ok(syntax) = syntax {
        e.set_syntax(syntax);
    }
    e.set_undefined_behavior(UndefinedBehavior::Chainable);
    e.set_auto_escape_callback(|_| AutoEscape::None);
    e.set_fuel(Some(MOST_STEPS));
    e.set_recursion_limit(MOST_DEPTH);
    e.set_formatter(|out, _state, value| out.write_str(&js_string(value)).map_err(Error::from));
    e.set_unknown_method_callback(js_method);
    add_filters(&mut e);
    e
}

fn add_filters(e: &mut Environment<'static>) {
    e.add_filter("dump", |v: Value, indent: Option<usize>| -> Result<String, Error> {
        let text = if indent.is_some() { serde_json::to_string_pretty(&v) } else { serde_json::to_string(&v) };
        text.map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))
    });
    e.add_filter("pairs_of", pairs);
    e.add_filter("parseRepoUrl", |s: String| -> Result<Value, Error> {
        repo_url::to_value(&s).map(|v| Value::from(Serde(&v))).map_err(invalid)
    });
    e.add_filter("projectSlug", |s: String| -> Result<String, Error> {
        repo_url::parse(&s).map(|n| format!("{}/{}", n.owner, n.name)).map_err(invalid)
    });
    e.add_filter("parseEntityRef", |s: String, defaults: Option<Value>| -> Result<Value, Error> {
        let get = |key: &str| {
            defaults.as_ref().and_then(|d| d.get_attr(key).ok()).and_then(|v| v.as_str().map(str::to_owned))
        };
        let namespace = get("defaultNamespace").unwrap_or_else(|| "default".to_owned());
        let parsed =
            EntityRef::parse(&s, get("defaultKind").as_deref(), &namespace).map_err(|e| invalid(e.to_string()))?;
        let value = serde_json::json!({ "kind": parsed.kind, "namespace": parsed.namespace, "name": parsed.name });
        Ok(Value::from(Serde(&value)))
    });
    e.add_filter("pick", |v: Value, path: String| -> Result<Value, Error> {
        path.split('.').try_fold(v, |v, key| v.get_attr(key))
    });
    e.add_filter("striptags", |s: String| -> String { TAGS.replace_all(&s, "").into_owned() });
    e.add_filter("nl2br", |s: String| s.replace('\n', "<br />\n"));
    e.add_filter("truncate", |s: String, n: Option<usize>, _kw: Kwargs| -> String {
        let n = n.unwrap_or(255);
        if s.chars().count() <= n { s } else { s.chars().take(n).chain("...".chars()).collect() }
    });
}

static TAGS: LazyLock<Regex> = LazyLock::new(|| pattern("<[^>]*>"));

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn pairs(v: Value) -> Result<Value, Error> {
    if v.kind() != ValueKind::Map {
        return Ok(v);
    }
    let mut out = Vec::new();
    for key in v.try_iter()? {
        let value = v.get_item(&key)?;
        out.push(Value::from(vec![key, value]));
    }
    Ok(Value::from(out))
}

/// A value as JavaScript prints it.
fn js_string(v: &Value) -> String {
    match v.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => if v.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::Seq | ValueKind::Iterable => {
            v.try_iter().map(|items| items.map(|x| js_string(&x)).collect::<Vec<_>>().join(",")).unwrap_or_default()
        }
        ValueKind::Map => "[object Object]".to_owned(),
        ValueKind::Number => match f64::try_from(v.clone()) {
            Ok(f) if f.fract() == 0.0 && f.abs() < 1e15 => format!("{f:.0}"),
            _ => v.to_string(),
        },
        _ => v.to_string(),
    }
}

/// A value as JSON; numbers without fraction are integers, as in JavaScript.
fn to_json(v: &Value) -> Json {
    fn settle(v: Json) -> Json {
        match v {
            Json::Number(n) => match n.as_f64() {
                #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number within 53 bits")]
                Some(f) if n.is_f64() && f.fract() == 0.0 && f.abs() < 9e15 => Json::from(f as i64),
                _ => Json::Number(n),
            },
            Json::Array(items) => Json::Array(items.into_iter().map(settle).collect()),
            Json::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, settle(v))).collect()),
            other => other,
        }
    }
    serde_json::to_value(v).map_or(Json::Null, settle)
}

fn js_method(state: &mut State, v: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    if let Some(text) = v.as_str()
        && let Some(result) = text_method(text, method, args)
    {
        return Ok(result);
    }
    if v.kind() == ValueKind::Seq
        && let Some(result) = list_method(v, method, args)?
    {
        return Ok(result);
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, v, method, args)
}

fn text_method(text: &str, method: &str, args: &[Value]) -> Option<Value> {
    let arg = |i: usize| args.get(i).map(js_string).unwrap_or_default();
    let chars: Vec<char> = text.chars().collect();
    let length = i64::try_from(chars.len()).unwrap_or(i64::MAX);
    let number = |i: usize, default: i64| args.get(i).and_then(|a| i64::try_from(a.clone()).ok()).unwrap_or(default);
    Some(match method {
        "toLowerCase" => Value::from(text.to_lowercase()),
        "toUpperCase" => Value::from(text.to_uppercase()),
        "trim" => Value::from(text.trim()),
        "split" if args.is_empty() => Value::from(vec![text.to_owned()]),
        "split" if arg(0).is_empty() => Value::from(chars.iter().map(char::to_string).collect::<Vec<_>>()),
        "split" => Value::from(text.split(arg(0).as_str()).map(str::to_owned).collect::<Vec<_>>()),
        "replace" => Value::from(text.replacen(arg(0).as_str(), &arg(1), 1)),
        "includes" => Value::from(text.contains(arg(0).as_str())),
        "startsWith" => Value::from(text.starts_with(arg(0).as_str())),
        "endsWith" => Value::from(text.ends_with(arg(0).as_str())),
        "indexOf" => {
            let found = text.find(arg(0).as_str()).map(|b| text[..b].chars().count());
            Value::from(found.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1))
        }
        "slice" | "substring" => {
            let place = |i: i64| if i < 0 && method == "slice" { (length + i).max(0) } else { i.clamp(0, length) };
            let (from, to) = (place(number(0, 0)), place(number(1, length)));
            let (from, to) = if method == "substring" && from > to { (to, from) } else { (from, to) };
            let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
            Value::from(chars.get(range).map(|c| c.iter().collect::<String>()).unwrap_or_default())
        }
        "concat" => Value::from(args.iter().fold(text.to_owned(), |out, a| out + &js_string(a))),
        "toString" => Value::from(text),
        _ => return None,
    })
}

fn list_method(v: &Value, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let items: Vec<Value> = v.try_iter()?.collect();
    let first = args.first();
    Ok(Some(match method {
        "join" => {
            let between = first.map_or_else(|| ",".to_owned(), js_string);
            Value::from(items.iter().map(js_string).collect::<Vec<_>>().join(&between))
        }
        "includes" => Value::from(first.is_some_and(|f| items.contains(f))),
        "indexOf" => {
            let found = first.and_then(|f| items.iter().position(|x| x == f));
            Value::from(found.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1))
        }
        "concat" => {
            let more: Vec<Value> = first.map(|f| f.try_iter().map(Iterator::collect)).transpose()?.unwrap_or_default();
            Value::from([items, more].concat())
        }
        _ => return Ok(None),
    }))
}

static BLOCKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?s)(\{%-?\s*(?:raw|verbatim)\s*-?%\}.*?\{%-?\s*end(?:raw|verbatim)\s*-?%\})|(\{#.*?#\})|(\$\{\{-?.*?-?\}\}|\{%-?.*?-?%\})",
    )
});
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(===)|(!==)|\.(length)\b|\b(null|undefined)\b|(\belseif\b)"#)
});
static FOR_PAIRS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?s)^(\{%-?\s*for\s+\w+\s*,\s*\w+\s+in\s+)(.*?)(\s*-?%\})$"));

#[expect(clippy::expect_used, reason = "the patterns are constants, compiled by a unit test")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// Nunjucks' own spellings inside tags, in minijinja's; string literals and raw blocks stay as they are.
fn rewrite(source: &str) -> String {
    BLOCKS
        .replace_all(source, |c: &Captures<'_>| match (c.get(1), c.get(3)) {
            (Some(raw), _) => raw.as_str().replace("verbatim", "raw"),
            (_, Some(tag)) => rewrite_expression(tag.as_str()),
            _ => c[0].to_owned(),
        })
        .into_owned()
}

fn rewrite_expression(text: &str) -> String {
    let text = TOKENS.replace_all(text, |c: &Captures<'_>| {
        if let Some(literal) = c.get(1) {
            literal.as_str().to_owned()
        } else if c.get(2).is_some() {
            "==".to_owned()
        } else if c.get(3).is_some() {
            "!=".to_owned()
        } else if c.get(4).is_some() {
            "|length".to_owned()
        } else if let Some(name) = c.get(5) {
            if name.as_str() == "null" { "none" } else { "undefined" }.to_owned()
        } else {
            "elif".to_owned()
        }
    });
    FOR_PAIRS.replace(&text, "${1}(${2})|pairs_of${3}").into_owned()
}
