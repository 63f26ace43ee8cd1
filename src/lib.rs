//! Slipway, a self-service developer portal: one binary and Postgres.
//!
//! Everything that a developer can ask for is the same thing underneath: **a request, decided by
//! policy, carried out by a run of steps whose every outside effect is written down before it is made.**
//! So nothing is stuck, doubled, leaked or unexplained, and one page shows any of it.
//!
//! ```text
//!                      main ──▶ boot            builds App from Config
//!                       │
//!        ┌──────────┬───┴──────┬─────────┐
//!        ▼          ▼          ▼         ▼
//!     router     worker     panels    example    tables: URLs, jobs and kinds, panels; what is laid at start
//!        └──────────┴───┬──────┴─────────┘
//!                       ▼
//!                   features                    may use every row below, never a neighbour
//!                     4  home  admin  webhooks
//!                     2  scaffolder
//!                     1  login  catalog  requests  git
//!                       ▼
//!                    engine                     how any page, job or run works
//!                       ▼
//!                     ports                     traits, and adapters to outside systems
//!                       ▼
//!                    kernel                     words; no input, no output
//! ```
//!
//! Reading rule: an arrow may skip floors, never climb, never go sideways. `tests/architecture.rs`
//! keeps it.
//!
//! A page lives where its URL says: first path segment = folder under `features` = folder under
//! `templates`. Inside a feature: `pages api` ▸ `jobs panel` ▸ `actions` ▸ `store` ▸ `error` ▸ `model`.
//!
//! Invariant: statements of SQL stand in `store.rs` (and `write.rs` of the catalog, which is its other half).
//! Invariant: an outside call has a committed row first, see [`engine::runs`].
//! Invariant: every verb goes through [`engine::access::can()`], every list through `access_sees` in SQL.
//! Invariant: errors explain themselves once ([`kernel::fault::Explain`]) and get a face at the edge
//! ([`engine::web::problem`]); the cause goes to the log, never to the person.
//!
//! Where this differs from the first drawing: the core of requests lives in `engine`, beside runs,
//! since both ends of the spine move in one transaction; `features/requests` is its reading room.
//! The local code host's pages are a feature of their own, `git`.
//!
//! One word for one thing: entity, source, template, draft, plan, request, decision, run, step,
//! effect, leftover, repository, proposal, subject, claim.

pub mod boot;
pub mod engine;
pub mod example;
pub mod features;
pub mod kernel;
pub mod panels;
pub mod ports;
pub mod router;
pub mod telemetry;
pub mod worker;
