//! What is measured while a run goes on: histograms, counts, and what happened in each second.
//!
//! A latency counts from the moment something was due to arrive to the last byte of the answer, so that a server that
//! stalls is seen by everybody who would have come meanwhile. Beside it stands the time from sending alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::schedule::Stream;

/// Longer than any request may take, in microseconds.
const LONGEST_US: u64 = 120_000_000;
/// Significant decimal digits of the histograms: values are right to 0.1 %.
const DIGITS: u8 = 3;

/// What has a latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A feed of a ranking that was kept.
    FeedHit,
    /// A feed of one that is older than it should be.
    FeedStale,
    /// A feed that was ranked for the request.
    FeedMiss,
    /// The follow source of a ranking, by `Server-Timing`.
    SourceFollow,
    /// The trending source.
    SourceTrending,
    /// The affinity source.
    SourceAffinity,
    /// Suggested users.
    Suggested,
    /// Trending posts.
    Trending,
    /// Putting a like.
    Like,
    /// Making a post.
    Post,
    /// Following somebody.
    Follow,
    /// Reporting a batch of events.
    Events,
    /// From a like until it is in the feed of somebody else.
    LikeVisible,
}

impl Measure {
    /// Every measure, in the order of the report.
    pub const ALL: [Self; 13] = [
        Self::FeedHit,
        Self::FeedStale,
        Self::FeedMiss,
        Self::SourceFollow,
        Self::SourceTrending,
        Self::SourceAffinity,
        Self::Suggested,
        Self::Trending,
        Self::Like,
        Self::Post,
        Self::Follow,
        Self::Events,
        Self::LikeVisible,
    ];

    /// As the report has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FeedHit => "feed, hit",
            Self::FeedStale => "feed, stale",
            Self::FeedMiss => "feed, miss",
            Self::SourceFollow => "source follow",
            Self::SourceTrending => "source trending",
            Self::SourceAffinity => "source affinity",
            Self::Suggested => "suggested users",
            Self::Trending => "trending",
            Self::Like => "like",
            Self::Post => "post",
            Self::Follow => "follow",
            Self::Events => "events",
            Self::LikeVisible => "like to visible",
        }
    }

    /// The source behind a name in `Server-Timing`.
    #[must_use]
    pub fn of_source(name: &str) -> Option<Self> {
        match name {
            "source_follow" => Some(Self::SourceFollow),
            "source_trending" => Some(Self::SourceTrending),
            "source_affinity" => Some(Self::SourceAffinity),
            _ => None,
        }
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// What a rate is stated of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Pages of feeds.
    Reads,
    /// Likes.
    Likes,
    /// Posts.
    Posts,
    /// Requests for suggested users.
    Suggested,
    /// Requests for trending posts.
    Trending,
}

impl Flow {
    /// Every flow, in the order of the report.
    pub const ALL: [Self; 5] = [
        Self::Reads,
        Self::Likes,
        Self::Posts,
        Self::Suggested,
        Self::Trending,
    ];

    /// As the report has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reads => "feed reads",
            Self::Likes => "likes",
            Self::Posts => "posts",
            Self::Suggested => "suggested users",
            Self::Trending => "trending",
        }
    }
}

impl From<Stream> for Flow {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Visit => Self::Reads,
            Stream::Like => Self::Likes,
            Stream::Post => Self::Posts,
            Stream::Suggested => Self::Suggested,
            Stream::Trending => Self::Trending,
        }
    }
}

/// What `X-Nova-Cache` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheStatus {
    /// `hit`
    Hit,
    /// `stale`
    Stale,
    /// `miss`, or nothing.
    Miss,
}

impl CacheStatus {
    /// The measure its latency belongs to.
    #[must_use]
    pub const fn measure(self) -> Measure {
        match self {
            Self::Hit => Measure::FeedHit,
            Self::Stale => Measure::FeedStale,
            Self::Miss => Measure::FeedMiss,
        }
    }
}

/// Two views of the same requests.
#[derive(Debug)]
pub(crate) struct Times {
    /// From the moment it was due.
    pub(crate) latency: Histogram<u64>,
    /// From the moment it was sent.
    pub(crate) service: Histogram<u64>,
}

/// One second of the measured window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Second {
    /// Latencies of the feed reads that were due in it, in microseconds.
    pub(crate) reads: Vec<u64>,
    pub(crate) hits: u32,
    pub(crate) errors: u32,
}

/// Planned and done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) planned: u64,
    pub(crate) done: u64,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) times: Vec<Times>,
    pub(crate) flows: BTreeMap<Flow, Count>,
    pub(crate) requests: u64,
    /// By request and reason.
    pub(crate) errors: BTreeMap<(&'static str, String), u64>,
    /// Answers that said so, by what they lacked.
    pub(crate) degraded: BTreeMap<String, u64>,
    pub(crate) hits: u64,
    pub(crate) stale: u64,
    pub(crate) misses: u64,
    /// Pages that viewers would have read, had the feed gone on.
    pub(crate) ended: u64,
    /// Pages that viewers would have read, had the one before not failed.
    pub(crate) given_up: u64,
    /// Walks that had to start anew.
    pub(crate) restarted: u64,
    pub(crate) seconds: Vec<Second>,
    /// How late the generator itself let arrivals go.
    pub(crate) lag: Histogram<u64>,
    /// How long arrivals waited for a free user.
    pub(crate) waited: Histogram<u64>,
    /// Why the run is worth nothing.
    pub(crate) broken: Vec<String>,
}

/// Collects; shared by all users. Cheap: a short lock for each request.
#[derive(Debug)]
pub struct Recorder(Mutex<State>);

