//! From the parser's events to the value of one document: mappings, lists, anchors and aliases.
//! It owns structure and the cost of aliases; scalars are `scalar`'s, keys are `node`'s.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, ScalarStyle, Span, StructureStyle, Tag};
use serde_json::{Map, Value};

use super::diagnose::{self, Context};
use super::node::{Node, Weight, key_identity, key_text, merge, put, scalar_node};
use super::place::{Inside, Place, Position};
use super::problem::YamlProblem;
use super::scalar::{self, Scalar, Schema};
use super::scan::Open;
use super::source::Source;
use super::{Document, Limits, MAX_ALIAS_COUNT};

const YAML_TAGS: &str = "tag:yaml.org,2002:";

/// A list or mapping under construction.
struct Frame {
    at: Position,
    open: Open,
    anchor: usize,
    parts: Parts,
    weight: Weight,
}

enum Parts {
    List(Vec<Value>, Vec<Place>),
    Map { map: Map<String, Value>, places: Vec<(Position, Place)>, seen: HashSet<String>, key: Option<Box<Node>> },
}

impl Parts {
    fn map() -> Self {
        Self::Map { map: Map::new(), places: Vec::new(), seen: HashSet::new(), key: None }
    }
}

/// A finished anchor and how often aliases have repeated it.
struct Anchor {
    node: Node,
    uses: u64,
    depth: u64,
}

/// Builds the value of one document from its events.
pub(super) struct Builder<'s> {
    source: &'s Source<'s>,
    limits: &'s Limits,
    schema: Schema,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    root: Option<Node>,
    /// The first fault of an alias: a syntax fault further down goes before it.
    reference: Option<YamlProblem>,
    aliased: Weight,
    /// The bytes where the last scalar or bracket read so far starts and ends.
    last: (usize, usize),
}

impl<'s> Builder<'s> {
    pub(super) fn new(source: &'s Source<'s>, limits: &'s Limits, schema: Schema) -> Self {
        Self {
            source,
            limits,
            schema,
            frames: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            reference: None,
            aliased: Weight::default(),
            last: (0, 0),
        }
    }

    /// What is open and read, for the words of a fault.
    pub(super) fn context(&self) -> Context {
        Context {
            open: self.frames.iter().map(|frame| frame.open).collect(),
            last: self.last,
            has_content: self.root.is_some() || !self.frames.is_empty(),
        }
    }

    /// The document, or the first fault of its aliases.
    pub(super) fn finish(self, span: &Span) -> Result<Document, YamlProblem> {
        if let Some(problem) = self.reference {
            return Err(problem);
        }
        let (value, places) = match self.root {
            Some(node) => (node.value, node.place),
            None => (Value::Null, Place::leaf(position_of(span))),
        };
        Ok(Document { value, line: places.at.line, places })
    }

