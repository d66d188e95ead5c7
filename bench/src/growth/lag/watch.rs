//! Looks at every hop while likes are written.

use std::sync::Arc;
use std::time::Duration;

use nova_stream::topics;
use nova_testbed::Endpoints;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::hop::Passed;
use crate::pipeline::course::Counts;
use crate::pipeline::{COUNT_LIKES, ClickHouse, Committed, EndOffsets};

/// The projector's consumers, as Kafka knows them.
const PROJECTOR: &str = "nova-projector";
/// Between two looks, each of which is some small requests.
const LOOK: Duration = Duration::from_millis(500);

/// Where to look.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    clickhouse: ClickHouse,
    topic: EndOffsets,
    projector: Committed,
}

/// Where a step begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    begun: Instant,
    kafka: u64,
    clickhouse: u64,
    projector: u64,
}

impl Watch {
    pub(super) async fn new(endpoints: &Endpoints) -> anyhow::Result<Self> {
        let topic = EndOffsets::of(&endpoints.kafka, topics::CDC_LIKES).await?;
        Ok(Self {
            clickhouse: ClickHouse::new(&endpoints.clickhouse)?,
            projector: Committed::of(&endpoints.kafka, PROJECTOR, &topic).await?,
            topic,
        })
    }

    /// Now is the beginning.
    pub(super) async fn origin(&self) -> anyhow::Result<Origin> {
        let (kafka, clickhouse, projector) = self.totals().await?;
        Ok(Origin {
            begun: Instant::now(),
            kafka,
            clickhouse,
            projector,
        })
    }

    /// Looks twice a second until it is told to stop. `rate`: likes a second that are due, for `seconds`.
    pub(super) async fn samples(
        self,
        origin: Origin,
        rate: f64,
        seconds: f64,
        counts: Arc<Counts>,
        stop: CancellationToken,
    ) -> anyhow::Result<Vec<Passed>> {
        let mut samples = Vec::new();
        let mut turn = interval(LOOK);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(samples),
                _ = turn.tick() => {}
            }
            let at = origin.begun.elapsed().as_secs_f64();
            // The last hop first, so that none seems to be behind for what came between two questions only.
            let (kafka, clickhouse, projector) = self.totals().await?;
            samples.push(Passed {
                at,
                due: rate * at.min(seconds),
                postgres: counts.given(),
                kafka: kafka.saturating_sub(origin.kafka),
                clickhouse: clickhouse.saturating_sub(origin.clickhouse),
                projector: projector.saturating_sub(origin.projector),
            });
        }
    }

    /// Waits until so many likes passed every hop since the beginning: whether they did in time.
    pub(super) async fn drained(
        &self,
        origin: Origin,
        likes: u64,
        patience: Duration,
    ) -> anyhow::Result<bool> {
        let until = Instant::now() + patience;
        loop {
            let (kafka, clickhouse, projector) = self.totals().await?;
            let all = [
                kafka.saturating_sub(origin.kafka),
                clickhouse.saturating_sub(origin.clickhouse),
                projector.saturating_sub(origin.projector),
            ];
            if all.iter().all(|passed| *passed >= likes) && projector >= kafka {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            sleep(LOOK).await;
        }
    }

    async fn totals(&self) -> anyhow::Result<(u64, u64, u64)> {
        let projector = self.projector.total().await?;
        let clickhouse = self.clickhouse.number(COUNT_LIKES).await?;
        Ok((self.topic.total().await?, clickhouse, projector))
    }
}
