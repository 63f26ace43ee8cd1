//! From the parser's faults to words: the message that npm `yaml` gives for the same text, since
//! Backstage shows it and people search for it, and a sentence with advice for our own page.
//! It owns the choice of words; looking at the text is `scan`'s.

use granit_parser::{ErrorKind, ScanError};
use serde_json::Value;

use super::problem::YamlProblem;
use super::scan::{self, Open};
use super::source::Source;
use super::stray::stray;

/// What was open and read when a fault was found.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Open lists and mappings, the outermost first.
    pub(super) open: Vec<Open>,
    /// The start and the end of the last value that was read.
    pub(super) last: (usize, usize),
    /// Whether the document has any value so far.
    pub(super) has_content: bool,
}

impl Context {
    /// The column that lines must be indented deeper than: that of the innermost block collection.
    pub(super) fn floor(&self) -> Option<usize> {
        self.open.iter().rev().find(|open| !open.is_flow).map(|open| open.column)
    }

    /// The start of the node that a fault at a byte interrupts: the last one read if only blanks
    /// follow it, otherwise the next.
    pub(super) fn node_at(&self, source: &Source<'_>, byte: usize) -> usize {
        let (start, end) = self.last;
        let follows = end > start && source.text.get(end..byte).is_some_and(|between| between.trim().is_empty());
        if follows { start } else { scan::next_node(source, end) }
    }

    fn outermost_bracket(&self) -> Option<usize> {
        self.open.iter().find(|open| open.is_flow).map(|open| open.start)
    }
}

/// A message, the byte it is about, how many characters it marks, and the sentence for our page.
pub(super) struct Words {
    message: String,
    byte: usize,
    length: usize,
    sentence: &'static str,
}

impl Words {
    pub(super) fn new(message: impl Into<String>, byte: usize, length: usize, sentence: &'static str) -> Self {
        Self { message: message.into(), byte, length, sentence }
    }

    fn into_problem(self, source: &Source<'_>) -> YamlProblem {
        let byte = self.byte.min(source.text.len());
        let message = format!("{}{}", self.message, source.pointed(byte, self.length));
        YamlProblem::syntax(source.position(byte), &message, self.sentence.to_owned())
    }
}

/// A fault that the parser reports.
pub(super) fn syntax(source: &Source<'_>, error: &ScanError, context: &Context) -> YamlProblem {
    let byte = error.marker().byte_offset().unwrap_or(0).min(source.text.len());
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return YamlProblem::limit(source.position(byte), "Lists and mappings are nested too deep.".to_owned());
    }
    let start = context.outermost_bracket().or(match error.kind() {
        ErrorKind::UnclosedFlowCollection { .. } => Some(byte),
        _ => None,
    });
    let broken_bracket = start.and_then(|start| unclosed(source, start, context));
    let words = match broken_bracket {
        Some(words) if words.byte <= byte || start == Some(byte) => words,
        _ => words(source, error.kind(), byte, context),
    };
    words.into_problem(source)
}

/// A key that stands twice in one mapping. The original's place lies before an empty value's key;
/// ours is the key itself.
pub(super) fn repeated_key(source: &Source<'_>, byte: usize, key: &Value, in_brackets: bool) -> YamlProblem {
    let previous = scan::after_previous(source, byte);
    let is_after_empty = !in_brackets
        && scan::is_first_on_line(source, byte)
        && previous < byte
        && source.line_of(previous) < source.line_of(byte)
        && source.text[..previous].trim_end().ends_with(':');
    let shown = if is_after_empty { previous } else { byte };
    YamlProblem::syntax(
        source.position(byte),
        &format!("Map keys must be unique{}", source.pointed(shown, 1)),
        format!("The key {key} stands twice in the same mapping. Remove one, or put `---` between two entities."),
    )
}

/// A bracketed list or mapping whose lines are not indented enough; none if it is in order.
pub(super) fn shallow_brackets(
    source: &Source<'_>,
    start: usize,
    end: usize,
    context: &Context,
) -> Option<YamlProblem> {
    let words = unclosed(source, start, context)?;
    (words.byte < end).then(|| words.into_problem(source))
}

