//! What tests start from: a portal of their own over a database of their own, and people who use it.

pub mod database;
pub mod person;
pub mod portal;
pub mod process;

pub use person::Person;
pub use portal::Portal;
