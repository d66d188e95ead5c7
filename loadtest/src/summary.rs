//! What a run measured, as numbers: what is judged and reported.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::measurements::{Flow, Measure, Recorder, Second};
use crate::schedule::Rates;

/// Percentiles of one measure, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latency {
    /// Of what.
    pub measure: Measure,
    /// How many.
    pub count: u64,
    /// From the moment it was due to the last byte.
    pub p50: f64,
    /// 90 % took no longer.
    pub p90: f64,
    /// 95 % took no longer: what service levels are about.
    pub p95: f64,
    /// 99 % took no longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// The 95th percentile from the moment of sending: smaller when requests had to wait before they could be sent.
    pub service_p95: f64,
}

/// What was asked for and what was done, over the measured window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// Of what.
    pub flow: Flow,
    /// Per second, as the options say.
    pub asked: f64,
    /// Arrivals that the schedule has in the window, without pages that could not be asked for.
    pub planned: u64,
    /// Of these, how many were sent and ended, well or not.
    pub done: u64,
    /// Done per second.
    pub achieved: f64,
}

/// What the cache had.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feed {
    /// Feeds of a ranking that was kept.
    pub hits: u64,
    /// Feeds of one that was older than it should be.
    pub stale: u64,
    /// Feeds ranked for the request.
    pub misses: u64,
    /// Hits of all, 0 to 1; `None` without reads.
    pub hit_rate: Option<f64>,
    /// Pages nobody could read because the feed ended before.
    pub ended: u64,
    /// Pages nobody could ask for because the one before had failed.
    pub given_up: u64,
    /// Walks that had to start anew because their cursor had expired.
    pub restarted: u64,
    /// Answers that lacked something, by what it was.
    pub degraded: Vec<Counted>,
}

/// How many of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Errors {
    /// All requests.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Their share, 0 to 1; `None` without requests.
    pub rate: Option<f64>,
    /// By request and reason.
    pub by_reason: Vec<Counted>,
}

/// How well the generator did its own work, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Generator {
    /// How late arrivals were let go.
    pub lag_p50: f64,
    /// As [`Generator::lag_p50`], 99 %.
    pub lag_p99: f64,
    /// The latest.
    pub lag_max: f64,
    /// How long arrivals waited for a free user, 99 %. Part of the latency.
    pub waited_p99: f64,
    /// What makes the run worthless.
    pub broken: Vec<String>,
}

/// One second of the measured window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Feed reads that were due in it and went well.
    pub reads: u64,
    /// Hits among them.
    pub hits: u32,
    /// Requests of any kind that failed.
    pub errors: u32,
    /// 95th percentile of the reads in milliseconds; `None` without reads.
    pub p95: Option<f64>,
}

/// Everything a run measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Length of the measured window.
    pub seconds: f64,
    /// Percentiles, in the order of [`Measure::ALL`], also of what never happened.
    pub latencies: Vec<Latency>,
    /// Rates.
    pub rates: Vec<Rate>,
    /// Feeds.
    pub feed: Feed,
    /// Failures.
    pub errors: Errors,
    /// The generator.
    pub generator: Generator,
    /// Second by second.
    pub timeline: Vec<Moment>,
}

impl Summary {
    /// Of what was recorded in `seconds` of measuring at these rates.
    #[must_use]
    pub fn of(recorder: &Recorder, rates: &Rates, seconds: f64) -> Self {
        let state = recorder.state();
        let latencies = Measure::ALL.into_iter().zip(&state.times);
        let latencies = latencies.map(|(measure, times)| Latency {
            measure,
            count: times.latency.len(),
            p50: quantile(&times.latency, 0.5),
            p90: quantile(&times.latency, 0.9),
            p95: quantile(&times.latency, 0.95),
            p99: quantile(&times.latency, 0.99),
            max: if times.latency.is_empty() {
                0.0
            } else {
                ms(times.latency.max())
            },
            service_p95: quantile(&times.service, 0.95),
        });
        let flows = Flow::ALL.into_iter().map(|flow| {
            let count = state.flows.get(&flow).copied().unwrap_or_default();
            Rate {
                flow,
                asked: asked(rates, flow),
                planned: count.planned,
                done: count.done,
                achieved: number(count.done) / seconds.max(f64::MIN_POSITIVE),
            }
        });
        let reads = state.hits + state.stale + state.misses;
        let failed = state.errors.values().sum();
        Self {
            seconds,
            latencies: latencies.collect(),
            rates: flows.collect(),
            feed: Feed {
                hits: state.hits,
                stale: state.stale,
                misses: state.misses,
                hit_rate: share(state.hits, reads),
                ended: state.ended,
                given_up: state.given_up,
                restarted: state.restarted,
                degraded: state
                    .degraded
                    .iter()
                    .map(|(what, count)| Counted {
                        what: what.clone(),
                        count: *count,
                    })
                    .collect(),
            },
            errors: Errors {
                requests: state.requests,
                failed,
                rate: share(failed, state.requests),
                by_reason: state
                    .errors
                    .iter()
                    .map(|((request, reason), count)| Counted {
                        what: format!("{request}: {reason}"),
                        count: *count,
                    })
                    .collect(),
            },
            generator: Generator {
                lag_p50: quantile(&state.lag, 0.5),
                lag_p99: quantile(&state.lag, 0.99),
                lag_max: if state.lag.is_empty() {
                    0.0
                } else {
                    ms(state.lag.max())
                },
                waited_p99: quantile(&state.waited, 0.99),
                broken: state.broken.clone(),
            },
            timeline: state.seconds.iter().map(moment).collect(),
        }
    }

