//! Both sides of a load, side by side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, Utc};
use nova_cache::{Cache, ttl};
use nova_domain::UserId;
use nova_olap::Olap;
use nova_olap::load::{FACTS_OF_EVENTS, Staging, bytes_on_disk, count_facts, has_posts_of_others};
use nova_social::load::{Load, Loader, Wanted, Way};
use nova_stream::EventProducer;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::counters::{self, Unseeded};
use super::error::BulkError;
use super::model::Model;
use super::progress::Progress;
use super::report::{BulkReport, Side, StepReport};
use super::size::Size;
use super::{clickhouse, pipeline, postgres};

/// Rows of likes in one transaction: what the WAL sender decodes of it stays within its memory (64 MB by default).
pub const SLICE_ROWS: u64 = 200_000;

/// From so many likes on, plain indexes are made at the end.
const INDEXED_LATER: u64 = 1_000_000;

/// What to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkOptions {
    /// The name of the size, in the journal.
    pub scale: String,
    /// Rows of each table.
    pub size: Size,
    /// Everything that is decided follows from it, the size and the base time.
    pub seed: u64,
    /// The time that all times are relative to; none is now, or that of the same load if it broke off.
    pub base: Option<DateTime<Utc>>,
    /// Whether there may be posts of others.
    pub append: bool,
    /// Authors whose posts do not count as others': those of the freshness probe, which begins with the first process.
    pub unheeded: Vec<UserId>,
    /// [`SLICE_ROWS`]; a load goes on only with the slices it began with.
    pub slice_rows: u64,
    /// Nothing on stderr while it runs.
    pub quiet: bool,
}

impl BulkOptions {
    /// Whether plain indexes are made when all rows are there, if the load goes beside the stream.
    const fn indexes_later(&self) -> bool {
        !self.append && self.size.likes >= INDEXED_LATER
    }
}

/// What is written to. The loader knows whether through the change stream or beside it.
#[derive(Debug)]
pub struct Backends {
    /// PostgreSQL.
    pub loader: Loader,
    /// ClickHouse.
    pub olap: Olap,
    /// Kafka: for loads through the change stream.
    pub events: Option<EventProducer>,
}

/// Loads a population. Memory: the users' ids, and some slices of rows. Redis is told nothing by it: see
/// [`run_with_counters`].
///
/// # Errors
/// [`BulkError`]: refused, or broken off. The same load again goes on where it stopped.
pub async fn run(options: &BulkOptions, backends: Backends) -> Result<BulkReport, BulkError> {
    run_with_counters(options, backends, None).await
}

/// As [`run`]; and a load beside the change stream ends with the counters in Redis that `nova projector` would have left there
/// had it followed: those of all posts in ClickHouse that were created within [`ttl::COUNTERS`] before the call. Each is written with
/// its version, so that nothing newer is lost and a second time changes nothing. About 350 bytes in Redis for a post.
///
/// Redis is a cache: that it is none, cannot be reached or has no room is told in [`BulkReport::unseeded`] and fails nothing.
///
/// # Errors
/// [`BulkError`]: refused, or broken off. The same load again goes on where it stopped.
pub async fn run_with_counters(
    options: &BulkOptions,
    backends: Backends,
    cache: Option<&Cache>,
) -> Result<BulkReport, BulkError> {
    let Backends {
        mut loader,
        olap,
        events,
    } = backends;
    let outcome = load(options, &mut loader, &olap, events, cache).await;
    // Whoever is told how it ended may begin the next one.
    loader.release().await;
    outcome
}

async fn load(
    options: &BulkOptions,
    loader: &mut Loader,
    olap: &Olap,
    events: Option<EventProducer>,
    cache: Option<&Cache>,
) -> Result<BulkReport, BulkError> {
    let started = Instant::now();
    let now = Utc::now();
    options.size.check()?;
    if let Some(base) = options.base.filter(|base| *base > now) {
        return Err(BulkError::Future(base));
    }
    let through = match (loader.way(), events) {
        (Way::Beside, _) => None,
        (Way::Through, Some(producer)) => Some(producer),
        (Way::Through, None) => return Err(BulkError::NoKafka),
    };
    let wanted = Wanted {
        scale: options.scale.clone(),
        seed: options.seed,
        base: options.base,
        append: options.append,
        unheeded: options.unheeded.clone(),
        posts_elsewhere: has_posts_of_others(olap, &options.unheeded).await?,
    };
    if through.is_none() && options.indexes_later() {
        let largest = options.size.likes.max(options.size.follows);
        loader.afford_indexes(largest).await?;
    }
    let mut load = loader.begin(&wanted, now).await?;
    let (size, seed, base) = (options.size, options.seed, load.base);
    let model = Arc::new(spawn_blocking(move || Model::new(size, seed, base)).await??);
    let mut run = Run {
        options,
        loader,
        load: &mut load,
        olap,
        model,
        cache,
        counted_since: now.trunc_subsecs(3) - ttl::COUNTERS,
        waited: Duration::ZERO,
        unseeded: None,
    };
    let steps = match &through {
        Some(producer) => run.through(producer).await?,
        None => run.beside().await?,
    };
    let (waited, unseeded) = (run.waited, run.unseeded);
    loader.finish(&load).await?;
    Ok(BulkReport {
        base,
        version: through.is_none().then_some(load.version),
        resumed: load.resumed,
        steps,
        waited,
        unseeded,
        postgres_bytes: loader.bytes_on_disk().await?,
        clickhouse_bytes: bytes_on_disk(olap).await?,
        took: started.elapsed(),
    })
}

