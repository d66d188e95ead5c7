//! Producing to topics and moving consumer groups, past Nova.

use std::collections::BTreeMap;
use std::time::Duration;

use nova_stream::topics;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

use crate::world::World;

/// Every topic that ClickHouse reads, with the name its tables and its consumer group carry.
pub const TOPICS: [(&str, &str); 5] = [
    (topics::CDC_POSTS, "posts"),
    (topics::CDC_LIKES, "likes"),
    (topics::CDC_COMMENTS, "comments"),
    (topics::CDC_FOLLOWS, "follows"),
    (topics::EVENTS, "events"),
];

const LIMIT: Duration = Duration::from_secs(20);

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The partition.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
}

/// Writes one message; `None` is a record without a value.
pub async fn produce(world: &World, topic: &str, key: &str, value: Option<&[u8]>) -> Position {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &world.stack.endpoints().kafka)
        .set("message.timeout.ms", "10000")
        .create()
        .unwrap();
    let mut record = FutureRecord::to(topic).key(key);
    if let Some(value) = value {
        record = record.payload(value);
    }
    let delivered = producer
        .send(record, LIMIT)
        .await
        .map_err(|(error, _)| error)
        .unwrap();
    Position {
        partition: delivered.partition,
        offset: delivered.offset,
    }
}

fn consumer(world: &World, group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", &world.stack.endpoints().kafka)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .create()
        .unwrap()
}

fn partitions() -> std::ops::Range<i32> {
    0..topics::DATA_PARTITIONS
}

/// The offset after the last message of each partition.
#[must_use]
pub fn end_offsets(world: &World, topic: &str) -> BTreeMap<i32, i64> {
    let consumer = consumer(world, "nova-e2e-watcher");
    partitions()
        .map(|partition| {
            (
                partition,
                consumer
                    .fetch_watermarks(topic, partition, LIMIT)
                    .unwrap()
                    .1,
            )
        })
        .collect()
}

/// What ClickHouse's group of this name has committed in each partition; 0 where it has committed nothing.
#[must_use]
pub fn committed(world: &World, topic: &str, name: &str) -> BTreeMap<i32, i64> {
    let mut wanted = TopicPartitionList::new();
    for partition in partitions() {
        wanted.add_partition(topic, partition);
    }
    let found = consumer(world, &format!("nova_clickhouse_{name}"))
        .committed_offsets(wanted, LIMIT)
        .unwrap();
    found
        .elements()
        .iter()
        .map(|element| {
            (
                element.partition(),
                element.offset().to_raw().unwrap_or_default().max(0),
            )
        })
        .collect()
}

/// Sets ClickHouse's group of this name back to offset 0. Nobody may be consuming in it.
///
/// # Errors
/// Kafka's words, while a member is still there.
pub fn rewind_group(world: &World, topic: &str, name: &str) -> Result<(), String> {
    let mut start = TopicPartitionList::new();
    for partition in partitions() {
        start
            .add_partition_offset(topic, partition, Offset::Offset(0))
            .unwrap();
    }
    consumer(world, &format!("nova_clickhouse_{name}"))
        .commit(&start, CommitMode::Sync)
        .map_err(|error| error.to_string())
}
