//! Where a value lives inside the answers, and the names its controls bear in the HTML form.
//!
//! `a.b[0].c` is the value `c` in the first item of list `b` in object `a`. A row of a map, whose
//! key the person types, is `labels:v0`, and the control of its key `labels:k0`. What follows a
//! colon is never part of a key: letters that would confuse are written `~` and two hex digits.

use std::fmt::Write as _;

/// One step down into the answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Key(String),
    Item(usize),
    Row(usize),
}

/// The place of one value in the answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The place of all answers together.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The property `key` of this object.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// The item `index` of this list.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.step(Step::Item(index))
    }

    /// The value of the row `index` of this map.
    #[must_use]
    pub fn row(&self, index: usize) -> Self {
        self.step(Step::Row(index))
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// How deep it lies; the root is 0.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// The property it is, unless it is an item or a row.
    #[must_use]
    pub fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The name of its control. Empty for the root.
    #[must_use]
    pub fn name(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            match step {
                Step::Key(key) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    escape(key, &mut out);
                }
                // Writing to a string cannot fail.
                Step::Item(index) => {
                    let _ = write!(out, "[{index}]");
                }
                Step::Row(index) => {
                    let _ = write!(out, ":v{index}");
                }
            }
        }
        out
    }

    /// The name of a control beside the value: its search box, the host of a repository …
    #[must_use]
    pub fn part(&self, part: &str) -> String {
        format!("{}:{part}", self.name())
    }

    /// The `id` of its control in the page.
    #[must_use]
    pub fn id(&self) -> String {
        id_of(&self.name())
    }
}

/// The `id` of the control with this name: the target of links from an error summary.
#[must_use]
pub fn id_of(name: &str) -> String {
    format!("f-{name}")
}

/// Writes a key so that `.`, `[`, `]`, `:`, `~` and blanks in it mean nothing.
fn escape(key: &str, out: &mut String) {
    if key.is_empty() {
        out.push('~');
    }
    for c in key.chars() {
        if matches!(c, '.' | '[' | ']' | ':' | '~' | '"') || c.is_ascii_whitespace() || c.is_ascii_control() {
            let _ = write!(out, "~{:02x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
}
