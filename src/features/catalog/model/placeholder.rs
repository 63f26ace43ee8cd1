//! Placeholders: `{$text: ./openapi.yaml}` stands for what is in that file. It owns finding and
//! filling them and the errors; reading the files is the caller's.

use serde_json::{Map, Value};

use super::hosts::CodeHosts;
use super::js;
use super::refusal::{ErrorBody, Problem, Refusal};
use super::schema::escape;
use super::yaml;

/// How what was read becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    /// `$text`, and `$openapi`, `$asyncapi`, `$graphql`, `$grpc` where the caller allows them.
    Text,
    /// `$json`
    Json,
    /// `$yaml`
    Yaml,
}

/// Which placeholders are known. Backstage alone knows `text`, `json` and `yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolvers {
    /// Names without `$`.
    pub known: Vec<(String, Resolver)>,
}

impl Default for Resolvers {
    fn default() -> Self {
        let known = [("text", Resolver::Text), ("json", Resolver::Json), ("yaml", Resolver::Yaml)];
        Self { known: known.into_iter().map(|(name, resolver)| (name.to_owned(), resolver)).collect() }
    }
}

/// One placeholder of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// JSON pointer of the object that is the placeholder.
    pub pointer: String,
    /// Its name without `$`.
    pub name: String,
    /// How to turn what is read into a value.
    pub resolver: Resolver,
    /// What was written as its parameter.
    pub parameter: String,
    /// The address to read. The entity is to be read again when that file changes.
    pub address: String,
}

/// Finds the placeholders of an entity, in its order. An object is one if it has exactly one key
/// and that is `$` with a known name; objects with any `$` key are not looked into.
///
/// # Errors
/// A parameter is no text, or no address can be made of it: relative ones need a web address as
/// `base`, the place where the entity was read. Or the address is of another repository of a known
/// host.
pub fn find(entity: &Value, base: &str, hosts: &CodeHosts, resolvers: &Resolvers) -> Result<Vec<Wanted>, Refusal> {
    let mut found = Vec::new();
    let look = Look { base, hosts, resolvers };
    look.walk(entity, "", &mut found)?;
    Ok(found)
}

struct Look<'a> {
    base: &'a str,
    hosts: &'a CodeHosts,
    resolvers: &'a Resolvers,
}

impl Look<'_> {
    fn walk(&self, value: &Value, pointer: &str, found: &mut Vec<Wanted>) -> Result<(), Refusal> {
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.walk(item, &format!("{pointer}/{index}"), found)),
            Value::Object(map) if map.keys().any(|key| key.starts_with('$')) => match self.read(map, pointer) {
                None => Ok(()),
                Some(Ok(wanted)) => {
                    found.push(wanted);
                    Ok(())
                }
                Some(Err(refusal)) => Err(refusal),
            },
            Value::Object(map) => js::entries(map)
                .into_iter()
                .try_for_each(|(key, inner)| self.walk(inner, &format!("{pointer}/{}", escape(key)), found)),
            _ => Ok(()),
        }
    }

    fn read(&self, map: &Map<String, Value>, pointer: &str) -> Option<Result<Wanted, Refusal>> {
        let (key, parameter) = map.iter().next().filter(|_| map.len() == 1)?;
        let name = key.strip_prefix('$')?;
        let (_, resolver) = self.resolvers.known.iter().find(|(known, _)| known == name)?;
        Some(self.address(name, parameter, pointer).map(|(parameter, address)| Wanted {
            pointer: pointer.to_owned(),
            name: name.to_owned(),
            resolver: *resolver,
            parameter,
            address,
        }))
    }

    fn address(&self, name: &str, parameter: &Value, pointer: &str) -> Result<(String, String), Refusal> {
        let Some(parameter) = parameter.as_str() else {
            return Err(refuse(
                pointer,
                format!(
                    "Placeholder ${name} expected a string value parameter, in the form of an absolute URL or a relative path"
                ),
                format!("`${name}` needs the address of a file."),
                "Write an address, or a path relative to this file.",
            ));
        };
        let address = self.hosts.resolve(parameter, self.base).map_err(|error| {
            refuse(
                pointer,
                format!("Placeholder ${name} could not form a URL out of {} and {parameter}, {error}", self.base),
                format!("`${name}: {parameter}` is a relative path, and this file was not read from a web address."),
                "Write a complete address. Relative paths are not allowed for files on the server's own disk.",
            )
        })?;
        if !self.hosts.is_same_repository(&address, self.base) {
            return Err(unreadable(
                &Wanted {
                    pointer: pointer.to_owned(),
                    name: name.to_owned(),
                    resolver: Resolver::Text,
                    parameter: parameter.to_owned(),
                    address,
                },
                "Error: Placeholder may only reference files from the same repository as the entity",
            ));
        }
        Ok((parameter.to_owned(), address))
    }
}

