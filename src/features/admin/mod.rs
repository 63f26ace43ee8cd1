//! The platform engineer's pages: how the portal is, and the audit log. Owns no table.

pub mod pages;