    /// Takes one event between the start and the end of a document.
    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlProblem> {
        let at = position_of(&span);
        if end_of(&span) > self.last.1 {
            self.last = (start_of(&span), end_of(&span));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.check_quotes(style, &span)?;
                if text.contains('\0') {
                    return Err(YamlProblem::limit(
                        at,
                        "A text holds the character U+0000, which cannot be stored.".to_owned(),
                    ));
                }
                let node = self.scalar(&text, style, tag.as_deref(), at);
                self.complete(node, anchor, &span)
            }
            Event::SequenceStart(style, anchor, _) => {
                self.open(&span, style, anchor, Parts::List(Vec::new(), Vec::new()))
            }
            Event::MappingStart(style, anchor, _) => self.open(&span, style, anchor, Parts::map()),
            Event::SequenceEnd | Event::MappingEnd => self.close(&span),
            Event::Alias(anchor) => {
                let node = self.alias(anchor, at)?;
                self.complete(node, 0, &span)
            }
            Event::UnresolvedAlias(name) => {
                self.refuse_alias(
                    at,
                    &format!("Unresolved alias (the anchor must be set before the alias): {name}"),
                    format!("The alias `*{name}` has no anchor `&{name}` before it."),
                );
                self.complete(scalar_node(Scalar::Null, at), 0, &span)
            }
            _ => Ok(()),
        }
    }

    /// The later lines of a quoted scalar must be indented deeper than the block around it.
    fn check_quotes(&self, style: ScalarStyle, span: &Span) -> Result<(), YamlProblem> {
        let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        if !quoted || span.start.line() == span.end.line() {
            return Ok(());
        }
        diagnose::shallow_quotes(self.source, start_of(span), &self.context()).map_or(Ok(()), Err)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Position) -> Node {
        let plain = style == ScalarStyle::Plain;
        let full_tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
        let scalar = match full_tag.as_deref().map(|tag| tag.strip_prefix(YAML_TAGS)) {
            None if plain => scalar::plain(text, self.schema),
            Some(Some(suffix)) => scalar::tagged(suffix, text, self.schema),
            None | Some(None) => Scalar::Text(text.to_owned()),
        };
        let mut node = scalar_node(scalar, at);
        node.is_merge = plain && tag.is_none() && text == "<<";
        node
    }

    fn open(&mut self, span: &Span, style: StructureStyle, anchor: usize, parts: Parts) -> Result<(), YamlProblem> {
        let at = position_of(span);
        if self.frames.len() >= self.limits.depth {
            return Err(YamlProblem::limit(
                at,
                format!("Lists and mappings are nested more than {} deep.", self.limits.depth),
            ));
        }
        if style == StructureStyle::Block {
            diagnose::tab_before(self.source, start_of(span)).map_or(Ok(()), Err)?;
        }
        let weight = Weight { values: 1, ..Weight::default() };
        let open = Open {
            is_list: matches!(parts, Parts::List(..)),
            is_flow: style == StructureStyle::Flow,
            start: start_of(span),
            column: span.start.col(),
        };
        self.frames.push(Frame { at, open, anchor, parts, weight });
        Ok(())
    }

    fn close(&mut self, span: &Span) -> Result<(), YamlProblem> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if frame.open.is_flow && self.frames.last().is_none_or(|outer| !outer.open.is_flow) {
            let shallow = diagnose::shallow_brackets(self.source, frame.open.start, end_of(span), &self.context());
            shallow.map_or(Ok(()), Err)?;
        }
        let (value, inside) = match frame.parts {
            Parts::List(items, places) => (Value::Array(items), Inside::List(places)),
            Parts::Map { map, places, .. } => (Value::Object(map), Inside::Map(places)),
        };
        let place = Place { at: frame.at, inside };
        let node = Node { value, place, scalar: None, weight: frame.weight, is_merge: false };
        self.complete(node, frame.anchor, span)
    }

    /// Puts a finished node where it belongs: the root, a list, or a mapping as key or value.
    fn complete(&mut self, node: Node, anchor: usize, span: &Span) -> Result<(), YamlProblem> {
        if anchor != 0 {
            self.charge(&node.weight, node.place.at)?;
            let place = Place::leaf(node.place.at);
            let node = Node {
                value: node.value.clone(),
                place,
                scalar: node.scalar.clone(),
                weight: node.weight.clone(),
                is_merge: false,
            };
            self.anchors.insert(anchor, Anchor { node, uses: 1, depth: 0 });
        }
        let old = self.schema == Schema::Old;
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let identity = key_identity(&node);
        let mut node = node;
        frame.weight.absorb(std::mem::take(&mut node.weight));
        match &mut frame.parts {
            Parts::List(items, places) => {
                items.push(node.value);
                places.push(node.place);
            }
            Parts::Map { key: empty @ None, seen, .. } => {
                let repeated = identity.is_some_and(|identity| !seen.insert(identity));
                if repeated && !(old && node.is_merge) {
                    return Err(diagnose::repeated_key(self.source, start_of(span), &node.value, frame.open.is_flow));
                }
                *empty = Some(Box::new(node));
            }
            Parts::Map { map, places, key, .. } => {
                let Some(key) = key.take() else { return Ok(()) };
                if old && key.is_merge {
                    if !merge(map, places, &key, node) {
                        self.refuse_alias(
                            key.place.at,
                            "Merge sources must be maps or map aliases",
                            "The value of `<<` is not a mapping.".to_owned(),
                        );
                    }
                    return Ok(());
                }
                put(map, places, key_text(&key), key.place.at, node.value, node.place);
            }
        }
        Ok(())
    }

    /// The node that an alias stands for, or nothing with a fault remembered.
    fn alias(&mut self, anchor: usize, at: Position) -> Result<Node, YamlProblem> {
        // After a fault the document is lost: its syntax is still looked at, its values are not.
        if self.reference.is_some() {
            return Ok(scalar_node(Scalar::Null, at));
        }
        let depth = self.alias_depth(anchor);
        let Some(found) = self.anchors.get_mut(&anchor) else {
            self.refuse_alias(
                at,
                "This should not happen: Alias anchor was not resolved?",
                "The alias stands inside its own anchor.".to_owned(),
            );
            return Ok(scalar_node(Scalar::Null, at));
        };
        found.uses += 1;
        if found.depth == 0 {
            found.depth = depth;
        }
        let mut node = found.node.clone();
        if found.uses.saturating_mul(found.depth) > MAX_ALIAS_COUNT {
            self.refuse_alias(
                at,
                "Excessive alias count indicates a resource exhaustion attack",
                format!("Aliases repeat one anchor more than {MAX_ALIAS_COUNT} times."),
            );
        }
        self.charge(&node.weight, at)?;
        node.place = Place::leaf(at);
        node.weight.leaf = false;
        node.weight.aliases = HashSet::from([anchor]);
        Ok(node)
    }

    /// How much one repetition of an anchor repeats: one for plain values, the count of the most
    /// repeated anchor inside it otherwise.
    fn alias_depth(&self, anchor: usize) -> u64 {
        let Some(found) = self.anchors.get(&anchor) else { return 0 };
        let inner = found.node.weight.aliases.iter().filter_map(|inner| self.anchors.get(inner));
        let deepest = inner.map(|inner| inner.uses.saturating_mul(inner.depth)).max().unwrap_or(0);
        deepest.max(u64::from(found.node.weight.leaf))
    }

    fn charge(&mut self, weight: &Weight, at: Position) -> Result<(), YamlProblem> {
        self.aliased.values += weight.values;
        self.aliased.bytes += weight.bytes;
        if self.aliased.values > self.limits.aliased_values || self.aliased.bytes > self.limits.aliased_bytes {
            return Err(YamlProblem::limit(at, "Anchors and aliases repeat too much of the document.".to_owned()));
        }
        Ok(())
    }

    fn refuse_alias(&mut self, at: Position, message: &str, sentence: String) {
        self.reference.get_or_insert_with(|| YamlProblem::reference(at, message, sentence));
    }
}

/// The parser counts lines from one and columns from nought.
fn position_of(span: &Span) -> Position {
    Position { line: span.start.line() as u64, column: span.start.col() as u64 + 1 }
}

fn end_of(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.end)
}

fn start_of(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.start)
}
