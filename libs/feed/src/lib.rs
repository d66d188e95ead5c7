//! The read path: candidates, merge, ranking, snapshots, pages, hydration.
//!
//! [`FeedService::get_personalized_feed`] is the entry. A ranking passes these stages, one folder or file each:
//! `sources` (F1 follow, F2 trending, F3 affinity and the viewer's interactions, in parallel) → merge
//! ([`nova_ranking::merge`]) → `filters` and `features` → score and order ([`rank`]). What it ends in is a `snapshot`,
//! kept in Redis; a `page` is cut from it, hydrated and kept too. `serve` decides what a request gets: a page kept, a
//! page cut from a snapshot kept, a ranking, or a `fallback`.
//!
//! A query that fails or is late is left out and named in `degraded`. Only when there is nothing at all to show, there
//! is no feed.

mod answer;
mod asking;
mod budget;
mod config;
mod cursor;
pub mod discovery;
mod env;
mod error;
mod explain;
mod fallback;
mod features;
mod filters;
mod hydrate;
mod memory;
pub mod metrics;
mod own_writes;
mod page;
mod posts;
mod protect;
mod rank;
mod rank_types;
mod remembered;
pub mod restore_counts;
mod serve;
mod service;
mod shared;
mod single_flight;
mod snapshot;
mod sources;
#[cfg(feature = "bench")]
pub mod stages;
mod tasks;
mod timings;
mod trace;

pub use answer::{
    CacheStatus, FeedItem, FeedPage, ItemCounts, Restart, ServedFrom, Snapshot, SnapshotId,
    ViewerState,
};
pub use budget::Budget;
pub use config::{ConfigError, DiversityConfig, FeedConfig, FilterConfig};
pub use cursor::{CursorError, CursorKey};
pub use error::{FeedError, MAX_LIMIT, Unavailable};
pub use explain::{
    FilterExplain, FormulaExplain, InputsExplain, ItemExplain, PageExplain, SourceExplain,
};
pub use own_writes::{DEADLINE as OWN_WRITE_DEADLINE, OwnWrites, Retries};
pub use posts::Posts;
pub use protect::{Breaker, BreakerConfig, Guarded, Guards, Outage};
pub use rank::rank;
pub use rank_types::{Ask, RankContext, RankedFeed, RankedItem};
pub use service::{FeedAt, FeedRequest, FeedService};
pub use shared::Shared;
pub use timings::Timings;
pub use trace::{
    CountsTrace, Degraded, DiversityTrace, Filter, FilterTrace, Outcome, RankingTrace, SourceTrace,
};
