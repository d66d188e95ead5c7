//! The jobs themselves, one file each.

mod feed_cache_warmer;
mod freshness_probe;
mod hot_posts;
mod suggested_users;

pub use feed_cache_warmer::FeedCacheWarmer;
pub use freshness_probe::{CanaryFeed, FreshnessProbe, PageFuture, ShownPost};
pub use hot_posts::HotPostGenerator;
pub use suggested_users::SuggestedUsersGenerator;

/// Whoever sent events in so many hours counts as active.
const ACTIVE_HOURS: u32 = 24;
