//! What a page of a form consists of once it is ready to be drawn. Plain data, no logic of schemas.

use super::words::Span;
use crate::kernel::fault::FieldFault;

/// One question.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own on the page")]
pub struct Field {
    /// `id` of its first control, and the target of links to it.
    pub id: String,
    /// Name of its control in the form.
    pub name: String,
    /// What is asked.
    pub label: String,
    /// A line of help.
    pub help: Vec<Span>,
    /// Must be answered.
    pub required: bool,
    /// Carries the mark "(optional)".
    pub optional: bool,
    /// What is wrong with the answer.
    pub error: Option<String>,
    /// What the template asks for and this portal does not have.
    pub warning: Option<String>,
    /// Gets the focus when the page opens.
    pub autofocus: bool,
    /// Shown, yet nobody may change it.
    pub locked: bool,
    /// Decides what else is asked.
    pub controls: bool,
    /// How it is answered.
    pub control: Control,
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// One line.
    Input(Input),
    /// Several lines.
    Area(Area),
    /// A box to tick.
    Check {
        /// It is ticked.
        checked: bool,
    },
    /// A closed list that opens.
    Select(Vec<Choosable>),
    /// A few choices in the open.
    Radio(Vec<Choosable>),
    /// Boxes, any number of which may be ticked.
    Checks(Vec<Choosable>),
    /// A text that is never shown again.
    Password(Password),
    /// Shown and not changed.
    Fixed {
        /// Its value.
        text: String,
        /// The form sends it along.
        send: bool,
    },
    /// Several questions that belong together.
    Group(Group),
    /// Any number of the same.
    List(List),
    /// Names and values, any number.
    Rows(Rows),
    /// Entities of the catalog, found by searching.
    Picker(Box<Picker>),
}

/// A control of one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// `type` of the control.
    pub kind: &'static str,
    /// `inputmode`, when the type does not say it.
    pub mode: Option<&'static str>,
    /// Its text.
    pub value: String,
    /// An example inside the empty control.
    pub placeholder: Option<String>,
    /// `autocomplete`.
    pub autocomplete: String,
    /// `pattern`, `minlength` and `maxlength` of the schema. They are told in words and checked on the
    /// server: a browser that enforces `maxlength` cuts pasted text in silence.
    pub pattern: Option<String>,
    /// Fewest letters.
    pub min_length: Option<u64>,
    /// Most letters.
    pub max_length: Option<u64>,
    /// `min`, for kinds that have it.
    pub min: Option<String>,
    /// `max`, for kinds that have it.
    pub max: Option<String>,
    /// Texts the browser may offer.
    pub suggestions: Vec<String>,
    /// The answer is short: a number, a date.
    pub short: bool,
    /// Spelling makes no sense in it.
    pub literal: bool,
}

/// A control of several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Height in lines.
    pub rows: u64,
    /// Its text.
    pub value: String,
    /// An example inside the empty control.
    pub placeholder: Option<String>,
}

/// One of the values to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choosable {
    /// `id` of its control, where each has one.
    pub id: String,
    /// What the control sends.
    pub code: String,
    /// Its name.
    pub label: String,
    /// A line about it.
    pub note: String,
    /// It is chosen.
    pub checked: bool,
    /// It cannot be chosen.
    pub disabled: bool,
}

/// A text that is never shown again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password {
    /// One is stored already.
    pub is_set: bool,
    /// An example inside the empty control.
    pub placeholder: Option<String>,
    /// `autocomplete`.
    pub autocomplete: String,
}

/// Several questions that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The questions.
    pub fields: Vec<Field>,
    /// Short questions that stand side by side.
    pub beside: bool,
}

/// Any number of the same.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The items there are.
    pub items: Vec<Item>,
    /// Value of the button that adds one, when one may be added.
    pub add: Option<String>,
    /// What one item is called, in lower case.
    pub noun: String,
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its question.
    pub field: Field,
    /// Value of the button that removes it, when it may be removed.
    pub remove: Option<String>,
}

/// Names and values.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The rows there are.
    pub rows: Vec<RowField>,
    /// Value of the button that adds one.
    pub add: Option<String>,
}

