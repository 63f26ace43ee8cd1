//! Words for a line that fits nowhere: what npm `yaml` says of it depends on the block that the
//! line seems to belong to. It owns that choice.

use super::diagnose::{Context, MISSING_COLON, Words, broken_quotes};
use super::scan::{self, Open};
use super::source::Source;

/// A token that fits nowhere: what npm `yaml` says depends on the block that the line belongs to.
pub(super) fn stray(source: &Source<'_>, byte: usize, context: &Context) -> Words {
    let (token, length) = scan::token(source, byte);
    let node_end = || {
        let sentence = "There is more text behind a value that has ended. Put the whole value in quotes.";
        Words::new(format!("Unexpected {token} at node end"), byte, length, sentence)
    };
    if !scan::is_first_on_line(source, byte) {
        // A list item is cut into its mark and its content; the line is judged by the mark.
        let start = source.start_of(source.line_of(byte));
        let indent = source.text[start..byte].len() - source.text[start..byte].trim_start().len();
        let before = source.text[start + indent..byte].trim_end();
        if before != "-" {
            let node = context.node_at(source, byte).min(byte);
            return broken_quotes(source, node, context).unwrap_or_else(node_end);
        }
        return stray(source, start + indent, context);
    }
    let column = scan::column(source, byte);
    let mut around: Vec<Open> =
        context.open.iter().copied().filter(|open| !open.is_flow && open.column <= column).collect();
    let is_item = token == "seq-item-ind";
    if !is_item && around.last().is_some_and(|open| open.is_list && open.column == column) {
        around.pop();
        if around.last().is_some_and(|open| open.is_list) {
            return missing_dash(source, byte);
        }
    }
    let Some(parent) = around.last() else { return node_end() };
    if is_item {
        if column == 0 && scan::follows_root_value(source, byte) {
            return Words::new("Implicit keys need to be on a single line", byte, 1, MISSING_COLON);
        }
        return Words::new(
            "A block sequence may not be used as an implicit map key",
            scan::after_previous(source, byte),
            1,
            "This list item is not indented like the items around it, or its list has no key.",
        );
    }
    if parent.is_list {
        return missing_dash(source, byte);
    }
    if parent.column != column {
        return Words::new(
            "All mapping items must start at the same column",
            scan::after_previous(source, byte),
            1,
            "The next line is not indented like the other keys around it.",
        );
    }
    if token == "scalar" && scan::plain_extent(source, byte).is_multiline {
        return Words::new("Implicit keys need to be on a single line", byte, 1, MISSING_COLON);
    }
    Words::new("Implicit map keys need to be followed by map values", byte, length, MISSING_COLON)
}

fn missing_dash(source: &Source<'_>, byte: usize) -> Words {
    Words::new(
        "Sequence item without - indicator",
        scan::after_previous(source, byte),
        1,
        "A line of a list does not start with `- `, or is not indented deeper than the dash.",
    )
}
