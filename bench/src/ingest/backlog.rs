//! A backlog that piled up while nobody read the change stream, worked off while feeds are read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nova_cache::{Cache, CacheConfig};
use nova_domain::PostId;
use nova_loadtest::summary::number;
use nova_stream::topics;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, ids};
use super::equality::Equality;
use super::reads::{self, ReadsReport};
use crate::pipeline::course::{Counts, Hops, Looker, Origin, Sample};
use crate::pipeline::load::{Load, LoadMeter};
use crate::pipeline::writing::{Pace, write};
use crate::pipeline::{COUNT_LIKES, Connector, EndOffsets, Likes};

/// For the backlog to be worked off, and again for the counters behind it.
const PATIENCE: Duration = Duration::from_secs(600);
/// Feeds are read before for so long.
const BEFORE: Duration = Duration::from_secs(30);
/// Posts whose counters are compared.
const SAMPLE: usize = 500;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BacklogReport {
    /// Rows that had piled up.
    pub rows: u64,
    /// Seconds from the moment the connector was told to go on until all of them were visible.
    pub drained: f64,
    /// Rows a second, the connector's own start included.
    pub per_second: f64,
    /// Hop by hop.
    pub hops: Hops,
    /// Feeds that were read before, while the rows waited: many are ranked for the first time then.
    pub before: ReadsReport,
    /// Feeds that were read meanwhile.
    pub reads: ReadsReport,
    /// Processor time and memory meanwhile.
    pub load: Load,
    /// In the end.
    pub equality: Equality,
    /// Posts whose counters in Redis were compared with PostgreSQL.
    pub counters: usize,
    /// Of those, how many were wrong in the end.
    pub wrong_counters: usize,
    /// Seconds from the moment all rows were visible until those counters were right.
    pub counted: f64,
    /// Twice a second.
    pub course: Vec<Sample>,
}

pub(super) async fn measure(bench: &Bench<'_>) -> anyhow::Result<BacklogReport> {
    let options = bench.options;
    let connector = Connector::at(&bench.endpoints.connect)?;
    let (mut likes, _) = bench.likes(0, 3).await?;
    let looker = Looker {
        clickhouse: bench.clickhouse.clone(),
        topic: EndOffsets::of(&bench.endpoints.kafka, topics::CDC_LIKES).await?,
        counting: COUNT_LIKES,
    };
    connector.stop().await?;
    // Whatever happens, it does not stay stopped.
    let piled = pile(bench, &looker, &mut likes, options.backlog).await;
    eprintln!(
        "backlog: {} feed reads/s, {} s",
        options.reads,
        BEFORE.as_secs()
    );
    let before = read(bench, CancellationToken::new(), Some(BEFORE)).await;
    let meter = LoadMeter::start(bench.processes.clone()).await?;
    let resumed = Instant::now();
    connector.resume().await?;
    let (origin, counts, rows) = piled?;
    let before = before?;

    eprintln!(
        "backlog: working off {rows} rows, {} feed reads/s",
        options.reads
    );
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    let watching = looker
        .clone()
        .watch(origin, Arc::clone(&counts), stop.clone());
    let watching = tokio::spawn(watching);
    let from = origin.seconds();
    let readers = CancellationToken::new();
    let reading = read(bench, readers.clone(), None);
    let draining = async {
        while counts.arrived() < rows && resumed.elapsed() < PATIENCE {
            sleep(Duration::from_millis(50)).await;
        }
        let drained = resumed.elapsed();
        readers.cancel();
        drained
    };
    let (reads, drained) = tokio::join!(reading, draining);
    let (reads, load) = (reads?, meter.stop().await?);
    let to = origin.seconds();
    stop.cancel();
    let course = watching.await.context("looking at the stream")??;

    let liked: Vec<_> = likes.liked().collect();
    let sample: Vec<PostId> = sample(&liked, SAMPLE)
        .filter_map(|place| likes.posts().get(place))
        .map(|target| target.post)
        .collect();
    let (counted, wrong_counters) = counters(bench, &sample).await?;
    let posts = ids(likes.posts());
    let equality = Equality::reached(&bench.writer, &bench.clickhouse, &posts).await?;
    Ok(BacklogReport {
        rows,
        drained: drained.as_secs_f64(),
        per_second: number(rows) / drained.as_secs_f64(),
        hops: Hops::over(&course, from, to).context("too few looks at the stream")?,
        before,
        reads,
        load,
        equality,
        counters: sample.len(),
        wrong_counters,
        counted: counted.as_secs_f64(),
        course,
    })
}

