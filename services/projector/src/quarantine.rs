//! Records without a value: into `dead_letters`, with their position.

use std::time::Duration;

use nova_olap::{DeadLetter, Olap};
use nova_runtime::Shutdown;
use nova_stream::{Record, TopicReader, topics};

use crate::backoff::Backoff;
use crate::error::ProjectorError;
use crate::metrics as names;

const GROUP: &str = "nova-projector-quarantine";
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// Follows the topics until the signal to stop. Offsets are stored only behind what has been written: a crash repeats
/// work, and `dead_letters` is keyed by position. While ClickHouse is down it waits, because giving up would lose the
/// record.
///
/// # Errors
/// [`ProjectorError::Stream`] when the consumer cannot be made or fails for good.
pub(crate) async fn run(
    brokers: &str,
    olap: Olap,
    shutdown: Shutdown,
) -> Result<(), ProjectorError> {
    let mut reader = TopicReader::subscribe(brokers, GROUP, &topics::DATA_TOPICS)?;
    loop {
        let record = tokio::select! {
            () = shutdown.requested() => break,
            record = reader.next() => record?,
        };
        if record.is_empty() && !quarantine(&olap, &record, &shutdown).await {
            break;
        }
        reader.done_with([&record.position])?;
    }
    reader.close().await;
    Ok(())
}

/// Whether the record was written; not so only when asked to stop before.
async fn quarantine(olap: &Olap, record: &Record, shutdown: &Shutdown) -> bool {
    let position = &record.position;
    let letter = DeadLetter {
        topic: &position.topic,
        partition: position.partition,
        offset: position.offset,
        error: "empty message",
    };
    let mut backoff = Backoff::new();
    loop {
        let Err(error) = olap.quarantine(&letter, WRITE_DEADLINE).await else {
            metrics::counter!(names::QUARANTINED, "topic" => position.topic.to_string())
                .increment(1);
            tracing::warn!(
                topic = &*position.topic,
                partition = position.partition,
                offset = position.offset,
                "record without a value"
            );
            return true;
        };
        metrics::counter!(names::RETRIES).increment(1);
        tracing::warn!(%error, "a dead letter could not be written yet");
        tokio::select! {
            () = shutdown.requested() => return false,
            () = tokio::time::sleep(backoff.pause()) => {}
        }
    }
}
