//! Events a second through the API to ClickHouse, sustained.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use nova_stream::topics;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use super::sender::{self, Batches, Sender};
use crate::measure::{Run, closed_loop};
use crate::pipeline::EndOffsets;
use crate::pipeline::course::{Counts, Hops, Looker, Sample};
use crate::pipeline::load::{Load, LoadMeter};
use crate::report::Percentiles;

const COUNTING: &str = "SELECT count() FROM events_raw";
/// For the warm-up, and for what is under way at the end.
const PATIENCE: Duration = Duration::from_secs(300);
/// The warm-up is looked at after so long.
const SLICE: Duration = Duration::from_secs(2);

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventsReport {
    /// Events of a batch.
    pub batch: usize,
    /// Connections that sent batches, each when the one before was answered.
    pub connections: usize,
    /// The bound of what was under way.
    pub under_way: u64,
    /// Hop by hop; the first is what the API accepted.
    pub hops: Hops,
    /// Of a batch, from sending until it was accepted, ms.
    pub accepting: Option<Percentiles>,
    /// Batches that were to be sent again later.
    pub put_off: u64,
    /// Batches that were refused or not answered, by reason.
    pub failures: Vec<String>,
    /// The share of the time in which senders waited.
    pub senders_waited: f64,
    /// Processor time and memory.
    pub load: Load,
    /// Seconds from the end of the sending until all had arrived.
    pub drained: f64,
    /// Events accepted, with those of the warm-up.
    pub accepted: u64,
    /// Events of this run in ClickHouse in the end, each once.
    pub arrived: u64,
    /// Twice a second.
    pub course: Vec<Sample>,
}

pub(super) async fn measure(bench: &Bench<'_>) -> anyhow::Result<EventsReport> {
    let options = bench.options;
    let targets = bench.writer.targets(options.posts).await?;
    let looker = Looker {
        clickhouse: bench.clickhouse.clone(),
        topic: EndOffsets::of(&bench.endpoints.kafka, topics::EVENTS).await?,
        counting: COUNTING,
    };
    let origin = looker.origin().await?;
    let counts = Arc::<Counts>::default();
    let stop = CancellationToken::new();
    let watching = looker
        .clone()
        .watch(origin, Arc::clone(&counts), stop.clone());
    let watching = tokio::spawn(watching);
    let _stops = stop.clone().drop_guard();

    let batches = Batches::new(&targets, options.seed);
    let waited = Arc::<AtomicU64>::default();
    let mut senders = Vec::with_capacity(options.connections);
    for nth in 0..options.connections {
        let users = bench
            .people
            .users
            .iter()
            .skip(nth)
            .step_by(options.connections);
        senders.push(Sender::new(
            &bench.endpoints.api,
            &bench.endpoints.auth_secret,
            users.copied().take(sender::USERS),
            batches.of(nth),
            Arc::clone(&counts),
            options.under_way,
            Arc::clone(&waited),
        )?);
    }

    eprintln!("events: warm-up, {} of them", options.warm_up);
    let limit = Instant::now() + PATIENCE;
    let mut all = Run::new()?;
    while counts.arrived() < options.warm_up {
        anyhow::ensure!(
            Instant::now() < limit,
            "{} of {} events arrived within {PATIENCE:?}: {:?}",
            counts.arrived(),
            options.warm_up,
            all.failures
        );
        let (run, clients) = closed_loop(senders, SLICE).await?;
        all.add(&run)?;
        senders = clients;
    }
    eprintln!("events: measuring, {} s", options.seconds);
    waited.store(0, Ordering::Release);
    let meter = LoadMeter::start(bench.processes.clone()).await?;
    let from = origin.seconds();
    let (run, senders) = closed_loop(senders, Duration::from_secs(options.seconds)).await?;
    let load = meter.stop().await?;
    let to = origin.seconds();
    let senders_waited = waited_share(waited.load(Ordering::Acquire), senders.len(), run.elapsed);
    all.add(&run)?;
    // A batch that was to come later: what of it was published counts, as it has its ids.
    drop(senders);

    let ended = Instant::now();
    let accepted = counts.given();
    let mut arrived = 0;
    while ended.elapsed() < PATIENCE {
        if looker.arrived(&origin).await? >= accepted {
            arrived = bench.clickhouse.number(&batches.counting()).await?;
            if arrived >= accepted {
                break;
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
    let drained = ended.elapsed().as_secs_f64();
    stop.cancel();
    let course = watching.await.context("looking at the stream")??;
    Ok(EventsReport {
        batch: sender::BATCH,
        connections: options.connections,
        under_way: options.under_way,
        hops: Hops::over(&course, from, to).context("too few looks at the stream")?,
        accepting: Percentiles::of(&run.latency),
        put_off: all.others.values().sum(),
        failures: all
            .failures
            .iter()
            .map(|(reason, count)| format!("{count} batches: {reason}"))
            .collect(),
        senders_waited,
        load,
        drained,
        accepted,
        arrived,
        course,
    })
}

fn waited_share(micros: u64, senders: usize, elapsed: Duration) -> f64 {
    let waited = Duration::from_micros(micros).as_secs_f64();
    let senders = nova_loadtest::summary::number(senders as u64);
    waited / (senders * elapsed.as_secs_f64()).max(f64::MIN_POSITIVE)
}

impl EventsReport {
    /// What was wrong, whatever the speed.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self
            .failures
            .iter()
            .map(|failure| format!("events: {failure}"))
            .collect();
        if self.arrived != self.accepted {
            failures.push(format!(
                "events: {} accepted, {} arrived",
                self.accepted, self.arrived
            ));
        }
        failures
    }
}
