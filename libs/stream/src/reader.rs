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

use crate::brokers::{self, Brokers};
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
///
/// A client that has lost its brokers for good is replaced: it joins the group anew, and what was read and is not done is
/// read again.
pub struct TopicReader {
    consumer: StreamConsumer<Context>,
    config: ClientConfig,
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
        let mut config = ClientConfig::new();
        config
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
            .set("socket.timeout.ms", "10000");
        brokers::ask_for_statistics(&mut config);
        let topics: Vec<_> = topics.iter().map(|topic| Arc::from(*topic)).collect();
        Ok(Self {
            consumer: subscribed(&config, &topics)?,
            config,
            topics,
            tracker: OffsetTracker::default(),
            gathered: Vec::new(),
            paused: false,
        })
    }

    /// The next record. Waits as long as there is none, or no broker. Cancelling it loses nothing.
    ///
    /// # Errors
    /// [`StreamError::Fatal`] when reading cannot go on; [`StreamError::Setup`] when a client that lost its brokers could not
    /// be replaced.
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
    /// [`StreamError::Fatal`] when reading cannot go on; [`StreamError::Setup`] when a client that lost its brokers could not
    /// be replaced.
    pub async fn next_batch(&mut self, limit: usize) -> Result<Vec<Record>, StreamError> {
        while self.gathered.is_empty() {
            let received = tokio::select! {
                biased;
                () = self.consumer.context().brokers.lost() => {
                    self.replace_client()?;
                    continue;
                }
                received = self.consumer.recv() => received,
            };
            let received = match received {
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

    /// While nothing is gathered.
    fn replace_client(&mut self) -> Result<(), StreamError> {
        let consumer = subscribed(&self.config, &self.topics)?;
        brokers::replace("reader", &mut self.consumer, consumer);
        self.tracker.forget_all();
        Ok(())
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
        change: impl Fn(&StreamConsumer<Context>, &TopicPartitionList) -> Result<(), KafkaError>,
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

fn subscribed(
    config: &ClientConfig,
    topics: &[Arc<str>],
) -> Result<StreamConsumer<Context>, StreamError> {
    let consumer: StreamConsumer<Context> = config
        .create_with_context(Context::default())
        .map_err(StreamError::Setup)?;
    let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
    consumer.subscribe(&topics).map_err(StreamError::Setup)?;
    Ok(consumer)
}

/// Hears of partitions that are taken away, and of the brokers the client knows. The client calls it while it is asked
/// for records, so before the first record of another assignment is handed out.
#[derive(Debug, Default)]
struct Context {
    revoked: Mutex<Vec<(String, i32)>>,
    brokers: Brokers,
}

impl Context {
    fn take_revoked(&self) -> Vec<(String, i32)> {
        std::mem::take(&mut self.revoked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Context {
    fn stats_raw(&self, statistics: &[u8]) {
        self.brokers.note(statistics);
    }
}

impl ConsumerContext for Context {
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

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{FutureProducer, FutureRecord};

    use super::*;

    const TOPIC: &str = "cdc.posts";
    const DEADLINE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_reader_that_lost_its_brokers_reads_again_what_is_not_done() {
        let kafka = MockCluster::new(1).unwrap();
        kafka.create_topic(TOPIC, 1, 1).unwrap();
        let brokers = kafka.bootstrap_servers();
        let producer: FutureProducer = ClientConfig::new()
            .set("bootstrap.servers", &brokers)
            .create()
            .unwrap();
        for value in ["done", "open", "unread"] {
            let record = FutureRecord::<(), _>::to(TOPIC).payload(value);
            producer.send(record, DEADLINE).await.unwrap();
        }

        let mut reader = TopicReader::subscribe(&brokers, "nova-projector", &[TOPIC]).unwrap();
        let done = next(&mut reader).await;
        let open = next(&mut reader).await;
        reader.done_with([&done.position]).unwrap();
        assert_eq!((&*done.value, &*open.value), (&b"done"[..], &b"open"[..]));

        reader.consumer.context().brokers.lose();
        let mut again = vec![next(&mut reader).await];
        while again.last().is_some_and(|last| last.value != b"unread") {
            again.push(next(&mut reader).await);
        }
        let found = again.iter().find(|record| record.value == b"open");
        let found = found.expect("what was not done is read again");
        assert_ne!(found.position, open.position);
        assert_eq!(reader.unfinished(), again.len());
        // What is done of the lost client's records lets nobody go on behind those of the new one.
        reader.done_with([&open.position]).unwrap();
        assert_eq!(reader.unfinished(), again.len());
        // Nor does it wait for what may be assigned to others now.
        reader.replace_client().unwrap();
        assert_eq!(reader.unfinished(), 0);
        reader.close().await;
    }

    async fn next(reader: &mut TopicReader) -> Record {
        let next = tokio::time::timeout(DEADLINE, reader.next()).await;
        next.expect("a record in time").unwrap()
    }
}
