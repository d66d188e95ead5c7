//! Reading topics at least once: offsets are stored only behind what the caller is done with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{ClientConfig, TopicPartitionList};

use crate::offsets::{OffsetTracker, Position};

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
    /// Where it stands.
    pub position: Position,
    /// Its bytes; empty also where it has no value at all.
    pub value: Vec<u8>,
}

impl Record {
    /// It has no value, or one of no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }
}

/// A member of a consumer group. Partitions are shared with the group's other members.
///
/// [`Self::next`] or [`Self::next_batch`] has to be awaited again and again, also by a caller that cannot take any more
/// for now and has called [`Self::pause`]: a member that does not ask is put out of its group after five minutes.
pub struct TopicReader {
    consumer: StreamConsumer<Assignments>,
    topics: Vec<Arc<str>>,
    tracker: OffsetTracker,
    /// Read for a batch that is not handed out yet.
    gathered: Vec<Record>,
    paused: bool,
}

impl TopicReader {
    /// Joins the group and subscribes; a group without offsets starts at the beginning.
    ///
    /// # Errors
    /// [`StreamError::Setup`] when a setting is refused. Brokers that are down are waited for by [`Self::next`].
    pub fn subscribe(brokers: &str, group: &str, topics: &[&str]) -> Result<Self, StreamError> {
        let consumer: StreamConsumer<Assignments> = ClientConfig::new()
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
            // An answer that a broker lost when it was paused is asked for again, not waited for a minute (the default).
            .set("socket.timeout.ms", "10000")
            .create_with_context(Assignments::default())
            .map_err(StreamError::Setup)?;
        consumer.subscribe(topics).map_err(StreamError::Setup)?;
        Ok(Self {
            consumer,
            topics: topics.iter().map(|topic| Arc::from(*topic)).collect(),
            tracker: OffsetTracker::default(),
            gathered: Vec::new(),
            paused: false,
        })
    }

    /// The next record. Waits as long as there is none, or no broker. Cancelling it loses nothing.
    ///
    /// # Errors
    /// [`StreamError::Fatal`] when reading cannot go on.
    pub async fn next(&mut self) -> Result<Record, StreamError> {
        loop {
            let mut batch = self.next_batch(1).await?;
            if let Some(record) = batch.pop() {
                return Ok(record);
            }
        }
    }

    /// The records that are there, at most `limit` of them; waits for the first as [`Self::next`] does, and for no
    /// other. Cancelling it loses nothing.
    ///
    /// # Errors
    /// [`StreamError::Fatal`] when reading cannot go on.
    pub async fn next_batch(&mut self, limit: usize) -> Result<Vec<Record>, StreamError> {
        while self.gathered.is_empty() {
            let received = match self.consumer.recv().await {
                Ok(message) => self.copy(&message),
                Err(error) if is_fatal(&error) => return Err(StreamError::Fatal(error)),
                Err(error) => {
                    tracing::warn!(%error, "reading topics");
                    // The client reconnects by itself; this keeps a repeated error from spinning.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            self.take(received);
        }
        while self.gathered.len() < limit {
            // An error here is found again, or gone, when the next batch is waited for.
            let Some(Ok(message)) = self.consumer.recv().now_or_never() else {
                break;
            };
            let received = self.copy(&message);
            self.take(received);
        }
        Ok(std::mem::take(&mut self.gathered))
    }

    fn copy(&self, message: &BorrowedMessage<'_>) -> Option<Received> {
        let topic = self.topics.iter().find(|one| &***one == message.topic())?;
        Some(Received {
            topic: Arc::clone(topic),
            partition: message.partition(),
            offset: message.offset(),
            value: message.payload().unwrap_or_default().to_vec(),
        })
    }

    fn take(&mut self, received: Option<Received>) {
        self.notice_revocations();
        let Some(received) = received else { return };
        let Received {
            topic,
            partition,
            offset,
            value,
        } = received;
        if let Some(position) = self.tracker.begin(&topic, partition, offset) {
            self.gathered.push(Record { position, value });
        }
        if self.paused {
            // Partitions that were assigned since are not paused yet.
            self.pause();
        }
    }

    /// Lets the group go on behind these records, also after a restart, as soon as all before them are done too.
    ///
    /// # Errors
    /// [`StreamError::Fatal`]; not when a partition has gone to another member, which will see the records again.
    pub fn done_with<'a>(
        &mut self,
        positions: impl IntoIterator<Item = &'a Position>,
    ) -> Result<(), StreamError> {
        self.notice_revocations();
        for position in positions {
            let Some(reached) = self.tracker.finish(position) else {
                continue;
            };
            match self
                .consumer
                .store_offset(&position.topic, position.partition, reached)
            {
                Err(KafkaError::StoreOffset(RDKafkaErrorCode::State)) | Ok(()) => {}
                Err(error) => return Err(StreamError::Fatal(error)),
            }
        }
        Ok(())
    }

    /// How many records were handed out, or are about to be, and are not done.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.tracker.unfinished()
    }

    /// Fetches nothing more until [`Self::resume`]. Some records that are on the way may still come.
    pub fn pause(&mut self) {
        self.paused = true;
        self.for_assignment(|consumer, assigned| consumer.pause(assigned));
    }

    /// Fetches again.
    pub fn resume(&mut self) {
        if std::mem::take(&mut self.paused) {
            self.for_assignment(|consumer, assigned| consumer.resume(assigned));
        }
    }

    /// Whether [`Self::pause`] was called last.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    fn for_assignment(
        &self,
        change: impl Fn(&StreamConsumer<Assignments>, &TopicPartitionList) -> Result<(), KafkaError>,
    ) {
        let changed = self
            .consumer
            .assignment()
            .and_then(|assigned| change(&self.consumer, &assigned));
        if let Err(error) = changed {
            tracing::warn!(%error, "pausing or resuming topics");
        }
    }

    fn notice_revocations(&mut self) {
        for (topic, partition) in self.consumer.context().take_revoked() {
            self.tracker.forget(&topic, partition);
            self.gathered.retain(|record| {
                *record.position.topic != *topic || record.position.partition != partition
            });
        }
    }

    /// Commits what is stored and leaves the group. Blocks a thread of its own, not the runtime.
    pub async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || {
            // What cannot be committed now is read again: nothing is lost by it.
            if let Err(error) = self.consumer.commit_consumer_state(CommitMode::Sync)
                && !matches!(
                    error,
                    KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)
                )
            {
                tracing::warn!(%error, "the last offsets were not committed");
            }
            drop(self);
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "leaving the group");
        }
    }
}

impl std::fmt::Debug for TopicReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicReader")
            .field("topics", &self.topics)
            .field("unfinished", &self.unfinished())
            .finish_non_exhaustive()
    }
}

struct Received {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    value: Vec<u8>,
}

/// Hears of partitions that are taken away. The client calls it while it is asked for records, so before the first
/// record of another assignment is handed out.
#[derive(Debug, Default)]
struct Assignments {
    revoked: Mutex<Vec<(String, i32)>>,
}

impl Assignments {
    fn take_revoked(&self) -> Vec<(String, i32)> {
        std::mem::take(&mut self.revoked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Assignments {}

impl ConsumerContext for Assignments {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        // Also what is assigned was not ours a moment ago.
        if let Rebalance::Revoke(list) | Rebalance::Assign(list) = rebalance {
            let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
            for element in list.elements() {
                revoked.push((element.topic().to_owned(), element.partition()));
            }
        }
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
