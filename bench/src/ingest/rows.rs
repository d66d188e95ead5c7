//! Rows a second from PostgreSQL to ClickHouse, sustained.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nova_stream::topics;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, ids};
use super::equality::Equality;
use crate::pipeline::course::{Counts, Hops, Looker, Sample};
use crate::pipeline::load::{Load, LoadMeter};
use crate::pipeline::writing::{Pace, write};
use crate::pipeline::{COUNT_LIKES, EndOffsets, Markers, Sink, Writer, connect_unchecked};
use crate::report::Percentiles;

/// Markers a second.
const MARKERS: u64 = 5;
/// Between two looks for them.
const LOOK: Duration = Duration::from_millis(25);
/// For the warm-up, and for what is under way at the end.
const PATIENCE: Duration = Duration::from_secs(300);

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowsReport {
    /// What was asked for.
    pub rate: Option<f64>,
    /// Rows of a transaction.
    pub batch: usize,
    /// Without a rate, the bound of what was under way.
    pub under_way: u64,
    /// Hop by hop.
    pub hops: Hops,
    /// From before a single like was sent until it was visible, ms.
    pub lag: Option<Percentiles>,
    /// Single likes that were not seen in time.
    pub lost: usize,
    /// The share of the time in which the writer waited.
    pub writer_waited: f64,
    /// Processor time and memory.
    pub load: Load,
    /// Seconds from the end of the writing until all had arrived, but for one in a thousand.
    pub drained: f64,
    /// Rows written, with those of the warm-up and single likes.
    pub written: u64,
    /// Rows by which ClickHouse's table grew meanwhile, which is what the rates are made of.
    pub grown: u64,
    /// In the end.
    pub equality: Equality,
    /// Twice a second.
    pub course: Vec<Sample>,
}

/// As an application writes them.
pub(super) async fn checked(bench: &Bench<'_>) -> anyhow::Result<RowsReport> {
    measure(bench, &bench.writer, 1).await
}

/// Written without foreign keys being checked, as a load does: what is behind PostgreSQL has the machine for itself.
pub(super) async fn unchecked(bench: &Bench<'_>) -> anyhow::Result<RowsReport> {
    let pool = connect_unchecked(&bench.endpoints.postgres).await?;
    measure(bench, &Writer::new(pool), 4).await
}

async fn measure(bench: &Bench<'_>, writer: &Writer, part: u64) -> anyhow::Result<RowsReport> {
    let options = bench.options;
    let most = usize::try_from(options.seconds * MARKERS)?;
    let (mut likes, markers) = bench.likes(most, part).await?;
    let looker = Looker {
        clickhouse: bench.clickhouse.clone(),
        topic: EndOffsets::of(&bench.endpoints.kafka, topics::CDC_LIKES).await?,
        counting: COUNT_LIKES,
    };
    let origin = looker.origin().await?;
    let counts = Arc::<Counts>::default();
    let stop = CancellationToken::new();
    let watching = looker
        .clone()
        .watch(origin, Arc::clone(&counts), stop.clone());
    let watching = tokio::spawn(watching);
    let _stops = stop.clone().drop_guard();

    eprintln!("rows: warm-up, {} of them", options.warm_up);
    let limit = Instant::now() + PATIENCE;
    let bounded = Pace::UnderWay(options.under_way);
    let warm = || counts.arrived() >= options.warm_up || Instant::now() >= limit;
    let before = write(writer, &mut likes, bounded, options.batch, &counts, warm).await?;
    anyhow::ensure!(
        counts.arrived() >= options.warm_up,
        "{} of {} rows arrived within {PATIENCE:?}",
        counts.arrived(),
        options.warm_up
    );

    eprintln!("rows: measuring, {} s", options.seconds);
    let time = Duration::from_secs(options.seconds);
    let markers = Markers {
        writer: writer.clone(),
        sink: Sink::ClickHouse(bench.clickhouse.clone()),
        markers,
        every: Duration::from_secs(1) / u32::try_from(MARKERS)?,
        look: LOOK,
    };
    let marking = tokio::spawn(markers.run(time, PATIENCE));
    let meter = LoadMeter::start(bench.processes.clone()).await?;
    let (from, until) = (origin.seconds(), Instant::now() + time);
    let pace = options.rate.map_or(bounded, Pace::PerSecond);
    let over = || Instant::now() >= until;
    let during = write(writer, &mut likes, pace, options.batch, &counts, over).await?;
    let load = meter.stop().await?;
    let to = origin.seconds();

    let ended = Instant::now();
    let seen = marking.await.context("markers")??;
    let single = u64::try_from(seen.course.len() + seen.lost)?;
    let written = before.rows + during.rows + single;
    while looker.arrived(&origin).await? < written - strays(written) && ended.elapsed() < PATIENCE {
        sleep(Duration::from_millis(50)).await;
    }
    let drained = ended.elapsed().as_secs_f64();
    stop.cancel();
    let course = watching.await.context("looking at the stream")??;
    let posts = ids(likes.posts());
    let equality = Equality::reached(writer, &bench.clickhouse, &posts).await?;
    Ok(RowsReport {
        rate: options.rate,
        batch: options.batch,
        under_way: options.under_way,
        hops: Hops::over(&course, from, to).context("too few looks at the stream")?,
        lag: Percentiles::of(&seen.lag),
        lost: seen.lost,
        writer_waited: during.waited,
        load,
        drained,
        written,
        grown: looker.arrived(&origin).await?,
        equality,
        course,
    })
}

/// By how many rows the growth of the table may differ from what was written: a merge of older rows takes some away. The content
/// is compared in any case.
fn strays(written: u64) -> u64 {
    written / 1_000
}

impl RowsReport {
    /// What was wrong, whatever the speed.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if !self.equality.holds() {
            failures.push(format!("rows: {:?}", self.equality));
        }
        if self.lost > 0 {
            failures.push(format!("rows: {} single likes never arrived", self.lost));
        }
        // Rates are made of how the table grew: what was delivered twice, or written by others, is not to pass for more.
        let more = self.grown.abs_diff(self.written);
        if more > strays(self.written) {
            failures.push(format!(
                "rows: the table grew by {} for {} rows written: its growth is no measure of them",
                self.grown, self.written
            ));
        }
        failures
    }
}
