//! Sees one message go by on `cdc.likes`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nova_domain::{PostId, UserId};
use nova_stream::topics;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const ANSWER: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
/// Enough for the first fetch of every partition to be under way.
const WARM_UP: Duration = Duration::from_millis(300);

/// The key of a message on `cdc.likes`.
#[derive(Deserialize, PartialEq, Eq)]
struct Key {
    post_id: PostId,
    user_id: UserId,
}

/// Watches the end of the topic on a thread of its own.
pub(super) struct Watch {
    found: JoinHandle<anyhow::Result<Instant>>,
}

impl Watch {
    /// Returns when everything that comes from now on will be seen; gives up `limit` later.
    pub(super) async fn start(
        brokers: &str,
        post_id: PostId,
        user_id: UserId,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        let brokers = brokers.to_owned();
        let (ready, watching) = oneshot::channel();
        let found = tokio::task::spawn_blocking(move || {
            let consumer = at_the_end(&brokers)?;
            let warm = Instant::now() + WARM_UP;
            let wanted = Key { post_id, user_id };
            while Instant::now() < warm {
                consumer.poll(POLL).transpose()?;
            }
            // Whoever waits for it may have been dropped.
            let _ = ready.send(());
            let deadline = Instant::now() + limit;
            while Instant::now() < deadline {
                if let Some(message) = consumer.poll(POLL).transpose()?
                    && let Some(key) = message.key()
                    && serde_json::from_slice::<Key>(key).is_ok_and(|key| key == wanted)
                {
                    return Ok(Instant::now());
                }
            }
            bail!("no message on {} within {limit:?}", topics::CDC_LIKES)
        });
        if watching.await.is_err() {
            // The thread ended before it watched: it tells why.
            found.await??;
            bail!("the watcher of Kafka ended");
        }
        Ok(Self { found })
    }

    /// When the message was seen.
    pub(super) async fn seen(self) -> anyhow::Result<Instant> {
        self.found.await?
    }
}

/// A consumer of no group at the end of every partition.
fn at_the_end(brokers: &str) -> anyhow::Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        // Never committed to; the client insists on a name.
        .set("group.id", "nova-demo")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "10")
        .create()?;
    let metadata = consumer
        .fetch_metadata(Some(topics::CDC_LIKES), ANSWER)
        .context("asking Kafka for the topic")?;
    let topic = metadata
        .topics()
        .first()
        .context("Kafka does not know the topic")?;
    let mut ends = TopicPartitionList::new();
    for partition in topic.partitions() {
        let (_, end) = consumer.fetch_watermarks(topic.name(), partition.id(), ANSWER)?;
        ends.add_partition_offset(topic.name(), partition.id(), Offset::Offset(end))?;
    }
    consumer.assign(&ends)?;
    Ok(consumer)
}
