//! The questions as HTML. The markup is in `templates/scaffolder/fields.html`.

use askama::Template;

use super::action::ACTION;
use super::draw::has_conditions;
use super::field::{Control, Field, Group, Mark};
use super::words::Span;

/// A list of questions as HTML, to be put inside a `form`. Prints itself escaped and ready:
/// `{{ fields }}` in a page needs no `safe`.
#[derive(Debug, Template)]
#[template(path = "scaffolder/fields.html")]
pub struct Fields<'a> {
    all: Vec<&'a Field>,
    icons: &'a str,
    class: &'static str,
    /// These are the questions of a page, not those inside another question.
    outermost: bool,
    has_conditions: bool,
}

impl<'a> Fields<'a> {
    /// The questions of a page. `icons` is the address of the icon sheet.
    #[must_use]
    pub fn new(fields: &'a [Field], icons: &'a str) -> Self {
        Self {
            all: fields.iter().collect(),
            icons,
            class: "group",
            outermost: true,
            has_conditions: has_conditions(fields),
        }
    }

    fn within(&self, group: &'a Group) -> Self {
        let class = match (group.beside, group.fields.len()) {
            (false, _) => "group quote",
            (true, 0..=2) => "grid grid--2",
            (true, _) => "grid grid--3",
        };
        Self { all: group.fields.iter().collect(), icons: self.icons, class, outermost: false, has_conditions: false }
    }

    fn one(&self, field: &'a Field) -> Self {
        Self { all: vec![field], icons: self.icons, class: "stack", outermost: false, has_conditions: false }
    }
}

impl askama::filters::HtmlSafe for Fields<'_> {}
