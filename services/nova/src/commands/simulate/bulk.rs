//! `nova simulate --scale`: a whole population at once, into the databases.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use nova_cache::{Cache, CacheConfig};
use nova_feed::discovery::canary;
use nova_olap::Turns;
use nova_runtime::{Env, KafkaConfig, PostgresConfig, RedisConfig};
use nova_simulate::bulk::{Backends, BulkOptions, SLICE_ROWS, Scale, run_with_counters};
use nova_social::PoolConfig;
use nova_social::load::{Loader, Way};
use nova_stream::{EventProducer, ProducerConfig};

use crate::commands::backends;

/// How long an event may wait for Kafka while others are written as fast as it goes.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long Redis may take to answer: nobody waits for a feed here, and the databases keep the machine busy.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// What `--scale` takes beside the seed.
#[derive(Debug)]
pub(super) struct Bulk {
    pub(super) scale: Scale,
    /// Beside the change stream, also where the scale is small enough to go through it.
    pub(super) beside: bool,
    pub(super) seed: u64,
    pub(super) base_time: Option<DateTime<Utc>>,
    pub(super) append: bool,
    pub(super) quiet: bool,
}

pub(super) async fn run(env: &Env, bulk: &Bulk) -> anyhow::Result<()> {
    let (way, name) = way_and_name(bulk.scale, bulk.beside);
    let events = match (way, env.get("NOVA_KAFKA_BROKERS")) {
        (Way::Through, Some(_)) => {
            let mut config = ProducerConfig::new(KafkaConfig::from_env(env)?.brokers);
            config.delivery_timeout = DELIVERY_TIMEOUT;
            Some(EventProducer::new(&config)?)
        }
        _ => None,
    };
    let postgres = PostgresConfig::from_env(env)?;
    let pool = PoolConfig::default().connect_lazy(postgres.url.expose().as_str())?;
    let options = BulkOptions {
        scale: name,
        size: bulk.scale.size(),
        seed: bulk.seed,
        base: bulk.base_time,
        append: bulk.append,
        unheeded: canary::ids().to_vec(),
        slice_rows: SLICE_ROWS,
        quiet: bulk.quiet,
    };
    let backends = Backends {
        olap: backends::olap(env, &Turns::default())?,
        loader: Loader::connect(&pool, way).await?,
        events,
    };
    let cache = match way {
        Way::Beside => cache(env)?,
        Way::Through => None,
    };
    let report = run_with_counters(&options, backends, cache.as_ref()).await?;
    println!("{report}");
    Ok(())
}

/// Where a population goes, and what the journal calls it: a load that broke off goes on the way it began, so where there are
/// two ways they are two loads.
fn way_and_name(scale: Scale, beside: bool) -> (Way, String) {
    match (scale.through_the_stream(), beside) {
        (true, false) => (Way::Through, scale.to_string()),
        (true, true) => (Way::Beside, format!("{scale} beside the stream")),
        (false, _) => (Way::Beside, scale.to_string()),
    }
}

/// Redis, where there is one: a load does without.
fn cache(env: &Env) -> anyhow::Result<Option<Cache>> {
    if env.get("NOVA_REDIS_URL").is_none() {
        return Ok(None);
    }
    let url = RedisConfig::from_env(env)?.url;
    let config = CacheConfig {
        response_timeout: REDIS_TIMEOUT,
        ..CacheConfig::new(url.expose().clone())
    };
    Cache::new(&config).map(Some).context("NOVA_REDIS_URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_are_two_loads_and_what_has_one_way_keeps_its_name() {
        let asked = [
            (Scale::S, false),
            (Scale::S, true),
            (Scale::M, false),
            (Scale::M, true),
        ];
        let expected = [
            (Way::Through, "S"),
            (Way::Beside, "S beside the stream"),
            (Way::Beside, "M"),
            (Way::Beside, "M"),
        ];
        assert_eq!(
            asked.map(|(scale, beside)| way_and_name(scale, beside)),
            expected.map(|(way, name)| (way, name.to_owned()))
        );
    }
}
