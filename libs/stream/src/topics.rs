//! The topics: names, partitions and retention, in this one place.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaErrorCode as Code;

/// Changes of `posts`.
pub const CDC_POSTS: &str = "cdc.posts";
/// Changes of `follows`.
pub const CDC_FOLLOWS: &str = "cdc.follows";
/// Changes of `comments`.
pub const CDC_COMMENTS: &str = "cdc.comments";
/// Changes of `likes`.
pub const CDC_LIKES: &str = "cdc.likes";
/// Client events.
pub const EVENTS: &str = "events";
/// Debezium's heartbeat: keeps the replication slot moving while the captured tables are quiet.
pub const HEARTBEAT: &str = "__debezium-heartbeat.nova";

/// Partitions of each data topic. Raising it moves keys between partitions; that is safe here, because every fact is
/// versioned, but it needs `kafka-topics --alter` by hand: nothing lowers or raises it behind an operator's back.
pub const DATA_PARTITIONS: i32 = 4;

/// How long Kafka keeps changes and events. Longer than any outage of ClickHouse that should heal by itself.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// The topics that carry data.
pub const DATA_TOPICS: [&str; 5] = [CDC_POSTS, CDC_FOLLOWS, CDC_COMMENTS, CDC_LIKES, EVENTS];
const DEADLINE: Duration = Duration::from_secs(30);

/// Why topics could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// Kafka could not be reached, or refused.
    #[error("Kafka refused to create topics")]
    Kafka(#[from] KafkaError),
    /// One topic was refused.
    #[error("topic {topic}: {code}")]
    Refused {
        /// The topic.
        topic: String,
        /// Kafka's reason.
        code: Code,
    },
    /// A topic exists with another partition count than this release expects.
    #[error(
        "topic {topic} has {found} partitions, expected {expected}: alter it by hand, keys will move"
    )]
    Partitions {
        /// The topic.
        topic: String,
        /// What it has.
        found: usize,
        /// What [`DATA_PARTITIONS`] says.
        expected: usize,
    },
}

/// What [`ensure`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TopicReport {
    /// Topics made now.
    pub created: Vec<String>,
    /// Topics that were there.
    pub existing: Vec<String>,
}

/// Whether a broker answers a client that knows nothing yet, and says that there is one.
pub async fn reachable(brokers: &str, deadline: Duration) -> bool {
    let Ok(admin) = admin(brokers, "nova") else {
        return false;
    };
    let known = metadata(admin, deadline).await;
    known.is_ok_and(|known| !known.brokers().is_empty())
}

/// Creates the topics that are missing, with the broker's default replication factor, and checks the others.
///
/// # Errors
/// [`TopicError`]; within 30 seconds.
pub async fn ensure(brokers: &str) -> Result<TopicReport, TopicError> {
    let admin = admin(brokers, "nova-migrate")?;
    let retention = RETENTION.as_millis().to_string();
    let mut wanted: Vec<NewTopic<'_>> = DATA_TOPICS
        .iter()
        .map(|name| {
            NewTopic::new(name, DATA_PARTITIONS, TopicReplication::Fixed(-1))
                .set("cleanup.policy", "delete")
                .set("retention.ms", &retention)
        })
        .collect();
    wanted.push(
        NewTopic::new(HEARTBEAT, 1, TopicReplication::Fixed(-1))
            .set("cleanup.policy", "delete")
            .set("retention.ms", "3600000"),
    );
    let options = AdminOptions::new()
        .operation_timeout(Some(DEADLINE))
        .request_timeout(Some(DEADLINE));
    let mut report = TopicReport::default();
    for result in admin.create_topics(&wanted, &options).await? {
        match result {
            Ok(topic) => report.created.push(topic),
            Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => report.existing.push(topic),
            Err((topic, code)) => return Err(TopicError::Refused { topic, code }),
        }
    }
    check_partitions(admin, &report.existing).await?;
    Ok(report)
}

fn admin(brokers: &str, id: &str) -> KafkaResult<AdminClient<DefaultClientContext>> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("client.id", id)
        .create()
}

/// Of all topics. Blocks a thread of its own, not the runtime.
async fn metadata(
    admin: AdminClient<DefaultClientContext>,
    deadline: Duration,
) -> KafkaResult<Metadata> {
    tokio::task::spawn_blocking(move || admin.inner().fetch_metadata(None, deadline))
        .await
        .map_err(|_join| KafkaError::Canceled)?
}

async fn check_partitions(
    admin: AdminClient<DefaultClientContext>,
    existing: &[String],
) -> Result<(), TopicError> {
    let metadata = metadata(admin, DEADLINE).await?;
    let expected = usize::try_from(DATA_PARTITIONS).unwrap_or_default();
    for topic in metadata.topics() {
        let ours =
            existing.iter().any(|name| name == topic.name()) && DATA_TOPICS.contains(&topic.name());
        let found = topic.partitions().len();
        if ours && found != expected {
            return Err(TopicError::Partitions {
                topic: topic.name().to_owned(),
                found,
                expected,
            });
        }
    }
    Ok(())
}
