//! Small looks at the raw text around a fault: how far a plain scalar reaches, where an unclosed
//! bracket stops making sense, what the line above ends with. It owns no messages; the rules are
//! those by which npm `yaml` cuts its tokens, so that its messages can be given for the same place.

use super::source::Source;

/// A block list or mapping, or a bracketed one, that is open where a fault is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    /// Whether it is a list.
    pub(super) is_list: bool,
    /// Whether it is written in brackets.
    pub(super) is_flow: bool,
    /// The byte where it starts.
    pub(super) start: usize,
    /// Its column, counted from nought.
    pub(super) column: usize,
}

/// How far a plain scalar reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The byte after its last character.
    pub(super) end: usize,
    /// Whether it goes over a line end.
    pub(super) is_multiline: bool,
    /// Whether a `: ` follows, which makes it a key.
    pub(super) is_key: bool,
}

/// The column of a byte, counted from nought in bytes of indentation.
pub(super) fn column(source: &Source<'_>, byte: usize) -> usize {
    byte - source.start_of(source.line_of(byte))
}

/// Whether only blanks stand before a byte on its line.
pub(super) fn is_first_on_line(source: &Source<'_>, byte: usize) -> bool {
    let start = source.start_of(source.line_of(byte));
    source.text.get(start..byte).is_some_and(|before| before.bytes().all(|b| b == b' ' || b == b'\t'))
}

/// The indentation of a line in spaces; none for a blank line.
fn indentation(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches(' ');
    (!rest.trim_end_matches(['\n', '\r']).is_empty()).then(|| line.len() - rest.len())
}

/// How deep the later lines of a scalar must be indented, if it starts at a byte outside
/// brackets: as deep as itself where it starts its line, deeper than its key or its dash elsewhere.
fn later_indentation(source: &Source<'_>, start: usize) -> usize {
    let before = source.text.get(source.start_of(source.line_of(start))..start).unwrap_or("");
    let mut rest = before.trim_start_matches(' ');
    let mut column = before.len() - rest.len();
    if rest.is_empty() {
        return column;
    }
    while let Some(after) = rest.strip_prefix('-').filter(|after| after.is_empty() || after.starts_with([' ', '\t'])) {
        let content = after.trim_start_matches([' ', '\t']);
        if content.is_empty() {
            break;
        }
        column = before.len() - content.len();
        rest = content;
    }
    column + 1
}

/// How far the plain scalar that starts at a byte reaches, in block context.
pub(super) fn plain_extent(source: &Source<'_>, start: usize) -> Extent {
    let first = source.line_of(start);
    let floor = later_indentation(source, start);
    let mut extent = Extent { end: start, is_multiline: false, is_key: false };
    for line in first..source.line_count() {
        let text = source.line(line);
        let from = if line == first { start - source.start_of(first) } else { indentation(text).unwrap_or(text.len()) };
        if line != first && (indentation(text).is_some_and(|indent| indent < floor) || is_marker(text)) {
            break;
        }
        let body = text.get(from..).unwrap_or("").trim_end_matches(['\n', '\r']);
        if body.is_empty() {
            continue;
        }
        if line != first && body.starts_with('#') {
            break;
        }
        let (length, stop) = plain_part(body);
        extent.end = source.start_of(line) + from + length;
        extent.is_multiline |= line != first;
        if stop != Stop::LineEnd {
            extent.is_key = stop == Stop::Colon;
            break;
        }
    }
    extent
}

#[derive(PartialEq, Eq)]
enum Stop {
    LineEnd,
    Colon,
    Comment,
}

/// The part of one line that belongs to a plain scalar, and what ends it.
fn plain_part(body: &str) -> (usize, Stop) {
    let bytes = body.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let next_is_blank = bytes.get(at + 1).is_none_or(|next| matches!(next, b' ' | b'\t'));
        if *byte == b':' && next_is_blank {
            return (body[..at].trim_end().len(), Stop::Colon);
        }
        if *byte == b'#' && at > 0 && matches!(bytes[at - 1], b' ' | b'\t') {
            return (body[..at].trim_end().len(), Stop::Comment);
        }
    }
    (body.trim_end().len(), Stop::LineEnd)
}

/// Whether a line is a mark between documents.
fn is_marker(line: &str) -> bool {
    (line.starts_with("---") || line.starts_with("...")) && line[3..].chars().next().is_none_or(char::is_whitespace)
}

/// The start of the next node after a byte, past blanks, comments and the marks `:`, `-` and `?`.
pub(super) fn next_node(source: &Source<'_>, from: usize) -> usize {
    let bytes = source.text.as_bytes();
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        let next_is_blank = bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace);
        match byte {
            b'\n' | b' ' | b'\t' | b'\r' => {}
            b'#' if at == 0 || bytes[at - 1].is_ascii_whitespace() => {
                at += source.text[at..].find('\n').unwrap_or(source.text.len() - at);
                continue;
            }
            b':' | b'-' | b'?' if next_is_blank => {}
            _ => break,
        }
        at += 1;
    }
    at
}

/// Whether a byte is the start of a value on the line of its key.
pub(super) fn is_beside_key(source: &Source<'_>, byte: usize) -> bool {
    let start = source.start_of(source.line_of(byte));
    source.text.get(start..byte).is_some_and(|before| before.trim_end().ends_with(':'))
}

