//! Load on a running Nova, held against its service levels.
//!
//! The pure part decides before the run: when something arrives ([`schedule`]), who is there ([`audience`]), what a viewer
//! does. [`attack`] carries it out with goose's users and measures ([`measurements`]), [`summary`] turns that into
//! numbers, [`thresholds`] judges them, [`report`] shows them.

mod api;
mod arrivals;
pub mod attack;
pub mod audience;
mod behaviour;
pub mod data;
pub mod measurements;
pub mod options;
pub mod people;
pub mod report;
pub mod resources;
mod scenarios;
pub mod schedule;
pub mod server_timing;
pub mod summary;
pub mod target;
pub mod thresholds;
pub mod token;
mod wishes;

pub use behaviour::Behaviour;
