//! How far the pipeline from PostgreSQL to here is.

use crate::batch::Batch;
use crate::client::Cache;
use crate::error::CacheError;
use crate::metrics::Operation;
use crate::reply::{or_miss, parse};
use crate::{keys, scripts, ttl};

impl Cache {
    /// Notes that a change or heartbeat of this source time (ms since 1970) went through. Never moves back. One round
    /// trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take it.
    pub async fn note_pipeline_seen(&self, source_ms: i64) -> Result<(), CacheError> {
        let mut batch = Batch::default();
        let arguments = (source_ms, ttl::PIPELINE_SEEN.as_secs());
        batch.script(
            &scripts::SET_GREATER,
            keys::PIPELINE_SEEN.to_owned(),
            arguments,
        );
        self.write(Operation::NOTE_PIPELINE, batch).await.map(drop)
    }

    /// Source time (ms since 1970) of the newest change or heartbeat that went through; `None` when none did within the
    /// last hour. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn pipeline_seen(&self) -> Result<Option<i64>, CacheError> {
        let key = keys::PIPELINE_SEEN;
        let value = self.get(Operation::PIPELINE, "pipeline", key).await?;
        Ok(value.and_then(|value| or_miss(parse(&value), "pipeline", || key.to_owned())))
    }
}
