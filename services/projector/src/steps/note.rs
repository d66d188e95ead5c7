//! How far the pipeline is; and whether Redis still knows what was noted before.

use std::time::Duration;

use nova_cache::{Cache, ttl};

use super::StepError;
use crate::metrics as names;

/// Notes it. A note that is gone before its time means that Redis was emptied: counters and bodies are made again by
/// whoever reads them next, and feeds are ranked again, so it is told and nothing more.
pub(super) async fn run(
    cache: &Cache,
    source_ms: i64,
    noted_for: Option<Duration>,
) -> Result<(), StepError> {
    let should_be_there = noted_for.is_some_and(|ago| ago < ttl::PIPELINE_SEEN / 2);
    if should_be_there && cache.pipeline_seen().await?.is_none() {
        metrics::counter!(names::REDIS_FLUSHES).increment(1);
        tracing::warn!("Redis has lost what it held; what is read is restored on demand");
    }
    Ok(cache.note_pipeline_seen(source_ms).await?)
}
