//! What to look at and whom to follow beside the feed: trending posts and suggested users.
//!
//! [`suggested_users`] and [`trending`] answer requests from the lists that jobs keep in Redis, and compute what is not
//! there. [`generate_suggestions`] and [`generate_hot_posts`] make those lists. Who may be shown is asked of PostgreSQL
//! on every request: a list is a proposal.

mod answer;
pub mod canary;
mod config;
mod deps;
mod error;
mod generate;
mod hot;
mod item;
mod left_out;
mod merge;
pub mod metrics;
mod popular;
mod suggested_users;
mod trending;

pub use answer::{ListFrom, Reason, ReasonKind, SuggestedUser, SuggestedUsers, Trending};
pub use config::SuggestConfig;
pub use deps::Discovery;
pub use error::{DiscoveryError, MAX_SUGGESTED, MAX_TRENDING};
pub use generate::{Generated, generate_suggestions};
pub use hot::generate_hot_posts;
pub use left_out::LeftOut;
pub use popular::Popular;
pub use suggested_users::suggested_users;
pub use trending::trending;
