//! Entities, their relations, the sources they are read from, and what is wrong with those.
//! Owns `catalog_*`. Reading is explained: every source says when it was read, what came of it, and
//! what is wrong with file, line and column.
//!
//! Invariants: the first source that defines an entity keeps it; what cannot be read any more keeps
//! what an earlier reading gave; every change raises the catalog's generation in its transaction.

pub mod actions;
pub mod api;
pub mod cache;
pub mod error;
pub mod ingest;
pub mod jobs;
pub mod model;
pub mod pages;
pub mod places;
pub mod store;
pub mod write;
