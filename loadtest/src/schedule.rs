//! When something arrives: decided before the run, whatever the servers do.
//!
//! Each stream is a Poisson process: people do not agree on when to open the app, so arrivals come in bursts, and a
//! queue that only evenly spaced requests would spare shows. A pure function of the rates and the seed.

use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp1};

/// What the rate is when the ramp begins, as a share of the full rate.
const RAMP_FROM: f64 = 0.02;

/// What arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// A viewer opens or refreshes the feed.
    Visit,
    /// Somebody likes a post.
    Like,
    /// Somebody posts.
    Post,
    /// Somebody asks for users to follow.
    Suggested,
    /// Somebody asks what is trending.
    Trending,
}

impl Stream {
    /// Every stream.
    pub const ALL: [Self; 5] = [
        Self::Visit,
        Self::Like,
        Self::Post,
        Self::Suggested,
        Self::Trending,
    ];
}

/// How much arrives, in arrivals per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Feed reads; a visit is several ([`Rates::visits`]).
    pub reads: f64,
    /// Likes.
    pub likes: f64,
    /// Posts.
    pub posts: f64,
    /// Requests for suggested users.
    pub suggested: f64,
    /// Requests for trending posts.
    pub trending: f64,
}

impl Rates {
    /// Visits per second that make up the feed reads, when a share `deeper` of them reads three pages instead of one.
    #[must_use]
    pub fn visits(&self, deeper: f64) -> f64 {
        self.reads / reads_per_visit(deeper)
    }

    fn of(&self, stream: Stream, deeper: f64) -> f64 {
        match stream {
            Stream::Visit => self.visits(deeper),
            Stream::Like => self.likes,
            Stream::Post => self.posts,
            Stream::Suggested => self.suggested,
            Stream::Trending => self.trending,
        }
    }
}

/// Pages of a visit, on average.
#[must_use]
pub fn reads_per_visit(deeper: f64) -> f64 {
    1.0 + 2.0 * deeper
}

/// How long the parts of a run take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phases {
    /// At the beginning of the warm-up the rates grow from a fiftieth to all of it: whoever comes first has no ranking yet, and empty
    /// caches are not to be filled at once.
    pub ramp: Duration,
    /// Before anything is measured, the ramp included.
    pub warm_up: Duration,
    /// What counts.
    pub measured: Duration,
}

impl Phases {
    /// From the first arrival to the last.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.warm_up + self.measured
    }
}

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Since the beginning of the run.
    pub at: Duration,
    /// Of what.
    pub stream: Stream,
    /// Whether it falls after the warm-up.
    pub measured: bool,
}

/// All arrivals of a run, in order of time.
#[derive(Debug)]
pub struct Schedule {
    phases: Phases,
    streams: Vec<Process>,
}

impl Schedule {
    /// A stream of rate 0 has no arrivals. `deeper` as in [`Rates::visits`].
    #[must_use]
    pub fn new(rates: &Rates, deeper: f64, phases: Phases, seed: u64) -> Self {
        let streams = Stream::ALL.into_iter().zip(0_u64..);
        let streams = streams
            .map(|(stream, index)| (stream, rates.of(stream, deeper), index))
            .filter(|(_, rate, _)| *rate > 0.0)
            .map(|(stream, rate, index)| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(index);
                let mut process = Process {
                    stream,
                    rate,
                    work: 0.0,
                    next: Duration::ZERO,
                    rng,
                };
                process.advance(phases.ramp);
                process
            });
        Self {
            phases,
            streams: streams.collect(),
        }
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let process = self.streams.iter_mut().min_by_key(|process| process.next)?;
        let at = process.next;
        if at >= self.phases.total() {
            return None;
        }
        process.advance(self.phases.ramp);
        Some(Arrival {
            at,
            stream: process.stream,
            measured: at >= self.phases.warm_up,
        })
    }
}

/// A Poisson process whose rate grows during the ramp.
#[derive(Debug)]
struct Process {
    stream: Stream,
    /// Per second, after the ramp.
    rate: f64,
    /// Seconds at the full rate that would have brought as many arrivals.
    work: f64,
    next: Duration,
    rng: ChaCha8Rng,
}

impl Process {
    fn advance(&mut self, ramp: Duration) {
        let gap: f64 = Exp1.sample(&mut self.rng);
        self.work += gap / self.rate;
        self.next = Duration::from_secs_f64(time_of(self.work, ramp.as_secs_f64()));
    }
}

