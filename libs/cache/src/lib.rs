//! Redis: pages, snapshots, counters, overlays, locks.
//!
//! Everything here can be lost at any time and is made again from PostgreSQL and ClickHouse; a reader takes a
//! [`CacheError`] for a miss. Every read of a feed is one round trip. Every number is written with the version of the
//! facts it was computed from, and an older version changes nothing: messages may come twice, late and out of order.

mod batch;
mod client;
mod corrupt;
mod counters;
mod error;
mod hydration;
pub mod keys;
mod link;
mod lists;
mod locks;
mod look;
mod memory;
pub mod metrics;
mod overlay;
mod pipeline;
mod reply;
mod scripts;
mod snapshots;
mod stale;
pub mod ttl;

pub use client::{Cache, CacheConfig, Traffic};
pub use counters::PostRow;
pub use error::CacheError;
pub use hydration::Hydration;
pub use lists::{HOT_POSTS, HotPost, SUGGESTED_USERS, Suggestion, SuggestionReason};
pub use locks::{JobLease, RankLock};
pub use look::{Look, PageKey, PageLook, ViewerRow, look_commands};
pub use overlay::{MOST_OVERLAY_FIELDS, Overlay, OverlayChange, OverlayKey};
