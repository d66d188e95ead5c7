//! Messages that ClickHouse cannot take, put aside by Nova.

use std::time::Duration;

use crate::client::{Olap, within};
use crate::error::OlapError;

/// A message without bytes, by its position.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetter<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Why no row could be made of it.
    pub error: &'a str,
}

impl Olap {
    /// Writes a dead letter. Writing it again changes nothing: the position is the key.
    ///
    /// # Errors
    /// [`OlapError`], within `deadline`.
    pub async fn quarantine(
        &self,
        letter: &DeadLetter<'_>,
        deadline: Duration,
    ) -> Result<(), OlapError> {
        let insert = self
            .client()
            .query(
                "INSERT INTO dead_letters (topic, partition, offset, disposition, error, raw, received_at) \
                 SELECT ?, ?, ?, 'quarantined', ?, '', now64(3, 'UTC')",
            )
            .bind(letter.topic)
            .bind(letter.partition)
            .bind(letter.offset)
            .bind(letter.error);
        within(deadline, async { Ok(insert.execute().await?) }).await
    }
}