impl Recorder {
    /// For a measured window of so many seconds.
    ///
    /// # Errors
    /// Never in practice: the histograms' bounds are constants.
    pub fn new(measured: Duration) -> anyhow::Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, DIGITS);
        let mut times = Vec::with_capacity(Measure::ALL.len());
        for _ in Measure::ALL {
            times.push(Times {
                latency: histogram()?,
                service: histogram()?,
            });
        }
        let seconds = usize::try_from(measured.as_secs().max(1))?;
        Ok(Self(Mutex::new(State {
            times,
            flows: BTreeMap::new(),
            requests: 0,
            errors: BTreeMap::new(),
            degraded: BTreeMap::new(),
            hits: 0,
            stale: 0,
            misses: 0,
            ended: 0,
            given_up: 0,
            restarted: 0,
            seconds: vec![Second::default(); seconds],
            lag: histogram()?,
            waited: histogram()?,
            broken: Vec::new(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many of a flow are to come.
    pub fn planned(&self, flow: Flow, count: u64) {
        self.state().flows.entry(flow).or_default().planned += count;
    }

    /// A planned one was asked for and answered, well or not.
    pub fn done(&self, flow: Flow) {
        self.state().flows.entry(flow).or_default().done += 1;
    }

    /// A viewer came to the end of the feed: these pages are not there to be read.
    pub fn ended(&self, pages: u64) {
        let mut state = self.state();
        state.ended += pages;
        state.not_read(pages);
    }

    /// A page failed: nobody can ask for these, which come after it.
    pub fn given_up(&self, pages: u64) {
        let mut state = self.state();
        state.given_up += pages;
        state.not_read(pages);
    }

    /// A request that went well: `latency` since it was due, `service` since it was sent.
    pub fn took(&self, measure: Measure, latency: Duration, service: Duration) {
        self.state().took(measure, latency, service);
    }

    /// A page of a feed, due at `second` of the measured window.
    pub fn read(&self, status: CacheStatus, second: usize, latency: Duration, service: Duration) {
        let mut state = self.state();
        state.took(status.measure(), latency, service);
        match status {
            CacheStatus::Hit => state.hits += 1,
            CacheStatus::Stale => state.stale += 1,
            CacheStatus::Miss => state.misses += 1,
        }
        if let Some(second) = state.seconds.get_mut(second) {
            second.reads.push(micros(latency));
            second.hits += u32::from(status == CacheStatus::Hit);
        }
    }

    /// A request was sent.
    pub fn request(&self) {
        self.state().requests += 1;
    }

    /// A request, due at `second` of the measured window, failed.
    pub fn error(&self, request: &'static str, reason: &str, second: usize) {
        let mut state = self.state();
        *state
            .errors
            .entry((request, reason.to_owned()))
            .or_default() += 1;
        if let Some(second) = state.seconds.get_mut(second) {
            second.errors += 1;
        }
    }

    /// An answer lacked something.
    pub fn degraded(&self, what: &str) {
        *self.state().degraded.entry(what.to_owned()).or_default() += 1;
    }

    /// A cursor had expired.
    pub fn restarted(&self) {
        self.state().restarted += 1;
    }

    /// The generator let an arrival go so much later than it was due.
    pub fn lag(&self, lag: Duration) {
        self.state().lag.saturating_record(micros(lag));
    }

    /// An arrival waited so long for a free user.
    pub fn waited(&self, wait: Duration) {
        self.state().waited.saturating_record(micros(wait));
    }

    /// The run does not count.
    pub fn broken(&self, why: impl Into<String>) {
        self.state().broken.push(why.into());
    }
}

impl State {
    fn not_read(&mut self, pages: u64) {
        let reads = self.flows.entry(Flow::Reads).or_default();
        reads.planned = reads.planned.saturating_sub(pages);
    }

    fn took(&mut self, measure: Measure, latency: Duration, service: Duration) {
        if let Some(times) = self.times.get_mut(measure.index()) {
            times.latency.saturating_record(micros(latency));
            times.service.saturating_record(micros(service));
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).map_or(LONGEST_US, |us| us.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_where_its_index_says() {
        for (index, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure.index(), index);
        }
    }

    #[test]
    fn reads_are_told_apart_by_the_cache() {
        let recorder = Recorder::new(Duration::from_secs(2)).unwrap();
        let ms = Duration::from_millis;
        recorder.read(CacheStatus::Hit, 0, ms(5), ms(4));
        recorder.read(CacheStatus::Hit, 1, ms(6), ms(4));
        recorder.read(CacheStatus::Miss, 1, ms(60), ms(50));
        // Past the window: counted, but in no second.
        recorder.read(CacheStatus::Stale, 2, ms(7), ms(6));
        let state = recorder.state();
        assert_eq!((state.hits, state.stale, state.misses), (2, 1, 1));
        let len = |measure: Measure| state.times[measure.index()].latency.len();
        assert_eq!(len(Measure::FeedHit), 2);
        assert_eq!(len(Measure::FeedStale), 1);
        assert_eq!(state.seconds[1].reads, [6_000, 60_000]);
        assert_eq!((state.seconds[0].hits, state.seconds[1].hits), (1, 1));
    }

    #[test]
    fn what_takes_longer_than_the_histogram_counts_as_its_end() {
        let recorder = Recorder::new(Duration::from_secs(1)).unwrap();
        let hour = Duration::from_secs(3_600);
        recorder.took(Measure::Like, hour, hour);
        let state = recorder.state();
        let max = state.times[Measure::Like.index()].latency.max();
        assert!(max >= LONGEST_US, "{max}");
    }
}
