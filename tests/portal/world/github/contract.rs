//! GitHub's published description, and whether a call keeps to it. `reduce.mjs` makes the file.
//!
//! A call breaks the contract if its method and path are not described, if it has a query parameter
//! that is not described, or if its JSON body does not fit. A body field that is not described is
//! also a breach here, although GitHub passes over it: it is a misspelling, or it has no effect.
//! What the simulation answers is held to the description too.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/github-openapi.json"));
    serde_json::from_str(text).expect("reduce.mjs wrote JSON")
});
static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(operations);
static REGISTRY: LazyLock<Registry<'static>> = LazyLock::new(|| {
    Registry::new()
        .add("urn:github", DESCRIPTION.clone())
        .expect("the description is a JSON document")
        .prepare()
        .expect("its references lead somewhere")
});
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// An operation of the description.
#[derive(Debug)]
pub struct Operation {
    /// GitHub's name for it, for example `repos/get`.
    pub id: String,
    method: String,
    template: String,
    query: Vec<String>,
    body: Option<Value>,
    body_required: bool,
    responses: BTreeMap<String, Value>,
}

/// All operations.
pub fn all() -> &'static [Operation] {
    &OPERATIONS
}

/// The operation for a method and a raw path, with its decoded path parameters.
pub fn find(method: &str, path: &str) -> Option<(&'static Operation, BTreeMap<String, String>)> {
    OPERATIONS.iter().find_map(|op| {
        if op.method != method {
            return None;
        }
        parameters(&op.template, path).map(|found| (op, found))
    })
}

impl Operation {
    /// What is wrong with the query.
    pub fn check_query(&self, query: &[(String, String)]) -> Vec<String> {
        let unknown = query.iter().filter(|(name, _)| !self.query.contains(name));
        unknown.map(|(name, _)| format!("{}: the query parameter {name} is not described", self.id)).collect()
    }

    /// What is wrong with the body, and whether GitHub would refuse it.
    pub fn check_body(&self, body: Option<&Value>) -> (Vec<String>, bool) {
        match (&self.body, body) {
            (None, Some(_)) => (vec![format!("{}: there is a body, and none is described", self.id)], false),
            (Some(_), None) if self.body_required => (vec![format!("{}: the body is missing", self.id)], true),
            (Some(schema), Some(body)) => self.check_against(schema, body),
            _ => (Vec::new(), false),
        }
    }

    fn check_against(&self, schema: &Value, body: &Value) -> (Vec<String>, bool) {
        let pointer = format!("#/paths/{}/{}/requestBody/schema", escape(&self.template), self.method.to_lowercase());
        let mut wrong = errors(&pointer, body);
        let refused = !wrong.is_empty();
        wrong.extend(undescribed(schema, body));
        (wrong.into_iter().map(|w| format!("{}: request {w}", self.id)).collect(), refused)
    }

    /// What is wrong with our own answer.
    pub fn check_response(&self, status: u16, body: Option<&Value>) -> Vec<String> {
        let described = self.responses.get(&status.to_string());
        let Some(body) = body.filter(|_| described.is_some_and(|d| d.get("schema").is_some())) else {
            // Refusals are often left out of the description; successes are not.
            let odd = described.is_none() && status < 300;
            return if odd { vec![format!("{}: the answer {status} is not described", self.id)] } else { Vec::new() };
        };
        let method = self.method.to_lowercase();
        let pointer = format!("#/paths/{}/{method}/responses/{status}/schema", escape(&self.template));
        errors(&pointer, body).into_iter().map(|w| format!("{}: answer {w}", self.id)).collect()
    }
}

fn errors(pointer: &str, value: &Value) -> Vec<String> {
    let validator = validator(pointer);
    validator.iter_errors(value).take(5).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn validator(pointer: &str) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let made = known.entry(pointer.to_owned()).or_insert_with(|| {
        let schema = json!({ "$ref": format!("urn:github{pointer}") });
        let options = jsonschema::options().with_registry(&REGISTRY);
        Arc::new(options.build(&schema).expect("the description's schemas are schemas"))
    });
    Arc::clone(made)
}

/// Fields of a body that the description does not know.
fn undescribed(schema: &Value, body: &Value) -> Vec<String> {
    let open = ["oneOf", "anyOf", "allOf", "additionalProperties"].iter().any(|key| schema.get(key).is_some());
    let (Some(known), Some(body), false) = (schema["properties"].as_object(), body.as_object(), open) else {
        return Vec::new();
    };
    body.keys().filter(|key| !known.contains_key(*key)).map(|key| format!("field {key} is not described")).collect()
}

fn operations() -> Vec<Operation> {
    let paths = DESCRIPTION["paths"].as_object().expect("a description has paths");
    let mut all = Vec::new();
    for (template, methods) in paths {
        for (method, op) in methods.as_object().expect("a path has methods") {
            let keys = |v: &Value| v.as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
            let responses = op["responses"].as_object().cloned().unwrap_or_default();
            all.push(Operation {
                id: op["operationId"].as_str().unwrap_or_default().to_owned(),
                method: method.to_uppercase(),
                template: template.clone(),
                query: keys(&op["query"]),
                body: op.get("requestBody").map(|b| b["schema"].clone()),
                body_required: op["requestBody"]["required"] == true,
                responses: responses.into_iter().collect(),
            });
        }
    }
    all
}

/// Fits a raw path to a template. References and file paths may span several parts (REST, "Get a
/// reference", "Get repository content"); nothing else may, so that a slash must be written `%2F`
/// there (docs, "Troubleshooting").
fn parameters(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let wanted: Vec<&str> = template.trim_matches('/').split('/').collect();
    let given: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let mut found = BTreeMap::new();
    let mut at = 0;
    for (i, want) in wanted.iter().enumerate() {
        let Some(name) = want.strip_prefix('{').and_then(|w| w.strip_suffix('}')) else {
            if given.get(at) != Some(want) {
                return None;
            }
            at += 1;
            continue;
        };
        let many = matches!(name, "ref" | "path") && i + 1 == wanted.len();
        let end = if many { given.len() } else { at + 1 };
        let parts = given.get(at..end).filter(|p| !p.is_empty() && p.iter().all(|part| !part.is_empty()))?;
        found.insert(name.to_owned(), decode(&parts.join("/"))?);
        at = end;
    }
    (at == given.len()).then_some(found)
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// A part of a JSON pointer inside a URI fragment.
fn escape(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D")
}