impl BacklogReport {
    /// What was wrong, whatever the speed.
    pub(super) fn failures(&self) -> Vec<String> {
        let reads = self.reads.failures.iter();
        let mut failures: Vec<String> = reads
            .map(|failure| format!("backlog, feeds: {failure}"))
            .collect();
        if !self.equality.holds() {
            failures.push(format!("backlog: {:?}", self.equality));
        }
        if self.wrong_counters > 0 {
            failures.push(format!(
                "backlog: {} of {} counters are wrong",
                self.wrong_counters, self.counters
            ));
        }
        failures
    }
}

/// Reads feeds until it is told to stop, or for a time.
async fn read(
    bench: &Bench<'_>,
    stop: CancellationToken,
    time: Option<Duration>,
) -> anyhow::Result<ReadsReport> {
    let options = bench.options;
    let reading = reads::read(
        &bench.endpoints.api,
        &bench.endpoints.auth_secret,
        bench.people,
        options.reads,
        options.seed,
        stop.clone(),
    );
    let ending = async {
        if let Some(time) = time {
            sleep(time).await;
            stop.cancel();
        }
    };
    let (report, ()) = tokio::join!(reading, ending);
    report
}

/// Writes the backlog and tells from where it is counted.
async fn pile(
    bench: &Bench<'_>,
    looker: &Looker,
    likes: &mut Likes,
    rows: u64,
) -> anyhow::Result<(Origin, Arc<Counts>, u64)> {
    let origin = looker.origin().await?;
    let counts = Arc::<Counts>::default();
    eprintln!("backlog: {rows} rows pile up");
    let there = Arc::clone(&counts);
    let done = move || there.given() >= rows;
    let batch = bench.options.batch;
    let written = write(&bench.writer, likes, Pace::Unbounded, batch, &counts, done).await?;
    let early = looker.arrived(&origin).await?;
    // The heartbeat's and the probe's few rows have the connector stopped in front of them too.
    anyhow::ensure!(
        early == 0,
        "{early} rows passed a connector that is stopped"
    );
    Ok((origin, counts, written.rows))
}

/// Waits until the counters of the posts are right: how long that took, and how many were wrong in the end.
async fn counters(bench: &Bench<'_>, posts: &[PostId]) -> anyhow::Result<(Duration, usize)> {
    let cache = Cache::new(&CacheConfig::new(bench.endpoints.redis.parse()?))?;
    let begun = Instant::now();
    loop {
        let right = bench.writer.count(posts).await?;
        let found = cache.counters(posts).await?;
        let wrong = posts.iter().zip(found).filter(|(post, row)| {
            let likes = row.and_then(|row| row.likes);
            likes != right.get(&post.uuid()).copied()
        });
        let wrong = wrong.count();
        if wrong == 0 || begun.elapsed() >= PATIENCE {
            return Ok((begun.elapsed(), wrong));
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// Some of many, evenly spaced.
fn sample(all: &[usize], most: usize) -> impl Iterator<Item = usize> + '_ {
    let step = all.len().div_ceil(most.max(1)).max(1);
    all.iter().copied().step_by(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_evenly() {
        let all: Vec<usize> = (0..1_000).collect();
        let some: Vec<usize> = sample(&all, 4).collect();
        assert_eq!(some, [0, 250, 500, 750]);
        assert_eq!(sample(&all[..3], 4).count(), 3);
        assert_eq!(sample(&[], 4).count(), 0);
    }
}
