//! A whole population at once: users, posts, follows, likes, comments and events of seven days, by the million.
//!
//! The pure part is a function of size, seed and base time: [`Model`] says who follows whom and what is popular, and
//! makes the rows of any part of a table from nothing but that ([`Model::likes`] and its sisters). Nothing is kept but
//! the users' ids, so a part costs the same wherever it stands, and any number of threads makes the same rows.
//! [`run`] writes them: through the change stream, or to PostgreSQL and ClickHouse directly. Beside the stream nobody tells Redis of
//! them, so that [`run_with_counters`] does.

mod clickhouse;
mod comments;
mod counters;
mod curve;
mod draw;
mod error;
mod events;
mod facts;
mod fans;
mod follows;
mod history;
mod likes;
mod model;
mod parts;
mod people;
mod permutation;
mod pipeline;
mod postgres;
mod posts;
mod progress;
mod report;
mod run;
mod size;

pub use counters::Unseeded;
pub use error::BulkError;
pub use model::Model;
pub use report::{BulkReport, Side, StepReport};
pub use run::{Backends, BulkOptions, SLICE_ROWS, run, run_with_counters};
pub use size::{ParseScaleError, Scale, Size, SizeError};
