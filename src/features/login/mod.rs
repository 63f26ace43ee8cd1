//! Coming in and going out: sign-in with GitHub or as a demo person, sign-out here and everywhere,
//! teams kept fresh, personal tokens, the theme. Its tables are `access_*`, owned by `engine::access`.
//!
//! Invariant: demo people exist only where [`SignIn::Demo`](crate::engine::config::SignIn) holds; the
//! handler checks it, not only the page.

pub mod actions;
pub mod api;
pub mod error;
pub mod jobs;
pub mod pages;
