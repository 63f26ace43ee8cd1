//! The form of a template: from `spec.parameters` to questions on a page, and back to answers.
//!
//! Everything here is pure. A page goes through it like this:
//!
//! 1. [`Page::from_parameters`] splits the parameters into pages; [`Page::start`] puts in defaults
//!    the first time a page is shown.
//! 2. [`Form::lookups`] says which searches in the catalog the page needs, [`Form::fields`] gives its
//!    questions, and [`Fields`] prints them.
//! 3. [`parse()`] reads what the browser sends. When it says `revealed`, or the action is not
//!    [`Action::Next`], the page is shown again; otherwise [`Form::check`] judges it.
//! 4. [`review_rows`] shows all answers once more, and [`settled_answers`] leaves those that are still asked for.
//!
//! The API of Backstage is answered by [`parameter_schema`], [`api_errors`], [`secret_errors`] and
//! [`without_hidden_pages`].

mod action;
mod branch;
mod check;
mod check_fields;
mod controls;
mod defaults;
mod draw;
mod draw_picker;
mod effective;
mod field;
mod keys;
mod merge;
mod page;
mod parse;
mod path;
mod pattern;
mod pick;
mod read;
mod read_value;
mod repo;
mod review;
mod say;
mod settle;
mod shape;
mod ui;
mod upstream;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use action::{ACTION, Action};
pub use check::validate;
pub use draw::{Form, Secrets, Typed, has_conditions};
pub use effective::{Variants, effective_schema};
pub use field::{
    Area, Choosable, Control, ErrorLine, Field, Group, Input, Item, List, Mark, Password, Pick, Picker, RowField, Rows,
    Search, error_lines,
};
pub use page::{DEFAULT_TITLE, Page, When, parameter_schema, without_hidden_pages};
pub use parse::{Held, Parsed, TooManyPairs, parse};
pub use path::{Path, id_of};
pub use pattern::{MAX_BACKTRACKS, MAX_PATTERN, MAX_PATTERN_SIZE, Match, is_usable, matches};
pub use pick::{Choice, Choices, Context, Demand, Fetched, Filter, Found, Lookup, PICKS_SHOWN, PICKS_WITHOUT_SEARCH};
pub use review::{MASK, ReviewRow, TokenWish, review_rows, secret_names, token_wishes};
pub use settle::settled_answers;
pub use upstream::{api_errors, secret_errors};
pub use view::Fields;
pub use words::{Span, capitalised, label_from_key, number_word, spans, summary_title};

/// The most pairs that a submitted page may have.
pub const MAX_PAIRS: usize = 2_000;
/// The most items of a list, rows of a map and values of a choice.
pub const MAX_ITEMS: usize = 200;
/// How deep answers may lie inside each other.
pub const MAX_DEPTH: usize = 16;
/// How many empty items a list shows because it demands them.
const MAX_EMPTY_ITEMS: usize = 5;
/// How many schemas a page may come to once its references are followed.
const MAX_NODES: usize = 10_000;
/// How often a page is read again because an answer has brought up further questions.
const MAX_ROUNDS: usize = 8;
