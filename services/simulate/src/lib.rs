//! A running, seeded population that uses the API as clients do.
//!
//! The pure part decides: who exists and who follows whom ([`Population`]), when people post ([`diurnal`]), what they do
//! next ([`Plans`]) and how they react to a post ([`react`]). It is a function of the seed. The executor
//! ([`run`]) carries it out over HTTP, paced, with bounded concurrency and bounded retries, and counts.

mod actions;
pub mod bulk;
mod client;
pub mod diurnal;
mod executor;
mod options;
mod pacer;
mod plans;
mod population;
mod reaction;
mod summary;
mod token;
mod words;

pub use client::ClientError;
pub use executor::run;
pub use options::SimulateOptions;
pub use plans::{Plan, PlanKind, Plans};
pub use population::{Person, Population};
pub use reaction::{Reaction, react};
pub use summary::{Action, Outcomes, SimulateSummary};
