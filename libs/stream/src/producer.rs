//! Client events to Kafka: acknowledged by all in-sync replicas, or refused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use crate::brokers::{self, Brokers};
use crate::event::StoredEvent;
use crate::{metrics as names, topics};

/// How events are handed to Kafka.
#[derive(Debug, Clone)]
pub struct ProducerConfig {
    /// `host:port,…`.
    pub brokers: String,
    /// How long a message may wait for its acknowledgement before it counts as failed (default 5 s).
    pub delivery_timeout: Duration,
    /// How many messages may wait in memory; past it [`PublishError::QueueFull`] (default 100,000).
    pub queue_messages: usize,
    /// How long the producer gathers messages into a batch (default 20 ms).
    pub linger: Duration,
}

impl ProducerConfig {
    /// The defaults, for these brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            delivery_timeout: Duration::from_secs(5),
            queue_messages: 100_000,
            linger: Duration::from_millis(20),
        }
    }
}

/// Why events were not taken. The caller may send the same batch again: `event_id` deduplicates.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The bounded queue is full: Kafka takes them more slowly than they come.
    #[error("the event queue is full")]
    QueueFull,
    /// Kafka did not acknowledge in time, or refused.
    #[error("Kafka did not take the events")]
    Unavailable(#[source] KafkaError),
    /// An event could not be written as JSON; nothing was sent.
    #[error("an event could not be serialised")]
    Serialise(#[from] serde_json::Error),
    /// The client could not be made from its configuration.
    #[error("the Kafka producer could not be configured")]
    Configuration(#[source] KafkaError),
}

/// Publishes client events. Cheap to clone; all clones share one bounded queue.
///
/// A client that has lost its brokers for good is replaced by the next publish. What waits in it then fails, as it would
/// have without.
#[derive(Clone)]
pub struct EventProducer {
    config: ClientConfig,
    current: Arc<Mutex<Client>>,
}

struct Client {
    kafka: FutureProducer<Context>,
    brokers: Arc<Brokers>,
}

impl Client {
    fn new(config: &ClientConfig) -> Result<Self, KafkaError> {
        let brokers = Arc::new(Brokers::default());
        let context = Context {
            brokers: Arc::clone(&brokers),
        };
        let kafka = config.create_with_context(context)?;
        Ok(Self { kafka, brokers })
    }
}

/// Hears of the brokers the client knows.
struct Context {
    brokers: Arc<Brokers>,
}

impl ClientContext for Context {
    fn stats_raw(&self, statistics: &[u8]) {
        self.brokers.note(statistics);
    }
}

impl EventProducer {
    /// Makes the client. It connects in the background: a broker that is down shows on the first publish.
    ///
    /// # Errors
    /// [`PublishError::Configuration`] when a setting is refused.
    pub fn new(config: &ProducerConfig) -> Result<Self, PublishError> {
        let mut kafka = ClientConfig::new();
        kafka
            .set("bootstrap.servers", &config.brokers)
            .set("client.id", "nova-events")
            .set("acks", "all")
            // Events carry their own key against doubles, and have no order. And with it five requests of a partition are under
            // way at most; librdkafka waits for the next place in a loop that never sleeps.
            .set("enable.idempotence", "false")
            .set("compression.type", "lz4")
            .set("linger.ms", config.linger.as_millis().to_string())
            .set(
                "message.timeout.ms",
                config.delivery_timeout.as_millis().to_string(),
            )
            .set(
                "queue.buffering.max.messages",
                config.queue_messages.to_string(),
            )
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // A topic that does not exist is an error to tell, not to wait for.
            .set("allow.auto.create.topics", "false");
        brokers::ask_for_statistics(&mut kafka);
        let client = Client::new(&kafka).map_err(PublishError::Configuration)?;
        Ok(Self {
            config: kafka,
            current: Arc::new(Mutex::new(client)),
        })
    }

    fn current(&self) -> MutexGuard<'_, Client> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client, a new one if it is lost.
    fn client(&self) -> Result<FutureProducer<Context>, KafkaError> {
        let mut current = self.current();
        if current.brokers.are_lost() {
            let client = Client::new(&self.config)?;
            brokers::replace("producer", &mut *current, client);
        }
        Ok(current.kafka.clone())
    }

    /// Sends the events and waits until Kafka has acknowledged every one.
    ///
    /// On an error some of the batch may have been written; sending all of it again is safe (`event_id` deduplicates).
    ///
    /// # Errors
    /// [`PublishError`]; within the delivery time-out.
    pub async fn publish(&self, events: Vec<StoredEvent>) -> Result<(), PublishError> {
        let started = Instant::now();
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let outcome = self.send_all(&events).await;
        match &outcome {
            Ok(()) => {
                metrics::counter!(names::EVENTS_PUBLISHED).increment(count);
                metrics::histogram!(names::PUBLISH_SECONDS).record(started.elapsed().as_secs_f64());
            }
            Err(PublishError::QueueFull) => {
                metrics::counter!(names::EVENTS_REFUSED, "reason" => "queue_full").increment(count);
            }
            Err(_) => {
                metrics::counter!(names::EVENTS_REFUSED, "reason" => "unavailable")
                    .increment(count);
            }
        }
        outcome
    }

    async fn send_all(&self, events: &[StoredEvent]) -> Result<(), PublishError> {
        let messages = events
            .iter()
            .map(|event| Ok((event.key(), serde_json::to_vec(event)?)))
            .collect::<Result<Vec<_>, serde_json::Error>>()?;
        let acknowledgements = self.hand_over(&messages)?;
        for acknowledgement in acknowledgements {
            match acknowledgement.await {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => return Err(PublishError::Unavailable(error)),
                Err(_cancelled) => return Err(PublishError::Unavailable(KafkaError::Canceled)),
            }
        }
        Ok(())
    }

    /// Holds the client no longer than it takes to hand messages over: whoever drops a replaced one last waits for its end.
    fn hand_over(
        &self,
        messages: &[(String, Vec<u8>)],
    ) -> Result<Vec<DeliveryFuture>, PublishError> {
        let client = self.client().map_err(PublishError::Unavailable)?;
        let mut acknowledgements = Vec::with_capacity(messages.len());
        for (key, value) in messages {
            let record = FutureRecord::to(topics::EVENTS).key(key).payload(value);
            match client.send_result(record) {
                Ok(acknowledgement) => acknowledgements.push(acknowledgement),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    return Err(PublishError::QueueFull);
                }
                Err((error, _)) => return Err(PublishError::Unavailable(error)),
            }
        }
        Ok(acknowledgements)
    }

    /// Waits until everything handed over is acknowledged or has failed, at most this long. For a clean stop.
    ///
    /// # Errors
    /// [`PublishError::Unavailable`] when messages are still waiting at the deadline.
    pub fn flush(&self, deadline: Duration) -> Result<(), PublishError> {
        let client = self.current().kafka.clone();
        client.flush(deadline).map_err(PublishError::Unavailable)
    }
}

impl std::fmt::Debug for EventProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventProducer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use nova_domain::{EventId, EventType, PostId, UserId};
    use rdkafka::mocking::MockCluster;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_client_that_lost_its_brokers_is_replaced_for_all_clones() {
        let kafka = MockCluster::new(1).unwrap();
        kafka.create_topic(topics::EVENTS, 1, 1).unwrap();
        let config = ProducerConfig {
            delivery_timeout: Duration::from_secs(30),
            ..ProducerConfig::new(kafka.bootstrap_servers())
        };
        let producer = EventProducer::new(&config).unwrap();
        let clone = producer.clone();
        let brokers = || Arc::clone(&producer.current().brokers);
        let first = brokers();
        producer.publish(vec![event()]).await.unwrap();
        assert!(Arc::ptr_eq(&first, &brokers()));

        first.lose();
        clone.publish(vec![event()]).await.unwrap();
        let second = brokers();
        assert!(!Arc::ptr_eq(&first, &second));
        producer.publish(vec![event()]).await.unwrap();
        assert!(Arc::ptr_eq(&second, &brokers()));
    }

    fn event() -> StoredEvent {
        let now = chrono::Utc::now();
        StoredEvent {
            event_id: EventId::from(Uuid::from_u128(1)),
            user_id: UserId::from(Uuid::from_u128(2)),
            event_type: EventType::Impression,
            post_id: PostId::from(Uuid::from_u128(3)),
            author_id: UserId::from(Uuid::from_u128(4)),
            dwell_ms: None,
            occurred_at: now,
            received_at: now,
        }
    }
}
