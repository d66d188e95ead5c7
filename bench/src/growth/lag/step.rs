//! Likes at one rate.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nova_loadtest::summary::number;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::hop::{Backlog, Hop, Passed};
use super::saturation::Saturation;
use super::watch::Watch;
use super::{MARKERS, Writing};
use crate::growth::stack::Stack;
use crate::pipeline::course::Counts;
use crate::pipeline::load::{Load, LoadMeter};
use crate::pipeline::writing::{Pace, write};
use crate::pipeline::{Marker, Markers, Sink};
use crate::report::Percentiles;

/// Between two looks for markers.
const LOOK: Duration = Duration::from_millis(10);
/// For the last markers, and again for all likes, to arrive after a step.
const PATIENCE: Duration = Duration::from_secs(30);
/// Transactions a second, as long as they do not become too large.
const TRANSACTIONS: f64 = 20.0;
/// Likes of a transaction at most.
const LARGEST: f64 = 5_000.0;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LagStep {
    /// Likes a second that were due.
    pub offered: f64,
    /// Likes a second that were committed.
    pub achieved: f64,
    /// Likes of a transaction.
    pub batch: usize,
    /// From before a single like is sent to PostgreSQL until the counter in Redis has it, ms.
    pub lag: Option<Percentiles>,
    /// Single likes that were not seen within half a minute after the step.
    pub lost: usize,
    /// What waits in front of each hop.
    pub backlogs: Vec<Backlog>,
    /// Processor time and memory.
    pub load: Load,
    /// What is at its end; none when every hop keeps up.
    pub saturation: Option<Saturation>,
    /// Whether everything had passed within half a minute after the last single like was seen.
    pub drained: bool,
    /// Twice a second.
    pub course: Vec<Passed>,
}

pub(super) async fn measure(
    stack: &Stack<'_>,
    watch: &Watch,
    writing: &mut Writing,
    markers: Vec<Marker>,
    rate: f64,
) -> anyhow::Result<LagStep> {
    let time = Duration::from_secs(stack.options.step);
    let seconds = time.as_secs_f64();
    let batch = batch(rate);
    let counts = Arc::<Counts>::default();
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    let origin = watch.origin().await?;
    let looking = watch.clone();
    let looking = looking.samples(origin, rate, seconds, Arc::clone(&counts), stop.clone());
    let looking = tokio::spawn(looking);
    let markers = Markers {
        writer: writing.writer.clone(),
        sink: Sink::Redis(writing.cache.clone()),
        markers,
        every: Duration::from_secs(1) / MARKERS,
        look: LOOK,
    };
    let marking = tokio::spawn(markers.run(time, PATIENCE));
    let meter = LoadMeter::start(stack.processes.clone()).await?;
    let begun = Instant::now();
    let over = || begun.elapsed() >= time;
    let (writer, likes) = (&writing.writer, &mut writing.likes);
    let written = write(writer, likes, Pace::PerSecond(rate), batch, &counts, over).await?;
    let wrote = begun.elapsed().as_secs_f64();
    let load = meter.stop().await?;
    let seen = marking.await.context("markers")??;
    stop.cancel();
    let course = looking.await.context("looking at the stream")??;
    let single = u64::try_from(seen.course.len() + seen.lost)?;
    let drained = watch
        .drained(origin, written.rows + single, PATIENCE)
        .await?;
    let backlogs = Hop::ALL.map(|hop| Backlog::over(&course, hop, seconds));
    let backlogs: Option<Vec<Backlog>> = backlogs.into_iter().collect();
    let backlogs = backlogs.context("too few looks at the stream")?;
    Ok(LagStep {
        offered: rate,
        achieved: number(written.rows) / wrote.max(f64::MIN_POSITIVE),
        batch,
        lag: Percentiles::of(&seen.lag),
        lost: seen.lost,
        saturation: Saturation::judge(&backlogs, rate, &load),
        backlogs,
        load,
        drained,
        course,
    })
}

impl LagStep {
    /// What waits in front of a hop in the end.
    pub(crate) fn waiting(&self, hop: Hop) -> Option<f64> {
        let mut backlogs = self.backlogs.iter();
        backlogs.find(|one| one.hop == hop).map(|one| one.end)
    }

    /// What was wrong, as long as every hop kept up.
    pub(super) fn failures(&self) -> Vec<String> {
        let lost = (self.saturation.is_none() && self.lost > 0).then(|| {
            format!(
                "lag, {:.0} likes/s: {} single likes never arrived",
                self.offered, self.lost
            )
        });
        lost.into_iter().collect()
    }
}

/// Likes of a transaction: at low rates transactions come as likes do, at high ones the writer is to be able to follow.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 1 to 5,000"
)]
fn batch(rate: f64) -> usize {
    (rate / TRANSACTIONS).round().clamp(1.0, LARGEST) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_grow_with_the_rate() {
        let batches = [1.0, 100.0, 10_000.0, 1e6].map(batch);
        assert_eq!(batches, [1, 5, 500, 5_000]);
    }
}