    /// Percentiles of one measure.
    #[must_use]
    pub fn latency(&self, measure: Measure) -> Option<&Latency> {
        self.latencies.iter().find(|row| row.measure == measure)
    }
}

fn moment(second: &Second) -> Moment {
    let mut reads = second.reads.clone();
    reads.sort_unstable();
    // The smallest value that 95 % do not exceed.
    let place = (reads.len() * 95).div_ceil(100).saturating_sub(1);
    Moment {
        reads: u64::try_from(reads.len()).unwrap_or(u64::MAX),
        hits: second.hits,
        errors: second.errors,
        p95: reads.get(place).map(|us| ms(*us)),
    }
}

fn asked(rates: &Rates, flow: Flow) -> f64 {
    match flow {
        Flow::Reads => rates.reads,
        Flow::Likes => rates.likes,
        Flow::Posts => rates.posts,
        Flow::Suggested => rates.suggested,
        Flow::Trending => rates.trending,
    }
}

fn quantile(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    if histogram.is_empty() {
        return 0.0;
    }
    // The value itself where it was recorded, not the upper end of what the histogram cannot tell from it: what is exactly
    // at a limit is not above it.
    ms(histogram.lowest_equivalent(histogram.value_at_quantile(quantile)))
}

fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| number(part) / number(all))
}

fn ms(us: u64) -> f64 {
    number(us) / 1_000.0
}

/// A count as a number to divide by. Counts and microseconds of a run are far below 2^53.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 2^53, and a report shows three digits"
)]
pub fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measurements::CacheStatus;

    const RATES: Rates = Rates {
        reads: 10.0,
        likes: 0.0,
        posts: 0.0,
        suggested: 0.0,
        trending: 0.0,
    };

    #[test]
    fn percentiles_are_those_of_the_recorded_values() {
        let recorder = Recorder::new(Duration::from_secs(1)).unwrap();
        for ms in 1..=1_000 {
            let took = Duration::from_millis(ms);
            recorder.took(Measure::Like, took, took / 2);
        }
        let summary = Summary::of(&recorder, &RATES, 1.0);
        let like = summary.latency(Measure::Like).unwrap();
        let near = |found: f64, expected: f64| (found - expected).abs() <= expected * 0.002;
        assert_eq!(like.count, 1_000);
        for (found, expected) in [
            (like.p50, 500.0),
            (like.p90, 900.0),
            (like.p95, 950.0),
            (like.p99, 990.0),
            (like.max, 1_000.0),
            (like.service_p95, 475.0),
        ] {
            assert!(near(found, expected), "{found} {expected}");
        }
    }

    #[test]
    fn nothing_measured_is_nothing_and_not_zero_errors() {
        let recorder = Recorder::new(Duration::from_secs(1)).unwrap();
        let summary = Summary::of(&recorder, &RATES, 1.0);
        assert_eq!(summary.feed.hit_rate, None);
        assert_eq!(summary.errors.rate, None);
        assert_eq!(summary.latency(Measure::FeedHit).unwrap().count, 0);
        assert_eq!(summary.timeline[0].p95, None);
    }

    #[test]
    fn rates_and_shares() {
        let recorder = Recorder::new(Duration::from_secs(4)).unwrap();
        let ms = Duration::from_millis(1);
        recorder.planned(Flow::Reads, 42);
        recorder.ended(1);
        recorder.given_up(1);
        for index in 0..40 {
            let status = if index < 36 {
                CacheStatus::Hit
            } else {
                CacheStatus::Miss
            };
            recorder.request();
            recorder.done(Flow::Reads);
            recorder.read(status, 0, ms, ms);
        }
        recorder.error("feed", "503", 0);
        let summary = Summary::of(&recorder, &RATES, 4.0);
        assert_eq!(summary.feed.hit_rate, Some(0.9));
        assert_eq!(summary.errors.rate, Some(0.025));
        let reads = &summary.rates[0];
        assert_eq!((reads.planned, reads.done), (40, 40));
        assert!((reads.achieved - 10.0).abs() < 1e-9);
        assert_eq!(summary.timeline[0].errors, 1);
    }
}