/// One name and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct RowField {
    /// Name of the control of the name.
    pub key_name: String,
    /// The name.
    pub key: String,
    /// The question for the value.
    pub field: Field,
    /// Value of the button that removes the row.
    pub remove: String,
}

/// Entities of the catalog, found by searching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picker {
    /// Several may be chosen.
    pub many: bool,
    /// The search box, when there are more than fit on the page.
    pub search: Option<Search>,
    /// What was found, the chosen ones first.
    pub picks: Vec<Pick>,
    /// A line under the list: that there are more, or none.
    pub note: Option<String>,
    /// What the list holds: "Teams found".
    pub list_label: String,
    /// A box for entries that the list does not have.
    pub more: Option<Input>,
    /// Name of that box.
    pub more_name: String,
}

/// The search box of a picker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Name of the box.
    pub name: String,
    /// Name of the hidden control that remembers what the list answers to.
    pub was_name: String,
    /// What was searched for.
    pub query: String,
    /// What it finds: "Find a team".
    pub label: String,
    /// Value of its button.
    pub find: String,
}

/// One entity to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// `id` of its control.
    pub id: String,
    /// Its reference.
    pub value: String,
    /// Its name.
    pub title: String,
    /// A few words about it.
    pub note: String,
    /// It is chosen.
    pub checked: bool,
    /// What stands before its name.
    pub mark: Mark,
}

/// What stands before the name of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// Letters in a round field: a person.
    Person(String),
    /// Letters in a square field: a team.
    Team(String),
    /// An icon of the sheet.
    Icon(&'static str),
}

impl Field {
    /// `id` of the help line.
    #[must_use]
    pub fn help_id(&self) -> String {
        format!("{}-h", self.id)
    }

    /// `id` of the line that says what is wrong.
    #[must_use]
    pub fn error_id(&self) -> String {
        format!("{}-e", self.id)
    }

    /// What `aria-describedby` holds: help, then what is wrong. `None` when there is neither.
    #[must_use]
    pub fn described_by(&self) -> Option<String> {
        let has_help = !self.help.is_empty() || self.warning.is_some();
        match (has_help, &self.error) {
            (true, Some(_)) => Some(format!("{} {}", self.help_id(), self.error_id())),
            (true, None) => Some(self.help_id()),
            (false, Some(_)) => Some(self.error_id()),
            (false, None) => None,
        }
    }

    /// Name of a control beside this one.
    #[must_use]
    pub fn part(&self, part: &str) -> String {
        format!("{}:{part}", self.name)
    }

    /// Whether the control fits on a line with a button behind it.
    #[must_use]
    pub fn is_line(&self) -> bool {
        matches!(self.control, Control::Input(_) | Control::Select(_))
    }

    /// The questions directly inside this one.
    #[must_use]
    pub fn inner(&self) -> Vec<&Self> {
        match &self.control {
            Control::Group(group) => group.fields.iter().collect(),
            Control::List(list) => list.items.iter().map(|item| &item.field).collect(),
            Control::Rows(rows) => rows.rows.iter().map(|row| &row.field).collect(),
            _ => Vec::new(),
        }
    }
}

/// One line of the error summary above a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLine {
    /// The question.
    pub label: String,
    /// What is wrong with its answer.
    pub message: String,
    /// A link to its control.
    pub href: String,
}

/// The lines of the error summary in the order of the page. Faults that belong to no question of
/// the page come last, without a label.
#[must_use]
pub fn error_lines(fields: &[Field], faults: &[FieldFault]) -> Vec<ErrorLine> {
    let (mut out, mut placed) = (Vec::new(), Vec::new());
    for field in fields {
        collect_errors(field, &mut out, &mut placed);
    }
    let rest = faults.iter().filter(|fault| !placed.contains(&fault.field));
    out.extend(rest.map(|fault| ErrorLine {
        label: String::new(),
        message: fault.message.clone(),
        href: String::new(),
    }));
    out
}

fn collect_errors(field: &Field, out: &mut Vec<ErrorLine>, placed: &mut Vec<String>) {
    if let Some(message) = &field.error {
        out.push(ErrorLine { label: field.label.clone(), message: message.clone(), href: format!("#{}", field.id) });
        placed.push(field.name.clone());
    }
    for inner in field.inner() {
        collect_errors(inner, out, placed);
    }
}
