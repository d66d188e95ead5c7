//! The servers, and a projector on them that can be killed.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use nova_cache::{Cache, CacheConfig, PostRow};
use nova_domain::{PostId, UserId};
use nova_olap::{Olap, OlapConfig, schema};
use nova_projector::{ProjectorConfig, ProjectorError};
use nova_runtime::Shutdown;
use nova_stream::topics;
use nova_testbed::{Server, Stack, poll_for};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::records::Made;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) stack: Stack,
    pub(crate) olap: Olap,
    pub(crate) cache: Cache,
    producer: FutureProducer,
}

/// A projector under way.
pub(crate) struct Running {
    task: JoinHandle<Result<(), ProjectorError>>,
    shutdown: Shutdown,
}

impl Running {
    /// Ends it where it stands.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _cancelled = self.task.await;
    }

    /// Asks it to end.
    pub(crate) async fn stop(self) {
        self.shutdown.request();
        self.task.await.unwrap().unwrap();
    }
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let servers = [Server::Kafka, Server::ClickHouse, Server::Redis];
        let stack = Stack::builder().servers(&servers).start().await;
        let stack = stack.expect("the servers start");
        let endpoints = stack.endpoints();
        topics::ensure(&endpoints.kafka).await.expect("topics");
        let olap =
            Olap::new(&OlapConfig::from_url(&endpoints.clickhouse.parse().unwrap()).unwrap());
        schema::apply(&olap).await.expect("the schema");
        let config = CacheConfig::new(endpoints.redis.parse().unwrap());
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &endpoints.kafka)
            .set("linger.ms", "1")
            .set("message.timeout.ms", "60000")
            .create()
            .unwrap();
        Self {
            olap,
            cache: Cache::new(&config).unwrap(),
            producer,
            stack,
        }
    }

    pub(crate) fn config(&self) -> ProjectorConfig {
        ProjectorConfig::new(&self.stack.endpoints().kafka)
    }

    pub(crate) fn project(&self) -> Running {
        self.project_with(self.config())
    }

    pub(crate) fn project_with(&self, config: ProjectorConfig) -> Running {
        let shutdown = Shutdown::new();
        let run = nova_projector::run(
            config,
            self.olap.clone(),
            self.cache.clone(),
            shutdown.clone(),
        );
        Running {
            task: tokio::spawn(run),
            shutdown,
        }
    }

    pub(crate) async fn produce(&self, records: &[Made]) {
        for some in records.chunks(1_000) {
            let sent = some.iter().map(|made| {
                let record = FutureRecord::to(made.topic)
                    .key(&made.key)
                    .payload(&made.value);
                self.producer.send(record, LIMIT)
            });
            for delivered in join_all(sent).await {
                delivered.unwrap();
            }
        }
    }

    pub(crate) async fn row(&self, post: PostId) -> PostRow {
        let rows = self.cache.counters(&[post]).await.unwrap();
        rows[0].unwrap_or_default()
    }

    /// Waits until Redis has exactly these likes and comments.
    pub(crate) async fn counts_become(&self, expected: &HashMap<PostId, (u64, u64)>) {
        let posts: Vec<PostId> = expected.keys().copied().collect();
        self.until("the counts", || async {
            let rows = self.cache.counters(&posts).await.unwrap_or_default();
            let wrong = posts
                .iter()
                .zip(rows.iter().chain(std::iter::repeat(&None)));
            let wrong: Vec<_> = wrong
                .filter(|(post, row)| {
                    let (likes, comments) = expected[post];
                    row.is_none_or(|row| (row.likes, row.comments) != (Some(likes), Some(comments)))
                })
                .collect();
            match wrong.first() {
                None => Ok(()),
                Some((post, row)) => Err(format!(
                    "{} of {} posts are wrong: {:?}, but {row:?}",
                    wrong.len(),
                    posts.len(),
                    expected[post]
                )),
            }
        })
        .await;
    }

    pub(crate) async fn until<F, T>(&self, what: &str, condition: impl FnMut() -> F) -> T
    where
        F: Future<Output = Result<T, String>>,
    {
        poll_for(LIMIT, Duration::from_millis(5), condition)
            .await
            .unwrap_or_else(|late| panic!("{what}: {late}"))
    }

    /// A viewer with a feed.
    pub(crate) async fn active_viewer(&self) -> UserId {
        let viewer = UserId::generate();
        let now = chrono::Utc::now().timestamp_millis();
        self.cache
            .store_snapshot(viewer, Uuid::now_v7(), now, b"ranking", true)
            .await
            .unwrap();
        viewer
    }

    pub(crate) async fn stale_ms(&self, viewer: UserId) -> Option<i64> {
        let page = nova_cache::PageKey {
            offset: 0,
            limit: 20,
        };
        let look = self.cache.look(viewer, page, None).await.unwrap();
        look.viewer.and_then(|row| row.stale_ms)
    }

    /// Waits until everything produced so far is projected and committed.
    pub(crate) async fn flushed(&self) {
        for topic in [
            topics::CDC_FOLLOWS,
            topics::CDC_POSTS,
            topics::CDC_COMMENTS,
            topics::CDC_LIKES,
        ] {
            self.until("the offsets", || async {
                match self.uncommitted(topic, topics::DATA_PARTITIONS) {
                    0 => Ok(()),
                    left => Err(format!("{topic}: {left} records are not committed")),
                }
            })
            .await;
        }
    }

    /// The records of a topic that the projector's group has not committed.
    pub(crate) fn uncommitted(&self, topic: &str, partitions: i32) -> i64 {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.stack.endpoints().kafka)
            .set("group.id", "nova-projector")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        let mut wanted = TopicPartitionList::new();
        for partition in 0..partitions {
            wanted.add_partition(topic, partition);
        }
        let committed = consumer.committed_offsets(wanted, LIMIT).unwrap();
        (0..partitions)
            .map(|partition| {
                let (_, end) = consumer.fetch_watermarks(topic, partition, LIMIT).unwrap();
                let found = committed.find_partition(topic, partition).unwrap().offset();
                match found {
                    Offset::Offset(offset) => end - offset,
                    _ => end,
                }
            })
            .sum()
    }
}
