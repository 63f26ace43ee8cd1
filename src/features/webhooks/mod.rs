//! What outside systems tell us by themselves: signed webhooks under `/webhooks`. One that is true
//! resumes the runs that wait for its event, and has the catalog look again after a push. Nothing in
//! it is trusted beyond that: whoever is resumed asks the system itself.

mod actions;
pub mod api;
mod error;
