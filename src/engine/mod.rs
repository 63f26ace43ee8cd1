//! How any page, job or run works. Knows no feature.
//! Reading order: configuration and handles first, then what records and decides, then runs, then the page kit.

pub mod access;
pub mod app;
pub mod audit;
pub mod bus;
pub mod config;
pub mod db;
pub mod jobs;
pub mod kept;
pub mod policy;
pub mod requests;
pub mod runs;
pub mod seal;
pub mod web;
