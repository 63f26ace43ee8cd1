//! map, written last
pub mod kernel;
pub mod ports;
pub mod engine;
pub mod features;