/// Where the node before a byte ends in the eyes of npm `yaml`: the start of the line after its
/// last one; right behind the colon for an empty value; the byte itself if a comment stands
/// behind that colon.
pub(super) fn after_previous(source: &Source<'_>, byte: usize) -> usize {
    let mut has_comment = false;
    let mut line = source.line_of(byte);
    while line > 0 {
        line -= 1;
        let text = source.line(line);
        let body = text.trim();
        if body.is_empty() {
            continue;
        }
        if body.starts_with('#') {
            has_comment = true;
            continue;
        }
        let start = source.start_of(line);
        let (length, stop) = match body.find(" #") {
            Some(at) => (text.len() - text.trim_start().len() + at, Stop::Comment),
            None => (text.trim_end().len(), Stop::LineEnd),
        };
        let content = text[..length].trim_end();
        if content.ends_with(':') && !content.ends_with("::") {
            if has_comment || stop == Stop::Comment {
                return byte;
            }
            return start + text.trim_end_matches(['\n', '\r']).len();
        }
        return source.start_of(line + 1);
    }
    byte
}

/// Whether the line above a byte is a key at the left edge with its value beside it.
pub(super) fn follows_root_value(source: &Source<'_>, byte: usize) -> bool {
    let above = source.line_of(byte).checked_sub(1).map_or("", |line| source.line(line)).trim_end();
    !above.is_empty() && !above.starts_with([' ', '#', '-']) && !above.ends_with(':')
}

/// The token at a byte by npm `yaml`'s name for it, and its length in bytes.
pub(super) fn token(source: &Source<'_>, byte: usize) -> (&'static str, usize) {
    let rest = source.text.get(byte..).unwrap_or("");
    let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
    match rest.bytes().next() {
        Some(b'"') => ("double-quoted-scalar", quoted_length(rest, '"')),
        Some(b'\'') => ("single-quoted-scalar", quoted_length(rest, '\'')),
        Some(b'[') => ("flow-seq-start", 1),
        Some(b'{') => ("flow-map-start", 1),
        Some(b']') => ("flow-seq-end", 1),
        Some(b'}') => ("flow-map-end", 1),
        Some(b'|' | b'>') => ("block-scalar-header", word),
        Some(b'&') => ("anchor", word),
        Some(b'*') => ("alias", word),
        Some(b'!') => ("tag", word),
        Some(b'-') if rest[1..].starts_with(char::is_whitespace) => ("seq-item-ind", 1),
        Some(b'?') if rest[1..].starts_with(char::is_whitespace) => ("explicit-key-ind", 1),
        _ => {
            let extent = plain_extent(source, byte);
            ("scalar", if extent.is_multiline { 1 } else { (extent.end - byte).max(1) })
        }
    }
}

/// The length of a quoted scalar with its quotes, to the end of the text if it is not closed.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\\' if quote == '"' && !escaped => escaped = true,
            c if c == quote && !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// Where a quoted scalar that starts at a byte loses its indentation: the end of the line before
/// the first one that is not indented deeper than `floor`.
pub(super) fn quoted_break(source: &Source<'_>, start: usize, floor: usize) -> Option<usize> {
    let rest = source.text.get(start..)?;
    let end = start + quoted_length(rest, rest.chars().next()?);
    let (first, last) = (source.line_of(start), source.line_of(end.saturating_sub(1)));
    let broken =
        (first + 1..=last).find(|&line| indentation(source.line(line)).is_some_and(|indent| indent <= floor))?;
    let end_of_line_before = source.line(broken - 1).trim_end_matches(['\n', '\r']).len();
    Some(source.start_of(broken - 1) + end_of_line_before)
}

/// Where bracketed lists and mappings that open at `start` stop making sense, with the bracket
/// that is innermost there: at a line that is not indented deeper than `floor` (the closing
/// bracket of the outermost may stand right at it), at a mark between documents, or at the end.
pub(super) fn flow_break(source: &Source<'_>, start: usize, floor: Option<usize>) -> Option<(usize, char)> {
    let text = source.text;
    let mut open: Vec<char> = Vec::new();
    let mut at = start;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '[' | '{' => open.push(c),
            ']' | '}' => {
                open.pop();
                if open.is_empty() {
                    return None;
                }
            }
            '"' | '\'' if starts_quoted(text, at) => {
                at += quoted_length(&text[at..], c);
                continue;
            }
            '#' if text[..at].ends_with([' ', '\t', '\n']) => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            '\n' => {
                let line = source.line_of(at) + 1;
                let shown = source.line(line);
                if let Some(indent) = indentation(shown) {
                    let closes = open.len() == 1 && floor == Some(indent) && shown[indent..].starts_with([']', '}']);
                    let too_shallow =
                        floor.is_some_and(|floor| indent <= floor) && !closes && !shown[indent..].starts_with('#');
                    if too_shallow || is_marker(shown) {
                        return open.last().map(|&bracket| (at + 1 + indent, bracket));
                    }
                }
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    open.last().map(|&bracket| (text.len(), bracket))
}

/// Whether a quote at a byte opens a quoted scalar rather than standing inside a plain one.
fn starts_quoted(text: &str, at: usize) -> bool {
    text[..at].trim_end_matches([' ', '\t', '\n', '\r']).ends_with(['[', '{', ',', ':', '?'])
}
