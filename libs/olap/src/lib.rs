//! ClickHouse: the schema, the candidate queries and the counts.
//!
//! Owns everything Nova asks of ClickHouse; SQL stands in `clickhouse/`. Knows nothing of PostgreSQL, HTTP or ranking
//! beyond the candidates and counts it returns.

mod activity;
mod bodies;
mod candidates;
mod caught_up;
mod client;
mod config;
mod consumers;
mod dead_letters;
mod engagement_state;
mod error;
mod event_counts;
mod features;
mod followers;
mod hot_posts;
mod interactions;
pub mod load;
mod post_counts;
mod questions;
mod rows;
pub mod schema;
mod seen;
mod sql;
mod suggestions;
mod together;
mod turns;

pub use candidates::{AuthorLimits, NewPost, SourceLimits};
pub use caught_up::{MOST_KEYS, PostKey};
pub use client::Olap;
pub use config::OlapConfig;
pub use dead_letters::DeadLetter;
pub use engagement_state::EngagementState;
pub use error::OlapError;
pub use event_counts::Recounted;
pub use features::ExactCounts;
pub use hot_posts::HotCandidate;
pub use interactions::{AuthorInteractions, Interactions};
pub use post_counts::PostState;
pub use suggestions::{SimilarLimits, UserCount};
pub use turns::Turns;
