//! Templates to repositories: Backstage's `template.yaml` (v1beta3) with its form, a plan that is
//! made by the same engine as the run, and the run itself. Owns `scaffolder_*`.
//!
//! Invariants: nothing is made before the plan was seen, and what is made is what the plan showed (the
//! run checks its hash); a workspace is a tree in memory, so that nothing climbs out of it and a
//! killed process leaves nothing behind; secret answers are sealed and die with the run.

pub mod actions;
pub mod api;
pub mod error;
pub mod fetch;
pub mod jobs;
pub mod model;
pub mod outside;
pub mod pages;
pub mod panel;
pub mod plan;
pub mod runs;
pub mod store;
