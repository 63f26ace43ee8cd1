//! What was asked, what policy said, who answered, and the page of every run. Its tables are
//! `requests_*` and `runs_*`, owned by the engine: here is their reading room and its buttons.

pub mod actions;
pub mod api;
pub mod pages;