/// A quoted scalar whose later lines are not indented enough; none if it is in order.
pub(super) fn shallow_quotes(source: &Source<'_>, start: usize, context: &Context) -> Option<YamlProblem> {
    Some(broken_quotes(source, start, context)?.into_problem(source))
}

/// A tab right before a block list or mapping; none if there is none.
pub(super) fn tab_before(source: &Source<'_>, start: usize) -> Option<YamlProblem> {
    let before = source.text.get(source.start_of(source.line_of(start))..start)?;
    let blanks = &before[before.trim_end_matches([' ', '\t']).len()..];
    let tab = start - blanks.len() + blanks.find('\t')?;
    Some(Words::new("Tabs are not allowed as indentation", tab, start - tab, TAB).into_problem(source))
}

fn unclosed(source: &Source<'_>, start: usize, context: &Context) -> Option<Words> {
    let (byte, bracket) = scan::flow_break(source, start, context.floor())?;
    let (name, end) = if bracket == '[' { ("Flow sequence", ']') } else { ("Flow map", '}') };
    let is_root = context.floor().is_none();
    let message = if is_root {
        format!("{name} must end with a {end}")
    } else {
        format!("{name} in block collection must be sufficiently indented and end with a {end}")
    };
    let sentence =
        "A bracket is not closed, or the lines inside it are not indented deeper than the key they belong to.";
    Some(Words::new(message, byte, 1, sentence))
}

pub(super) fn broken_quotes(source: &Source<'_>, start: usize, context: &Context) -> Option<Words> {
    let quote = source.text.get(start..)?.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let byte = scan::quoted_break(source, start, context.floor()?)?;
    Some(missing_quote(quote, byte))
}

fn missing_quote(quote: char, byte: usize) -> Words {
    Words::new(format!("Missing closing {quote}quote"), byte, 1, "A quote is not closed on its line.")
}

fn words(source: &Source<'_>, kind: &ErrorKind, byte: usize, context: &Context) -> Words {
    let character = source.text[byte..].chars().next().unwrap_or('\n');
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => tab(source, byte),
        ErrorKind::MappingKeyNotAllowed => compact(byte, byte, source),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidSimpleKey => nested(source, byte, context),
        ErrorKind::UnexpectedCharacter { .. }
        | ErrorKind::MissingDocumentEndBeforeDirective
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveName => bad_start(source, byte, context),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            misplaced_end(source, byte, context)
        }
        ErrorKind::BlockSequenceEntryNotAllowed if !scan::is_first_on_line(source, byte) => Words::new(
            "Unexpected block-seq-ind on same line with key",
            byte,
            1,
            "A list item cannot stand on the line of its key. Put it on the next line.",
        ),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => {
            let end = source.text.len();
            broken_quotes(source, byte, context)
                .filter(|_| source.text.get(byte + 1..).is_some_and(|rest| rest.contains(character)))
                .unwrap_or_else(|| missing_quote(character, end))
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => escape(source, byte),
        ErrorKind::InvalidBlockScalarHeader => block_header(source, byte),
        _ if character == ',' => bad_start(source, byte, context),
        _ => stray(source, byte, context),
    }
}

fn tab(source: &Source<'_>, byte: usize) -> Words {
    // The parser may point at the scalar that the tab interrupts, on the line above.
    let first = source.line_of(byte);
    let found = (first..source.line_count().min(first + 3)).find_map(|line| {
        let text = source.line(line);
        let blanks = text.len() - text.trim_start_matches([' ', '\t']).len();
        let at = text[..blanks].find('\t')?;
        (!text.trim().is_empty()).then_some((source.start_of(line) + at, blanks - at))
    });
    let (at, length) = found.unwrap_or((byte, 1));
    Words::new("Tabs are not allowed as indentation", at, length, TAB)
}

const TAB: &str = "A tab is used to indent this line. Use spaces.";

fn nested(source: &Source<'_>, byte: usize, context: &Context) -> Words {
    let start = context.node_at(source, byte);
    if start > byte {
        return stray(source, byte, context);
    }
    if let Some(words) = broken_quotes(source, start, context) {
        return words;
    }
    if scan::is_beside_key(source, start) {
        return compact(start, byte, source);
    }
    Words::new("Implicit keys need to be on a single line", start, 1, MISSING_COLON)
}

