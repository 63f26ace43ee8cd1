//! The whole product through its router and its workers, against real counterparts: Postgres and Git as
//! they are, GitHub as a simulation over real HTTP that is held to its published description.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its tasks live as long as it does"
)]

mod support;
mod world {
    pub mod github;
}

mod access;
mod catalog;
mod catalog_conformance;
mod faults;
mod github;
mod local_host;
mod operations;
mod publishing;
mod scaffolder_forms;
mod spine;
mod walk;
