//! Reading topics at least once: offsets are stored only when the caller is done with a record.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;

/// Why topics cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The consumer could not be made, or a setting was refused.
    #[error("the Kafka consumer could not be set up")]
    Setup(#[source] KafkaError),
    /// Kafka refused for good: another try would not help.
    #[error("Kafka refused")]
    Fatal(#[source] KafkaError),
}

/// A record of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// It has no value, or one of no bytes.
    pub is_empty: bool,
}

/// A member of a consumer group. Partitions are shared with the group's other members.
pub struct TopicReader {
    consumer: StreamConsumer,
}

impl TopicReader {
    /// Joins the group and subscribes; a group without offsets starts at the beginning.
    ///
    /// # Errors
    /// [`StreamError::Setup`] when a setting is refused. Brokers that are down are waited for by [`Self::next`].
    pub fn subscribe(brokers: &str, group: &str, topics: &[&str]) -> Result<Self, StreamError> {
        let consumer: StreamConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("client.id", "nova")
            .set("group.id", group)
            .set("auto.offset.reset", "earliest")
            // Committed in the background, but only what `done_with` has stored.
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", "1000")
            .set("enable.auto.offset.store", "false")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "2000")
            .set("queued.max.messages.kbytes", "16384")
            .set("reconnect.backoff.max.ms", "1000")
            .create()
            .map_err(StreamError::Setup)?;
        consumer.subscribe(topics).map_err(StreamError::Setup)?;
        Ok(Self { consumer })
    }

    /// The next record. Waits as long as there is none, or no broker.
    ///
    /// # Errors
    /// [`StreamError::Fatal`] when reading cannot go on.
    pub async fn next(&self) -> Result<Record, StreamError> {
        loop {
            match self.consumer.recv().await {
                Ok(message) => {
                    return Ok(Record {
                        topic: message.topic().to_owned(),
                        partition: message.partition(),
                        offset: message.offset(),
                        is_empty: message.payload().is_none_or(<[u8]>::is_empty),
                    });
                }
                Err(error) if is_fatal(&error) => return Err(StreamError::Fatal(error)),
                Err(error) => {
                    tracing::warn!(%error, "reading topics");
                    // The client reconnects by itself; this keeps a repeated error from spinning.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    /// Lets the group go on behind this record, also after a restart.
    ///
    /// # Errors
    /// [`StreamError::Fatal`]; not when the partition has gone to another member, which will see the record again.
    pub fn done_with(&self, record: &Record) -> Result<(), StreamError> {
        match self
            .consumer
            .store_offset(&record.topic, record.partition, record.offset)
        {
            Err(KafkaError::StoreOffset(RDKafkaErrorCode::State)) | Ok(()) => Ok(()),
            Err(error) => Err(StreamError::Fatal(error)),
        }
    }

    /// Commits what is stored and leaves the group.
    pub fn close(self) {
        // What cannot be committed now is read again: nothing is lost by it.
        if let Err(error) = self.consumer.commit_consumer_state(CommitMode::Sync)
            && !matches!(
                error,
                KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)
            )
        {
            tracing::warn!(%error, "the last offsets were not committed");
        }
    }
}

impl std::fmt::Debug for TopicReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicReader").finish_non_exhaustive()
    }
}

fn is_fatal(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageConsumptionFatal(_)
            | KafkaError::MessageConsumption(
                RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::GroupAuthorizationFailed
            )
    )
}