struct Run<'a> {
    options: &'a BulkOptions,
    loader: &'a mut Loader,
    load: &'a mut Load,
    olap: &'a Olap,
    model: Arc<Model>,
    cache: Option<&'a Cache>,
    /// Posts created later than this have counters in Redis.
    counted_since: DateTime<Utc>,
    waited: Duration,
    unseeded: Option<Unseeded>,
}

impl Run<'_> {
    fn progress(&self, side: Side) -> Progress {
        Progress::new(side, self.options.quiet)
    }

    async fn through(&mut self, producer: &EventProducer) -> Result<Vec<StepReport>, BulkError> {
        let mut postgres = self.progress(Side::Postgres);
        let mut stream = self.progress(Side::Stream);
        // Those of an earlier run of the same load are among them.
        let others = if self.options.append && !self.load.resumed {
            count_facts(self.olap, FACTS_OF_EVENTS).await?
        } else {
            0
        };
        // Transactions of other writers are small: the stream is not to stall behind one of these.
        let slice = (self.options.slice_rows / 4).max(1);
        let (waited, ()) = tokio::try_join!(
            postgres::rows(self.loader, self.load, &self.model, slice, &mut postgres),
            pipeline::events(producer, &self.model, &mut stream),
        )?;
        self.waited = waited;
        let events = others + self.model.size().events;
        pipeline::carried(self.loader, self.olap, events, &mut stream).await?;
        let step = postgres.begin("analyze", 0);
        self.loader.analyze().await?;
        postgres.end(&step);
        Ok([postgres.into_steps(), stream.into_steps()].concat())
    }

    async fn beside(&mut self) -> Result<Vec<StepReport>, BulkError> {
        let mut postgres = self.progress(Side::Postgres);
        let mut clickhouse = self.progress(Side::ClickHouse);
        let mut redis = self.progress(Side::Redis);
        let (there, rows_are_there) = oneshot::channel();
        let (version, base) = (self.load.version, self.load.base);
        let indexed_later = self.options.indexes_later();
        let slice = self.options.slice_rows;
        let (cache, counted_since) = (self.cache, self.counted_since);
        let (loader, load, model, olap) =
            (&mut *self.loader, &mut *self.load, &self.model, self.olap);
        let postgres_side = async {
            if indexed_later {
                loader.drop_indexes(load).await?;
            }
            let waited = postgres::rows(loader, load, model, slice, &mut postgres).await?;
            // Nobody listens any more: the other side failed.
            let _unheard = there.send(());
            let step = postgres.begin("indexes", 0);
            loader.restore_indexes(load).await?;
            postgres.end(&step);
            let step = postgres.begin("analyze", 0);
            loader.analyze().await?;
            postgres.end(&step);
            Ok::<_, BulkError>(waited)
        };
        let clickhouse_side = async {
            let staging = Staging::create(olap).await?;
            // Larger parts: fewer merges.
            let insert_rows = slice * 5 / 2;
            clickhouse::stage(&staging, model, version, insert_rows, &mut clickhouse).await?;
            // What is shown has to exist: PostgreSQL first. Its failure ends this side as well.
            if rows_are_there.await.is_err() {
                return Ok(None);
            }
            let step = clickhouse.begin("publish", 0);
            staging.publish().await?;
            clickhouse.end(&step);
            let step = clickhouse.begin("recounts", 0);
            let base_ms = u64::try_from(base.timestamp_millis()).unwrap_or(0);
            staging.recount(version, base_ms).await?;
            staging.drop_all().await?;
            clickhouse.end(&step);
            // A tenth as many posts as likes: their facts are about as many rows.
            let seeding = counters::Seeding {
                olap,
                since: counted_since,
                posts: u32::try_from(slice / 10).unwrap_or(u32::MAX).max(1),
            };
            Ok(Box::pin(seeding.run(cache, &mut redis)).await.err())
        };
        let (waited, unseeded) = tokio::try_join!(postgres_side, clickhouse_side)?;
        self.waited = waited;
        self.unseeded = unseeded;
        Ok([
            postgres.into_steps(),
            clickhouse.into_steps(),
            redis.into_steps(),
        ]
        .concat())
    }
}
