//! The local code host in the browser and for `git`: repositories, their files and proposals, and
//! clone and push over HTTP. Owns no table; the host is a port.
//!
//! Invariant: who may read or write is decided here before the host is asked.

pub mod pages;
pub mod serve;
