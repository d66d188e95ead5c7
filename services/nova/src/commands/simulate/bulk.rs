//! `nova simulate --scale`: a whole population at once, into the databases.

use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_feed::discovery::canary;
use nova_runtime::{Env, KafkaConfig, PostgresConfig};
use nova_simulate::bulk::{Backends, BulkOptions, SLICE_ROWS, Scale, run as load};
use nova_social::PoolConfig;
use nova_social::load::{Loader, Way};
use nova_stream::{EventProducer, ProducerConfig};

use crate::commands::backends;

/// How long an event may wait for Kafka while others are written as fast as it goes.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// What `--scale` takes beside the seed.
#[derive(Debug)]
pub(super) struct Bulk {
    pub(super) scale: Scale,
    pub(super) seed: u64,
    pub(super) base_time: Option<DateTime<Utc>>,
    pub(super) append: bool,
    pub(super) quiet: bool,
}

pub(super) async fn run(env: &Env, bulk: &Bulk) -> anyhow::Result<()> {
    let way = match bulk.scale {
        Scale::S => Way::Through,
        Scale::M | Scale::L => Way::Beside,
    };
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
        scale: bulk.scale.to_string(),
        size: bulk.scale.size(),
        seed: bulk.seed,
        base: bulk.base_time,
        append: bulk.append,
        unheeded: canary::ids().to_vec(),
        slice_rows: SLICE_ROWS,
        quiet: bulk.quiet,
    };
    let backends = Backends {
        olap: backends::olap(env)?,
        loader: Loader::connect(&pool, way).await?,
        events,
    };
    println!("{}", load(&options, backends).await?);
    Ok(())
}
