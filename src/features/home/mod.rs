//! The first page: what is mine, what waits for me, what happened, what I can start. And the portal's
//! own documentation. Owns no table.

pub mod docs;
pub mod pages;
