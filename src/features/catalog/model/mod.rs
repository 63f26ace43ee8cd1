//! The pure model of the catalog: what a descriptor file says, whether the catalog takes it, what
//! it relates to, what lists and search see of it. No input, no output, no clock.
//!
//! It reads what Backstage reads (catalog-backend 4.0) and answers in its words, because people
//! search for those words; beside each such error stands a sentence with advice for our own pages.
//!
//! The way of a file: [`descriptor::read`] → per entity [`placeholder::substitute`] →
//! [`check::check`] → [`relations::relations`] and [`location::targets`] → [`storable::check`].
//! The way of a question: [`validate::validate`], or [`check::problems`] for everything at once.
//! Storing, reading from hosts, refreshing and conflicts are not here.

mod advice;
pub mod annotate;
pub mod check;
pub mod descriptor;
mod format;
pub mod hosts;
pub mod js;
mod kinds;
pub mod location;
pub mod placeholder;
pub mod refusal;
pub mod relations;
pub mod rules;
mod schema;
pub mod search_text;
pub mod storable;
mod template_shape;
pub mod validate;
pub mod view;
pub mod yaml;

#[cfg(test)]
mod tests;

pub use check::{Checked, check, problems};
pub use location::{LocationRef, Place};
pub use refusal::{ErrorBody, Problem, Refusal};
pub use relations::{Relation, relations};
