//! Feeds that are known to be out of date.

use nova_domain::UserId;

use crate::batch::Batch;
use crate::client::Cache;
use crate::error::CacheError;
use crate::metrics::Operation;
use crate::{keys, scripts};

impl Cache {
    /// Marks the feeds of those viewers who are active stale as of `at_ms` (since 1970): how many were marked. A mark is
    /// never moved back, and nobody is made active by one. One round trip per 1,000 viewers.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them. Some may have been marked; marking all again is harmless.
    pub async fn mark_stale(&self, viewers: &[UserId], at_ms: i64) -> Result<usize, CacheError> {
        let mut batch = Batch::default();
        for viewer in viewers {
            batch.script(&scripts::VIEWER_STALE, keys::viewer(*viewer), at_ms);
        }
        self.apply(Operation::MARK_STALE, batch).await
    }
}
