//! The scheduled jobs.
//!
//! A [`Scheduler`] runs each [`Job`] again and again: with jitter, within a deadline, and on one replica at a time, by a
//! lock in Redis. A run that fails is tried again at its next turn; nothing a job makes cannot be made again.

mod config;
mod error;
mod job;
pub mod jobs;
mod lease;
pub mod metrics;
mod report;
mod run;
mod schedule;
mod scheduler;

pub use config::{JobsConfig, Plan, ProbeConfig, UsersConfig};
pub use error::JobError;
pub use job::{Job, JobFuture, JobName, UnknownJob};
pub use lease::Leases;
pub use report::{Outcome, Report};
pub use run::Run;
pub use scheduler::{Scheduler, run_once};
