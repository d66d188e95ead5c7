//! How much a topic has got, and how far a group of consumers is in it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const DEADLINE: Duration = Duration::from_secs(10);

/// The end of a topic. It belongs to no group and reads nothing.
#[derive(Clone)]
pub(crate) struct EndOffsets {
    consumer: Arc<BaseConsumer>,
    topic: &'static str,
    partitions: Vec<i32>,
}

impl std::fmt::Debug for EndOffsets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndOffsets")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl EndOffsets {
    /// Of a topic that exists.
    pub(crate) async fn of(brokers: &str, topic: &'static str) -> anyhow::Result<Self> {
        let brokers = brokers.to_owned();
        blocking(move || {
            let consumer: BaseConsumer = ClientConfig::new()
                .set("bootstrap.servers", brokers)
                .set("client.id", "nova-bench")
                .create()?;
            let metadata = consumer.fetch_metadata(Some(topic), DEADLINE)?;
            let found = metadata.topics().iter().find(|found| found.name() == topic);
            let partitions: Vec<i32> = found
                .map(|found| found.partitions().iter().map(|one| one.id()).collect())
                .unwrap_or_default();
            anyhow::ensure!(!partitions.is_empty(), "there is no topic {topic}");
            Ok(Self {
                consumer: Arc::new(consumer),
                topic,
                partitions,
            })
        })
        .await
    }

    /// Messages it has got since it was made, the sum over its partitions. One small request for each.
    pub(crate) async fn total(&self) -> anyhow::Result<u64> {
        let this = self.clone();
        blocking(move || {
            let mut total = 0;
            for partition in &this.partitions {
                let (_, end) = this
                    .consumer
                    .fetch_watermarks(this.topic, *partition, DEADLINE)?;
                total += u64::try_from(end).unwrap_or(0);
            }
            Ok(total)
        })
        .await
    }
}

/// How far a group of consumers is in a topic, as it has committed. It asks for the group and does not join it.
#[derive(Clone)]
pub(crate) struct Committed {
    consumer: Arc<BaseConsumer>,
    partitions: TopicPartitionList,
}

impl std::fmt::Debug for Committed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Committed")
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl Committed {
    /// Of a group in a topic.
    pub(crate) async fn of(brokers: &str, group: &str, topic: &EndOffsets) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("client.id", "nova-bench")
            .set("group.id", group)
            .set("enable.auto.commit", "false");
        let mut partitions = TopicPartitionList::new();
        for partition in &topic.partitions {
            partitions.add_partition(topic.topic, *partition);
        }
        blocking(move || {
            Ok(Self {
                consumer: Arc::new(config.create()?),
                partitions,
            })
        })
        .await
    }

    /// Messages behind it, the sum over the partitions; one in which nothing is committed counts as not begun.
    pub(crate) async fn total(&self) -> anyhow::Result<u64> {
        let this = self.clone();
        blocking(move || {
            let found = this
                .consumer
                .committed_offsets(this.partitions.clone(), DEADLINE)?;
            let elements = found.elements();
            let behind = elements.iter().map(|element| match element.offset() {
                Offset::Offset(offset) => u64::try_from(offset).unwrap_or(0),
                _ => 0,
            });
            Ok(behind.sum())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.context("asking Kafka")?.context("asking Kafka")
}
