//! How the projector works.

use std::time::Duration;

use nova_runtime::{ConfigError, Env, KafkaConfig};

/// Numbers of the projector. The defaults are meant to be left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectorConfig {
    /// `NOVA_KAFKA_BROKERS`, `host:port,…`.
    pub brokers: String,
    /// `NOVA_PROJECTOR_BATCH` (default 1,000): records taken over at once.
    pub batch: usize,
    /// `NOVA_PROJECTOR_MAX_PENDING` (default 50,000): records under way; with more, reading pauses. A post that
    /// changes several times within them is counted once.
    pub max_pending: usize,
    /// `NOVA_PROJECTOR_FANOUT_CAP` (default 10,000): an author with more followers marks no feed stale by a new post;
    /// theirs find it within the minute that a page lives.
    pub fanout_cap: u32,
    /// `NOVA_PROJECTOR_EVENTS_EVERY_MS` (default 5,000): between two looks for recounted client events.
    pub events_every: Duration,
}

impl ProjectorConfig {
    /// The defaults, for these brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            batch: 1_000,
            max_pending: 50_000,
            fanout_cap: 10_000,
            events_every: Duration::from_secs(5),
        }
    }

    /// Reads `NOVA_KAFKA_BROKERS` and `NOVA_PROJECTOR_*`.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let default = Self::new(KafkaConfig::from_env(env)?.brokers);
        Ok(Self {
            batch: env.number_or("NOVA_PROJECTOR_BATCH", default.batch, 1..=100_000)?,
            max_pending: env.number_or(
                "NOVA_PROJECTOR_MAX_PENDING",
                default.max_pending,
                1..=10_000_000,
            )?,
            fanout_cap: env.number_or(
                "NOVA_PROJECTOR_FANOUT_CAP",
                default.fanout_cap,
                1..=1_000_000,
            )?,
            events_every: env.millis_or("NOVA_PROJECTOR_EVENTS_EVERY_MS", default.events_every)?,
            brokers: default.brokers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKERS: (&str, &str) = ("NOVA_KAFKA_BROKERS", "localhost:9092");

    #[test]
    fn every_variable_reaches_its_own_field() {
        let with =
            |name, value| ProjectorConfig::from_env(&Env::from_pairs([BROKERS, (name, value)]));
        let default = ProjectorConfig::new("localhost:9092");
        assert_eq!(with("NOVA_UNUSED", "1"), Ok(default.clone()));
        let mut seen = vec![default];
        for name in [
            "NOVA_PROJECTOR_BATCH",
            "NOVA_PROJECTOR_MAX_PENDING",
            "NOVA_PROJECTOR_FANOUT_CAP",
            "NOVA_PROJECTOR_EVENTS_EVERY_MS",
        ] {
            let config = with(name, "77").unwrap();
            assert!(!seen.contains(&config), "{name} changes nothing of its own");
            seen.push(config);
            assert_eq!(with(name, "0").unwrap_err().variable, name);
        }
    }
}
