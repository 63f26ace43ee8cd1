//! A run: ordered steps, a log, and the list of everything that it did outside. One engine for
//! every kind of run. Owns the `runs_*` tables.
//!
//! Invariants:
//! - no outside call without a committed row that says so ([`context::StepContext::effect`]);
//! - after a crash an effect that is merely intended is unknown, and is looked for, never guessed;
//! - every write of a worker carries the fence of its claim; an older one changes nothing;
//! - nothing waits inside a worker: waiting parks the run, and whoever brings the answer resumes it;
//! - what could not be undone is a leftover, listed by name until a sweep has seen it gone.

pub mod context;
pub mod execute;
pub mod kind;
pub mod manage;
pub mod rollback;
pub mod state;
pub mod store;

pub use context::StepContext;
pub use execute::Execute;
pub use kind::{EffectKind, Found, Outcome, Registry, RunKind, RunObserver, StepFault};
pub use manage::{NewRun, NewStep, cancel, resume, retry, roll_back, start};
pub use state::{EffectState, Purpose, RunState, StepState};