/// A mapping that starts on the line of its key, its `:` at another byte.
fn compact(start: usize, colon: usize, source: &Source<'_>) -> Words {
    let is_same_line = source.line_of(start) == source.line_of(colon);
    let sentence = if is_same_line {
        "A value on the line of its key holds another `: `. Put the value in quotes."
    } else {
        "The line below is indented deeper than this key, which has its value already."
    };
    Words::new("Nested mappings are not allowed in compact mappings", start, 1, sentence)
}

pub(super) const MISSING_COLON: &str =
    "This line is neither `key: value` nor a list item. Perhaps a colon, or the space behind it, is missing.";

fn bad_start(source: &Source<'_>, byte: usize, context: &Context) -> Words {
    let character = source.text[byte..].chars().next().unwrap_or('\n');
    let name = match character {
        ',' => "flow indicator character ,".to_owned(),
        '%' => "directive indicator character %".to_owned(),
        '|' | '>' => format!("block scalar indicator {character}"),
        '@' | '`' => format!("reserved character {character}"),
        _ => {
            return Words::new(
                format!("Unexpected character {character:?}"),
                byte,
                1,
                "A character is not allowed here.",
            );
        }
    };
    let in_brackets = context.open.last().is_some_and(|open| open.is_flow);
    let extent = scan::plain_extent(source, byte);
    if !in_brackets && context.has_content {
        if scan::is_first_on_line(source, byte) && extent.is_multiline {
            return Words::new("Implicit keys need to be on a single line", byte, 1, MISSING_COLON);
        }
        if extent.is_key && scan::is_beside_key(source, byte) {
            return nested(source, byte, context);
        }
    }
    Words::new(
        format!("Plain value cannot start with {name}"),
        byte,
        1,
        "A value cannot start with this character. Put the value in quotes.",
    )
}

fn misplaced_end(source: &Source<'_>, byte: usize, context: &Context) -> Words {
    let (token, length) = scan::token(source, byte);
    let place = if context.has_content { "stream" } else { "document" };
    let character = source.text[byte..].chars().next().unwrap_or(' ');
    Words::new(
        format!("Unexpected {token} token in YAML {place}: \"{character}\""),
        byte,
        length,
        "A closing bracket has no opening one. Put a text that starts with a bracket in quotes.",
    )
}

fn escape(source: &Source<'_>, start: usize) -> Words {
    const KNOWN: &str = "0abtnvfre \"/\\N_LPxuU\t\n\r";
    const HINT: &str = "A backslash in double quotes starts an escape that does not exist. \
        Use single quotes, or write `\\\\`.";
    let mut rest = source.text.get(start + 1..).unwrap_or("").char_indices();
    while let Some((at, c)) = rest.next() {
        if c != '\\' {
            continue;
        }
        let Some((_, next)) = rest.next() else { break };
        let digits = match next {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let code: String = rest.clone().map(|(_, c)| c).take(digits).collect();
        if !KNOWN.contains(next) || !code.chars().all(|c| c.is_ascii_hexdigit()) {
            return Words::new(format!("Invalid escape sequence \\{next}{code}"), start + 1 + at, 1, HINT);
        }
    }
    missing_quote('"', source.text.len())
}

fn block_header(source: &Source<'_>, byte: usize) -> Words {
    let rest = &source.text[byte..];
    let length = rest.find(|c: char| c.is_whitespace() || c == '#').unwrap_or(rest.len());
    let header = &rest[..length];
    let (mut has_chomp, mut has_indent) = (false, false);
    let extra = header.char_indices().skip(1).find(|(_, c)| match c {
        '+' | '-' if !has_chomp => {
            has_chomp = true;
            false
        }
        '1'..='9' if !has_indent => {
            has_indent = true;
            false
        }
        _ => true,
    });
    if let Some((at, _)) = extra {
        let sentence =
            "The text after `|` or `>` starts on the next line. Put a value that starts with one of them in quotes.";
        return Words::new(format!("Block scalar header includes extra characters: {header}"), byte + at, 1, sentence);
    }
    let at = byte + length + rest[length..].len() - rest[length..].trim_start_matches([' ', '\t']).len();
    let (token, size) = scan::token(source, at);
    let sentence = "The text after `|` or `>` starts on the next line.";
    Words::new(format!("Unexpected {token} at node end"), at, size, sentence)
}
