//! How any page, job or run works. Knows no feature.
//! Reading order: configuration and handles first, then what records and decides, then runs, then the page kit.

pub mod config;
pub mod db;
pub mod app;
pub mod seal;
pub mod bus;
pub mod kept;
pub mod access;
pub mod audit;
pub mod policy;
pub mod jobs;
pub mod requests;
pub mod runs;
pub mod web;
