//! The pure part of the scaffolder: templates, their form, the expression language, rendering, and
//! what the actions take as input.

pub mod expression;
pub mod form;
pub mod input;
pub mod render;
pub mod repo_url;
pub mod template;

#[cfg(test)]
mod tests;