/// JSON pointers of the placeholders of a document, whether or not their files can be read: what
/// stands there is not yet known.
pub(super) fn places(document: &Value, resolvers: &Resolvers) -> Vec<String> {
    fn walk(value: &Value, pointer: &str, resolvers: &Resolvers, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{pointer}/{index}"), resolvers, found);
                }
            }
            Value::Object(map) => {
                let single = map.keys().next().filter(|_| map.len() == 1).and_then(|key| key.strip_prefix('$'));
                if single.is_some_and(|name| resolvers.known.iter().any(|(known, _)| known == name)) {
                    found.push(pointer.to_owned());
                } else if !map.keys().any(|key| key.starts_with('$')) {
                    for (key, inner) in map {
                        walk(inner, &format!("{pointer}/{}", escape(key)), resolvers, found);
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(document, "", resolvers, &mut found);
    found
}

/// Fills the placeholders of an entity. `read` gives the bytes at an address, or the error in the
/// form `<name>: <message>` (`NotFoundError: …`), which stands in the answer.
///
/// # Errors
/// As `find`; a file cannot be read; or what is in it is not JSON, not YAML or not one document.
pub fn substitute(
    entity: &Value,
    base: &str,
    hosts: &CodeHosts,
    resolvers: &Resolvers,
    mut read: impl FnMut(&str) -> Result<Vec<u8>, String>,
) -> Result<Value, Refusal> {
    let mut filled = entity.clone();
    for wanted in find(entity, base, hosts, resolvers)? {
        let bytes = read(&wanted.address).map_err(|error| unreadable(&wanted, &error))?;
        let value = value_of(&wanted, &bytes)?;
        if let Some(slot) = filled.pointer_mut(&wanted.pointer) {
            *slot = value;
        }
    }
    Ok(filled)
}

fn value_of(wanted: &Wanted, bytes: &[u8]) -> Result<Value, Refusal> {
    let Wanted { name, parameter, pointer, .. } = wanted;
    match wanted.resolver {
        Resolver::Text => Ok(Value::String(String::from_utf8_lossy(bytes).into_owned())),
        Resolver::Json => serde_json::from_slice(bytes).map_err(|error| {
            refuse(
                pointer,
                format!("Placeholder ${name} failed to parse JSON data at {parameter}, SyntaxError: {error}"),
                format!("The file `{parameter}` is not JSON: {error}."),
                "Correct the file, or use `$text`.",
            )
        }),
        Resolver::Yaml => {
            let reading = yaml::read_stream(bytes, &yaml::Limits::default());
            if let Some(problem) = reading.problems().next() {
                return Err(refuse(
                    pointer,
                    format!("Placeholder ${name} found an error in the data at {parameter}, {}", problem.words()),
                    format!("The file `{parameter}` is not in order: {problem}"),
                    "Correct the file, or use `$text`.",
                ));
            }
            let count = reading.items.len();
            reading.items.into_iter().flatten().next().filter(|_| count == 1).map(|document| document.value).ok_or_else(|| {
                refuse(
                    pointer,
                    format!("Placeholder ${name} expected to find exactly one document of data at {parameter}, found {count}"),
                    format!("The file `{parameter}` has {count} documents."),
                    "It must have one.",
                )
            })
        }
    }
}

/// The refusal of a placeholder whose file cannot be read, with the error in the form
/// `<name>: <message>`.
pub fn unreadable(wanted: &Wanted, error: &str) -> Refusal {
    refuse(
        &wanted.pointer,
        format!("Placeholder ${} could not read location {}, {error}", wanted.name, wanted.parameter),
        format!("The file `{}` could not be read.", wanted.parameter),
        "See that it exists and that the portal may read it. Files of code hosts must be in the same repository.",
    )
}

fn refuse(pointer: &str, message: String, sentence: String, hint: &str) -> Refusal {
    let error = ErrorBody::wrapping(
        "Processor PlaceholderProcessor threw an error while preprocessing",
        ErrorBody::new("Error", message),
    );
    Refusal::new(error, Problem::new(pointer, sentence, hint))
}
