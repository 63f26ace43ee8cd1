//! Words that all floors share. Pure: no input, no output, no clock but the one that is handed in.

pub mod address;
pub mod canonical;
pub mod clock;
pub mod entity_ref;
pub mod fault;
pub mod secret;
pub mod tree;
