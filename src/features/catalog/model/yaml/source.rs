//! The text of a file cut into lines, and the few lines of context that an error shows.
//! It owns counting: characters for people, UTF-16 units for texts that users know from Backstage.

use super::place::Position;

/// How long a shown line may be before it is cut, as in the original.
const SHOWN_WIDTH: usize = 80;

/// A file's text with the starts of its lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Cuts a text into lines.
    pub(super) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self { text, starts }
    }

    /// The position of a byte.
    pub(super) fn position(&self, byte: usize) -> Position {
        let line = self.line_of(byte);
        let column = self.text.get(self.starts[line]..byte).map_or(0, |before| before.chars().count());
        Position { line: line as u64 + 1, column: column as u64 + 1 }
    }

    /// The line, counted from nought, that a byte is on.
    pub(super) fn line_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte).saturating_sub(1)
    }

    /// The byte at which a line, counted from nought, starts; the end of the text when there is none.
    pub(super) fn start_of(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// A line, counted from nought, with its end.
    pub(super) fn line(&self, line: usize) -> &'a str {
        self.text.get(self.start_of(line)..self.start_of(line + 1)).unwrap_or("")
    }

    /// How many lines there are.
    pub(super) fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// ` at line 3, column 5:` and the line with a caret under the place, in the form of npm
    /// `yaml`, whose texts Backstage shows. `length` is the number of characters marked.
    pub(super) fn pointed(&self, byte: usize, length: usize) -> String {
        let line = self.line_of(byte);
        let before = self.text.get(self.starts[line]..byte).unwrap_or("");
        let column = before.encode_utf16().count();
        let mut shown: Vec<char> = self.line(line).trim_end_matches(['\n', '\r']).chars().collect();
        let mut caret = before.chars().count();
        let head = format!(" at line {}, column {}", line + 1, column + 1);
        if caret >= 60 && shown.len() > SHOWN_WIDTH {
            let cut = (caret - 39).min(shown.len() - 79);
            shown.splice(..cut, ['…']);
            caret = caret + 1 - cut;
        }
        if shown.len() > SHOWN_WIDTH {
            shown.truncate(SHOWN_WIDTH - 1);
            shown.push('…');
        }
        let mut text: String = shown.iter().collect();
        if line > 0 && shown.iter().take(caret).all(|&c| c == ' ') {
            text.insert_str(0, &self.line_above(line));
        }
        if !text.contains(|c| c != ' ') {
            return head;
        }
        let width = length.min(SHOWN_WIDTH.saturating_sub(caret)).max(1);
        format!("{head}:\n\n{text}\n{}{}\n", " ".repeat(caret), "^".repeat(width))
    }

    fn line_above(&self, line: usize) -> String {
        let above = self.line(line - 1);
        if above.chars().count() <= SHOWN_WIDTH {
            return above.to_owned();
        }
        format!("{}…\n", above.chars().take(SHOWN_WIDTH - 1).collect::<String>())
    }
}
