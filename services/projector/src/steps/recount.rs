//! Counts of posts, from ClickHouse to Redis.

use std::time::Duration;

use nova_domain::PostId;

use super::{Servers, StepError};
use crate::metrics as names;

const DEADLINE: Duration = Duration::from_secs(10);

/// Counts the posts and writes what is newer than Redis has: gives the likes and comments of each.
pub(super) async fn run(
    servers: &Servers,
    posts: &[PostId],
) -> Result<Vec<(PostId, u64)>, StepError> {
    let counts = servers.olap.post_counts(posts, DEADLINE).await?;
    let written = servers.cache.apply_counts(&counts).await?;
    metrics::counter!(names::RECOUNTED).increment(posts.len() as u64);
    metrics::counter!(names::COUNTS_WRITTEN).increment(written as u64);
    Ok(counts
        .iter()
        .map(|one| (one.post, one.likes.saturating_add(one.comments)))
        .collect())
}
