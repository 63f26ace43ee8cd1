//! The documents of a stream one after the other: directives, faults and how reading goes on
//! behind them. It owns the stream; one document is `build`'s.

use granit_parser::{ErrorKind, Event, Parser, ScanError, StrInput};

use super::build::Builder;
use super::diagnose::{self, Context};
use super::problem::{YamlFault, YamlProblem};
use super::scalar::Schema;
use super::source::Source;
use super::{Document, Limits, Reading};

/// Reads all documents of a text.
pub(super) fn read(source: &Source<'_>, limits: &Limits) -> Reading {
    let options = granit_parser::options! {
        // The original allows the last closing bracket to stand right under its key; we look at
        // the indentation inside brackets and quotes ourselves.
        strict_indentation: false,
        emit_unresolved_aliases: true,
        emit_comments: false,
        block_scalar_eof_without_line_feed: false,
        simple_key_max_lookahead: 1024,
        flow_nesting_limit: limits.depth + 1,
        block_nesting_limit: limits.depth + 1,
    };
    let mut parser = Parser::new_from_str_with_options(source.text, options);
    let mut items = Vec::new();
    let mut schema = Schema::Core;
    loop {
        match next_document(&mut parser, source, limits, &mut schema) {
            Ok(None) => break,
            Ok(Some(document)) if document.value.is_null() => {}
            Ok(Some(_)) if items.len() >= limits.documents => {
                let sentence = format!("The file has more than {} documents.", limits.documents);
                items.push(Err(YamlProblem::limit(source.position(source.text.len()), sentence)));
                break;
            }
            Ok(Some(document)) => items.push(Ok(document)),
            Err(stop) => {
                // Text behind a finished document belongs to it: the document is broken.
                let is_known = stop.spoils_previous && matches!(items.last(), Some(Err(_)));
                if stop.spoils_previous && !is_known {
                    items.pop();
                }
                let is_last = stop.problem.fault != YamlFault::Syntax
                    || stop.problem.position == source.position(source.text.len());
                if !is_known {
                    items.push(Err(stop.problem));
                }
                if is_last || !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    Reading { items }
}

/// A fault that ends a document, and whether it is behind a document that seemed finished.
struct Stopped {
    problem: YamlProblem,
    spoils_previous: bool,
}

impl From<YamlProblem> for Stopped {
    fn from(problem: YamlProblem) -> Self {
        Self { problem, spoils_previous: false }
    }
}

type Events<'a> = Parser<'a, StrInput<'a>>;

/// The next document of the stream; none at its end.
fn next_document(
    parser: &mut Events<'_>,
    source: &Source<'_>,
    limits: &Limits,
    schema: &mut Schema,
) -> Result<Option<Document>, Stopped> {
    let mut builder: Option<Builder<'_>> = None;
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error: ScanError| {
            let context = builder.as_ref().map_or_else(Context::default, Builder::context);
            Stopped {
                problem: diagnose::syntax(source, &error, &context),
                spoils_previous: builder.is_none() && matches!(error.kind(), ErrorKind::ExpectedDocumentStart),
            }
        })?;
        match event {
            Event::DocumentStart(_, version) => {
                if let Some(version) = version {
                    *schema = if version.major == 1 && version.minor <= 1 { Schema::Old } else { Schema::Core };
                }
                builder = Some(Builder::new(source, limits, *schema));
            }
            Event::DocumentEnd => {
                if let Some(builder) = builder.take() {
                    return Ok(builder.finish(&span).map(Some)?);
                }
            }
            Event::StreamEnd => return Ok(None),
            event => {
                if let Some(builder) = builder.as_mut() {
                    builder.take(event, span)?;
                }
            }
        }
    }
    Ok(None)
}
