//! The read path: candidates, merge, ranking, hydration.
//!
//! [`FeedService::get_personalized_feed`] is the entry. A feed passes these stages, one folder or file each:
//! `sources` (F1 follow, F2 trending, F3 affinity and the viewer's interactions, in parallel) → merge
//! ([`nova_ranking::merge`]) → `filters` and `features` → score and order ([`rank`]) → page and `hydrate`.
//!
//! A query that fails or is late is left out and named in `degraded`; only when every source fails, or PostgreSQL
//! cannot say what may be shown, there is no feed.

mod answer;
mod budget;
mod config;
mod env;
mod error;
mod features;
mod filters;
mod hydrate;
pub mod metrics;
mod posts;
mod rank;
mod service;
mod sources;
mod timings;
mod trace;

pub use answer::{FeedItem, FeedPage, ItemCounts, ServedFrom, Snapshot, SnapshotId, ViewerState};
pub use budget::Budget;
pub use config::{ConfigError, FeedConfig};
pub use error::{FeedError, MAX_LIMIT, Unavailable};
pub use posts::Posts;
pub use rank::{RankedFeed, rank};
pub use service::FeedService;
pub use timings::Timings;
pub use trace::{Degraded, FilterTrace, Outcome, RankingTrace, SourceTrace};
