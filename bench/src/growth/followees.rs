//! Latency of a miss against the number of people a viewer follows.

use serde::Serialize;

use super::degrees::{BUCKETS, choose, read};
use super::misses::{Misses, measure as misses};
use super::stack::Stack;

/// Viewers of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FolloweesPoint {
    /// The kind, by about how many they follow.
    pub bucket: &'static str,
    /// Their misses.
    pub misses: Misses,
}

pub(super) async fn measure(stack: &Stack<'_>) -> anyhow::Result<Vec<FolloweesPoint>> {
    let all = read(&stack.pool).await?;
    let mut points = Vec::with_capacity(BUCKETS.len());
    for bucket in BUCKETS {
        let chosen = choose(&all, bucket, stack.options.viewers, stack.options.seed);
        if chosen.is_empty() {
            eprintln!("followees: hardly anybody follows {}", bucket.name);
            continue;
        }
        eprintln!("followees: {} viewers of {}", chosen.len(), bucket.name);
        points.push(FolloweesPoint {
            bucket: bucket.name,
            misses: misses(stack, &chosen).await?,
        });
    }
    Ok(points)
}
