//! Records without a value: into `dead_letters`, with their position.

use std::collections::VecDeque;
use std::time::Duration;

use nova_olap::{DeadLetter, Olap};
use nova_runtime::Shutdown;
use nova_stream::{Record, StreamError, TopicReader, topics};

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
    // Read while another record could not be written.
    let mut waiting = VecDeque::new();
    loop {
        let record = match waiting.pop_front() {
            Some(record) => record,
            None => tokio::select! {
                () = shutdown.requested() => break,
                record = reader.next() => record?,
            },
        };
        if record.is_empty() {
            let written = tokio::select! {
                written = quarantine(&olap, &record, &shutdown) => written,
                error = keep_asking(&mut reader, &mut waiting) => return Err(error.into()),
            };
            if !written {
                break;
            }
            reader.resume();
        }
        reader.done_with([&record.position])?;
    }
    reader.close().await;
    Ok(())
}

/// Asks for records without wanting any, so that the group and the client know that somebody is there. Some that are on
/// the way still come.
async fn keep_asking(reader: &mut TopicReader, waiting: &mut VecDeque<Record>) -> StreamError {
    reader.pause();
    loop {
        match reader.next_batch(1).await {
            Ok(records) => waiting.extend(records),
            Err(error) => return error,
        }
    }
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
