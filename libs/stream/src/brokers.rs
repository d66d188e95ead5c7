//! Whether a client still knows a broker, by its own statistics.
//!
//! A broker that comes back after its session was over may tell clients that there are no brokers. librdkafka from 2.12
//! on forgets all it knew then, and sometimes cancels its own return to the bootstrap brokers: such a client waits for
//! ever and has to be made anew (docs/decisions/0027-a-consumer-that-lost-its-brokers-is-made-anew.md).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::metrics as names;

/// How often a client says which brokers it knows.
const EVERY: Duration = Duration::from_secs(3);
/// So many statistics in a row without a broker: a client that returns by itself does so in between.
const LOST_AFTER: u32 = 2;

/// Makes a client report what [`Brokers::note`] takes.
pub(crate) fn ask_for_statistics(config: &mut ClientConfig) {
    config.set("statistics.interval.ms", EVERY.as_millis().to_string());
}

/// Puts a new client in the place of one that is lost, and says so. Closing that one may wait for what does not come: on a
/// thread of its own, which no runtime waits for when it ends.
pub(crate) fn replace<C: Send + 'static>(client: &'static str, lost: &mut C, anew: C) {
    tracing::warn!(client, "a client of Kafka knew no broker and was made anew");
    metrics::counter!(names::CLIENTS_RESTARTED, "client" => client).increment(1);
    let lost = std::mem::replace(lost, anew);
    std::thread::spawn(move || drop(lost));
}

/// What one client knows of brokers.
#[derive(Debug, Default)]
pub(crate) struct Brokers {
    without: AtomicU32,
    lost: Notify,
}

impl Brokers {
    /// Takes in the client's statistics: JSON in librdkafka's format.
    pub(crate) fn note(&self, statistics: &[u8]) {
        match serde_json::from_slice::<Statistics>(statistics) {
            Ok(statistics) if statistics.know_a_broker() => {
                self.without.store(0, Ordering::Relaxed);
            }
            Ok(_) => {
                self.without.fetch_add(1, Ordering::Relaxed);
                if self.are_lost() {
                    self.lost.notify_one();
                }
            }
            Err(error) => tracing::warn!(%error, "statistics of a client of Kafka"),
        }
    }

    /// Whether the client knows no broker, and has not for a while.
    pub(crate) fn are_lost(&self) -> bool {
        self.without.load(Ordering::Relaxed) >= LOST_AFTER
    }

    /// What statistics without a broker do.
    #[cfg(test)]
    pub(crate) fn lose(&self) {
        for _ in 0..LOST_AFTER {
            self.note(br#"{"brokers": {}}"#);
        }
    }

    /// Returns when [`Self::are_lost`]. For one waiter. Cancelling it loses nothing.
    pub(crate) async fn lost(&self) {
        while !self.are_lost() {
            self.lost.notified().await;
        }
    }
}

#[derive(Deserialize)]
struct Statistics {
    brokers: HashMap<String, Broker>,
}

#[derive(Deserialize)]
struct Broker {
    source: String,
}

impl Statistics {
    /// Others are the client's own: one for work within it, one that stands for the group's coordinator.
    fn know_a_broker(&self) -> bool {
        self.brokers
            .values()
            .any(|broker| matches!(&*broker.source, "learned" | "configured"))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    use serde_json::json;

    use super::*;

    fn statistics(sources: &[&str]) -> Vec<u8> {
        let brokers: HashMap<_, _> = sources
            .iter()
            .map(|source| (*source, json!({"name": "b", "nodeid": 1, "source": source})))
            .collect();
        serde_json::to_vec(&json!({"name": "nova#1", "brokers": brokers})).unwrap()
    }

    #[test]
    fn brokers_are_lost_when_none_is_known_twice_in_a_row() {
        let brokers = Brokers::default();
        assert!(!brokers.are_lost());
        for known in ["learned", "configured"] {
            brokers.note(&statistics(&["internal", "logical"]));
            assert!(!brokers.are_lost());
            brokers.note(&statistics(&["internal", known]));
            brokers.note(&statistics(&[]));
            assert!(!brokers.are_lost(), "{known} is a broker");
            brokers.note(&statistics(&["internal", "logical"]));
            assert!(brokers.are_lost());
            brokers.note(&statistics(&[known]));
            assert!(!brokers.are_lost());
        }
    }

    #[test]
    fn statistics_that_say_nothing_change_nothing() {
        let brokers = Brokers::default();
        brokers.note(&statistics(&[]));
        brokers.note(b"{}");
        brokers.note(b"not JSON");
        assert!(!brokers.are_lost());
        brokers.note(&statistics(&[]));
        brokers.note(b"{}");
        assert!(brokers.are_lost());
    }

    #[test]
    fn who_waits_hears_of_it_and_not_of_what_is_over() {
        let brokers = Brokers::default();
        brokers.lose();
        assert!(brokers.lost().now_or_never().is_some());
        brokers.lose();
        brokers.note(&statistics(&["learned"]));
        assert!(brokers.lost().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_client_that_never_met_a_broker_has_those_it_was_configured_with() {
        // Nothing listens there.
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", "127.0.0.1:1")
            .set("statistics.interval.ms", "20");
        let told: BaseConsumer<Heard> = config.create_with_context(Heard::default()).unwrap();
        for _ in 0..500 {
            let _ = told.poll(Duration::from_millis(20));
            if told.context().times.load(Ordering::Relaxed) > 5 {
                break;
            }
        }
        assert!(told.context().times.load(Ordering::Relaxed) > 5);
        assert!(!told.context().brokers.are_lost());
    }

    #[derive(Default)]
    struct Heard {
        brokers: Brokers,
        times: AtomicU32,
    }

    impl rdkafka::ClientContext for Heard {
        fn stats_raw(&self, statistics: &[u8]) {
            self.brokers.note(statistics);
            self.times.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl rdkafka::consumer::ConsumerContext for Heard {}
}
