//! Who somebody is and what they may do: people, teams, sessions, tokens, and the one function
//! that answers "may this person do that to this thing". Owns the `access_*` tables.
//!
//! Invariant: every verb goes through [`can()`], every list, count and search through the SQL function
//! `access_sees(visible_to, claims)` with the claims of [`Subject::claims`].

pub mod can;
pub mod session;
pub mod store;
pub mod subject;
pub mod token;

pub use can::{Denied, Resource, can};
pub use subject::{Subject, Via};