/// When so much work is done, in seconds: the inverse of the integral of the rate's course.
fn time_of(work: f64, ramp: f64) -> f64 {
    let slope = 1.0 - RAMP_FROM;
    let work_of_ramp = ramp * (RAMP_FROM + slope / 2.0);
    if ramp <= 0.0 || work >= work_of_ramp {
        return ramp + (work - work_of_ramp);
    }
    // work = RAMP_FROM t + slope t² / (2 ramp)
    let a = slope / (2.0 * ramp);
    (-RAMP_FROM + (RAMP_FROM * RAMP_FROM + 4.0 * a * work).sqrt()) / (2.0 * a)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATES: Rates = Rates {
        reads: 200.0,
        likes: 20.0,
        posts: 2.0,
        suggested: 2.0,
        trending: 0.0,
    };
    const PHASES: Phases = Phases {
        ramp: Duration::from_secs(30),
        warm_up: Duration::from_secs(60),
        measured: Duration::from_secs(600),
    };

    fn measured(stream: Stream) -> f64 {
        let schedule = Schedule::new(&RATES, 0.3, PHASES, 1);
        let count = schedule
            .filter(|arrival| arrival.measured && arrival.stream == stream)
            .count();
        f64::from(u32::try_from(count).unwrap()) / PHASES.measured.as_secs_f64()
    }

    #[test]
    fn each_stream_arrives_at_its_rate() {
        for (stream, rate) in [
            (Stream::Visit, 125.0),
            (Stream::Like, 20.0),
            (Stream::Post, 2.0),
            (Stream::Trending, 0.0),
        ] {
            let found = measured(stream);
            // Four standard deviations of a count.
            let tolerance = 4.0 * (rate / 600.0_f64).sqrt();
            assert!((found - rate).abs() <= tolerance, "{stream:?}: {found}");
        }
    }

    #[test]
    fn the_ramp_grows_from_a_tenth_and_then_the_rate_is_full() {
        let schedule = Schedule::new(&RATES, 0.0, PHASES, 7);
        let visits: Vec<f64> = schedule
            .filter(|arrival| arrival.stream == Stream::Visit)
            .map(|arrival| arrival.at.as_secs_f64())
            .collect();
        let per_second = |from: f64, to: f64| {
            let count = visits.iter().filter(|at| (from..to).contains(*at)).count();
            f64::from(u32::try_from(count).unwrap()) / (to - from)
        };
        let (begin, middle, after) = (
            per_second(0.0, 3.0),
            per_second(14.0, 16.0),
            per_second(30.0, 60.0),
        );
        assert!((10.0..60.0).contains(&begin), "{begin}");
        assert!((85.0..140.0).contains(&middle), "{middle}");
        assert!((185.0..215.0).contains(&after), "{after}");
    }

    #[test]
    fn gaps_vary_as_those_of_a_poisson_process() {
        let schedule = Schedule::new(&RATES, 0.0, PHASES, 3);
        let at: Vec<f64> = schedule
            .filter(|arrival| arrival.stream == Stream::Like && arrival.measured)
            .map(|arrival| arrival.at.as_secs_f64())
            .collect();
        let gaps: Vec<f64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let n = f64::from(u32::try_from(gaps.len()).unwrap());
        let mean = gaps.iter().sum::<f64>() / n;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!(
            (0.9..1.1).contains(&(deviation / mean)),
            "{deviation} {mean}"
        );
    }

    #[test]
    fn a_seed_is_a_schedule() {
        let arrivals =
            |seed| -> Vec<Arrival> { Schedule::new(&RATES, 0.3, PHASES, seed).take(500).collect() };
        assert_eq!(arrivals(5), arrivals(5));
        assert_ne!(arrivals(5), arrivals(6));
    }

    proptest! {
        #[test]
        fn arrivals_are_in_order_within_the_run_and_marked(
            seed in any::<u64>(), ramp in 0_u64..5, warm_up in 5_u64..9, measured in 0_u64..9,
        ) {
            let phases = Phases {
                ramp: Duration::from_secs(ramp),
                warm_up: Duration::from_secs(warm_up),
                measured: Duration::from_secs(measured),
            };
            let mut last = Duration::ZERO;
            for arrival in Schedule::new(&RATES, 0.3, phases, seed) {
                prop_assert!(arrival.at >= last && arrival.at < phases.total());
                prop_assert_eq!(arrival.measured, arrival.at >= phases.warm_up);
                last = arrival.at;
            }
        }
    }
}
