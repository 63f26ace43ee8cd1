//! From what a browser sends to typed answers.
//!
//! The answers decide which questions there are, and the questions decide how the answers are read.
//! So the form is read again until nothing changes any more.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Map, Value};

use super::action::{ACTION, Action};
use super::draw::{Secrets, Typed};
use super::effective::{Variants, resolve};
use super::keys::own_keys;
use super::page::Page;
use super::pick::Context;
use super::read::Reader;
use super::{MAX_PAIRS, MAX_ROUNDS};
use crate::kernel::fault::FieldFault;

/// What was answered before.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The answers to all pages so far.
    pub answers: &'a Value,
    /// The secret answers so far.
    pub secrets: &'a Secrets,
}

/// What a submitted page says.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The button that was pressed.
    pub action: Action,
    /// The answers to all pages, those of this page replaced. Answers to questions that are no longer
    /// asked on this page are gone.
    pub answers: Value,
    /// The secret answers, in the same way.
    pub secrets: Secrets,
    /// What was typed and is not an answer.
    pub typed: Typed,
    /// Texts that are no answer to their question, such as words for a number.
    pub faults: Vec<FieldFault>,
    /// Names of questions that the answers bring up and that were not on the page as it was sent.
    /// When there are any, show the page again before going on.
    pub revealed: Vec<String>,
}

/// The form is larger than any honest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the form has {pairs} entries, more than {MAX_PAIRS}")]
pub struct TooManyPairs {
    /// How many it has.
    pub pairs: usize,
}

/// Reads a submitted page.
///
/// # Errors
/// There are more than [`MAX_PAIRS`] pairs.
pub fn parse(
    page: &Page,
    pairs: &[(String, String)],
    held: Held<'_>,
    context: &Context,
) -> Result<Parsed, TooManyPairs> {
    if pairs.len() > MAX_PAIRS {
        return Err(TooManyPairs { pairs: pairs.len() });
    }
    let action = Action::read(pairs);
    let posted = Posted::new(pairs);
    let (mut answers, mut variants) = (held.answers.clone(), Variants::new());
    let (mut known, mut last) = (Vec::new(), None);
    for round in 0..MAX_ROUNDS {
        let schema = resolve(&page.schema, &answers, &context.flags, &variants);
        let mut reader = Reader::new(&posted, &action, held, context, round == 0);
        let read = reader.root(&schema);
        if round == 0 {
            known.clone_from(&reader.unasked);
        }
        let next = replace(page, held.answers, read);
        let settled = next == answers && reader.typed.variants == variants && round > 0;
        (answers, variants) = (next, reader.typed.variants.clone());
        last = Some(reader.finish());
        if settled {
            break;
        }
    }
    let (typed, faults, secrets, unasked) = last.unwrap_or_default();
    let revealed = unasked.into_iter().filter(|name| !known.contains(name)).collect();
    Ok(Parsed { action, answers, secrets, typed, faults, revealed })
}

/// All answers, with those of this page replaced by what was read.
fn replace(page: &Page, before: &Value, read: Map<String, Value>) -> Value {
    let own = own_keys(&page.schema);
    let others = before.as_object().into_iter().flatten().filter(|(key, _)| !own.contains(key));
    let mut out: Map<String, Value> = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    out.extend(read);
    Value::Object(out)
}

/// The submitted pairs by name.
pub(super) struct Posted<'p>(BTreeMap<&'p str, Vec<&'p str>>);

impl<'p> Posted<'p> {
    fn new(pairs: &'p [(String, String)]) -> Self {
        let mut out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in pairs.iter().filter(|(name, _)| name != ACTION) {
            out.entry(name).or_default().push(value);
        }
        Self(out)
    }

    /// The last value of this name: a box sends "no" before it sends "yes".
    pub(super) fn last(&self, name: &str) -> Option<&'p str> {
        self.0.get(name)?.last().copied()
    }

    /// All values of this name that are not empty.
    pub(super) fn all(&self, name: &str) -> Vec<&'p str> {
        self.0.get(name).into_iter().flatten().copied().filter(|value| !value.is_empty()).collect()
    }

    /// Whether the page had a control of this name or one that belongs to it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
            || ['.', '[', ':'].iter().any(|mark| self.names_from(&format!("{name}{mark}")).next().is_some())
    }

    /// The numbers that follow `prefix` in names: the items of a list, the rows of a map. Ascending.
    pub(super) fn indices(&self, prefix: &str) -> Vec<usize> {
        let number = |name: &&str| {
            let digits: String = name.get(prefix.len()..)?.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let mut out: Vec<usize> = self.names_from(prefix).filter_map(|name| number(&name)).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    fn names_from(&self, prefix: &str) -> impl Iterator<Item = &'p str> {
        let names: Vec<&'p str> = self
            .0
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .map(|(name, _)| *name)
            .take_while(|name| name.starts_with(prefix))
            .collect();
        names.into_iter()
    }
}
