//! What people come for: each folder is a first path segment, and all share one floor plan
//! (`model`, `error`, `store`, `actions`, `panel`, `jobs`, `pages`, `api`). A feature uses the floors
//! below and features of lower rows, never a neighbour.

pub mod admin;
pub mod catalog;
pub mod git;
pub mod home;
pub mod login;
pub mod requests;
pub mod scaffolder;
pub mod webhooks;
