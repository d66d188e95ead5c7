//! Lets arrivals go when they are due, into one queue for each kind of user.

use std::time::Duration;

use nova_domain::UserId;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use crate::audience::Audience;
use crate::measurements::{Flow, Recorder};
use crate::people::People;
use crate::schedule::{Schedule, Stream};

/// An arrival that is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due<T> {
    /// When it was to come.
    pub(crate) at: Instant,
    /// Since the measured window began; none during the warm-up.
    pub(crate) measured: Option<Duration>,
    pub(crate) what: T,
}

/// A viewer opens or refreshes the feed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) viewer: UserId,
    /// Pages the viewer wants to read.
    pub(crate) pages: u32,
    /// Of everything else the viewer does.
    pub(crate) seed: u64,
}

/// A write that is no reaction within a visit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write {
    /// A like; `viewer` is who likes when nobody wishes to.
    Like { viewer: UserId, seed: u64 },
    /// A post.
    Post { author: UserId },
}

/// A look around.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    Suggested(UserId),
    Trending(UserId),
}

/// Where users wait for what is due. Whoever waits longest gets the next.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    arrivals: Mutex<UnboundedReceiver<Let<T>>>,
    /// What is still here by then is not served any more: servers that cannot keep up would make the run go on and on.
    until: Instant,
}

#[derive(Debug)]
struct Let<T> {
    go: Instant,
    due: Due<T>,
}

impl<T> Queue<T> {
    /// The next arrival; none when there are no more, or it is too late for them. Notes how long it had to wait for a free
    /// user.
    pub(crate) async fn next(&self, recorder: &Recorder) -> Option<Due<T>> {
        let next = self.arrivals.lock().await.recv().await?;
        if Instant::now() >= self.until {
            return None;
        }
        if next.due.measured.is_some() {
            recorder.waited(next.go.elapsed());
        }
        Some(next.due)
    }
}

/// The queues of a run.
#[derive(Debug)]
pub(crate) struct Queues {
    pub(crate) visits: Queue<Visit>,
    pub(crate) writes: Queue<Write>,
    pub(crate) looks: Queue<Look>,
}

/// Fills them. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Pacer {
    visits: UnboundedSender<Let<Visit>>,
    writes: UnboundedSender<Let<Write>>,
    looks: UnboundedSender<Let<Look>>,
}

/// The queues, which are served `until` then, and who fills them. They have no bound: what waits was due, and counts.
pub(crate) fn queues(until: Instant) -> (Pacer, Queues) {
    let (visits, visits_end) = mpsc::unbounded_channel();
    let (writes, writes_end) = mpsc::unbounded_channel();
    let (looks, looks_end) = mpsc::unbounded_channel();
    let pacer = Pacer {
        visits,
        writes,
        looks,
    };
    let queues = Queues {
        visits: queue(visits_end, until),
        writes: queue(writes_end, until),
        looks: queue(looks_end, until),
    };
    (pacer, queues)
}

fn queue<T>(arrivals: UnboundedReceiver<Let<T>>, until: Instant) -> Queue<T> {
    Queue {
        arrivals: Mutex::new(arrivals),
        until,
    }
}

/// What the pacer needs to know of who arrives.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) people: People,
    pub(crate) audience: Audience,
    /// Share of visits that read three pages.
    pub(crate) deeper: f64,
}

impl Crowd {
    fn user(&self, index: usize) -> Option<UserId> {
        self.people.users.get(index).copied()
    }
}

impl Pacer {
    /// Lets every arrival of the schedule go, the first at `begin`. Who it is, is decided here, by the seed: nothing
    /// depends on how the servers answer. Ends early when `stop` says so.
    pub(crate) async fn run(
        self,
        schedule: Schedule,
        mut crowd: Crowd,
        begin: Instant,
        warm_up: Duration,
        recorder: &Recorder,
        stop: impl Fn() -> bool,
    ) {
        for arrival in schedule {
            let at = begin + arrival.at;
            // Half a second at a time, to notice when the run is to stop.
            while Instant::now() < at {
                sleep_until(at.min(Instant::now() + Duration::from_millis(500))).await;
                if stop() {
                    recorder.broken("the run was interrupted");
                    return;
                }
            }
            let measured = arrival.measured.then(|| arrival.at.saturating_sub(warm_up));
            if measured.is_some() {
                recorder.lag(at.elapsed());
            }
            let letting = Letting { at, measured };
            let planned = self.let_go(arrival.stream, &letting, &mut crowd);
            if measured.is_some() {
                recorder.planned(Flow::from(arrival.stream), planned);
            }
        }
    }

    /// How many requests of the flow this is. The receivers live as long as the users, so sending cannot fail while
    /// anybody is there to miss it.
    fn let_go(&self, stream: Stream, letting: &Letting, crowd: &mut Crowd) -> u64 {
        let seed = crowd.audience.seed();
        let person = match stream {
            Stream::Visit => crowd.audience.visitor(),
            _ => crowd.audience.anyone(),
        };
        let Some(user) = crowd.user(person) else {
            return 0;
        };
        match stream {
            Stream::Visit => {
                let pages = if share(seed) < crowd.deeper { 3 } else { 1 };
                let visit = Visit {
                    viewer: user,
                    pages,
                    seed,
                };
                let _ = self.visits.send(letting.of(visit));
                u64::from(pages)
            }
            Stream::Like => {
                let like = Write::Like { viewer: user, seed };
                let _ = self.writes.send(letting.of(like));
                1
            }
            Stream::Post => {
                let _ = self.writes.send(letting.of(Write::Post { author: user }));
                1
            }
            Stream::Suggested => {
                let _ = self.looks.send(letting.of(Look::Suggested(user)));
                1
            }
            Stream::Trending => {
                let _ = self.looks.send(letting.of(Look::Trending(user)));
                1
            }
        }
    }
}

struct Letting {
    at: Instant,
    measured: Option<Duration>,
}

impl Letting {
    fn of<T>(&self, what: T) -> Let<T> {
        Let {
            go: Instant::now(),
            due: Due {
                at: self.at,
                measured: self.measured,
                what,
            },
        }
    }
}

/// A random number as a share, 0 to 1.
fn share(random: u64) -> f64 {
    let top = u32::try_from(random >> 32).unwrap_or(u32::MAX);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use nova_domain::PostId;

    use super::*;
    use crate::schedule::{Phases, Rates};

    fn crowd() -> Crowd {
        Crowd {
            people: People {
                users: (0..40).map(|_| UserId::generate()).collect(),
                posts: vec![PostId::generate()],
                all_posts: 1,
                all_likes: 0,
            },
            audience: Audience::new(40, 10, 5.0, 1).unwrap(),
            deeper: 0.5,
        }
    }

    const PHASES: Phases = Phases {
        ramp: Duration::from_secs(1),
        warm_up: Duration::from_secs(2),
        measured: Duration::from_secs(10),
    };
    const RATES: Rates = Rates {
        reads: 100.0,
        likes: 10.0,
        posts: 1.0,
        suggested: 1.0,
        trending: 1.0,
    };

    #[tokio::test(start_paused = true)]
    async fn everything_of_the_schedule_is_let_go_on_time_though_nobody_takes_it() {
        let begin = Instant::now();
        let (pacer, queues) = queues(begin + Duration::from_secs(3_600));
        let recorder = Recorder::new(PHASES.measured).unwrap();
        let schedule = || Schedule::new(&RATES, 0.5, PHASES, 9);
        pacer
            .run(
                schedule(),
                crowd(),
                begin,
                PHASES.warm_up,
                &recorder,
                || false,
            )
            .await;
        // Nobody was there until now: what counts is when they were due.
        let mut pages = 0;
        let mut dues = Vec::new();
        while let Some(due) = queues.visits.next(&recorder).await {
            pages += if due.measured.is_some() {
                u64::from(due.what.pages)
            } else {
                0
            };
            dues.push(due.at - begin);
        }
        let planned: Vec<Duration> = schedule()
            .filter(|arrival| arrival.stream == Stream::Visit)
            .map(|arrival| arrival.at)
            .collect();
        assert_eq!(dues, planned);
        let state = recorder.state();
        assert_eq!(state.flows[&Flow::Reads].planned, pages);
        assert!(state.lag.max() <= 2_000, "{} µs", state.lag.max());
        assert!(state.waited.max() > 5_000_000, "they waited for a user");
        assert!(state.broken.is_empty(), "{:?}", state.broken);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_too_long_after_the_end_is_not_served_and_missing() {
        let begin = Instant::now();
        let until = begin + PHASES.total() + Duration::from_secs(5);
        let (pacer, queues) = queues(until);
        let recorder = Recorder::new(PHASES.measured).unwrap();
        let schedule = Schedule::new(&RATES, 0.5, PHASES, 9);
        pacer
            .run(schedule, crowd(), begin, PHASES.warm_up, &recorder, || {
                false
            })
            .await;
        assert!(queues.visits.next(&recorder).await.is_some());
        sleep_until(until).await;
        assert!(queues.visits.next(&recorder).await.is_none());
        let summary = crate::summary::Summary::of(&recorder, &RATES, 10.0);
        let breaches = crate::thresholds::judge(&summary, crate::thresholds::Gate::Levels).breaches;
        assert!(
            breaches
                .iter()
                .any(|breach| breach.contains("feed reads were done")),
            "{breaches:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupted_run_is_broken() {
        let begin = Instant::now();
        let (pacer, queues) = queues(begin + Duration::from_secs(3_600));
        let recorder = Recorder::new(PHASES.measured).unwrap();
        let schedule = Schedule::new(&RATES, 0.5, PHASES, 9);
        let stop = || begin.elapsed() > Duration::from_secs(3);
        pacer
            .run(schedule, crowd(), begin, PHASES.warm_up, &recorder, stop)
            .await;
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(recorder.state().broken.len(), 1);
        while queues.visits.next(&recorder).await.is_some() {}
    }

    #[test]
    fn a_share_is_from_nought_to_one() {
        assert!(share(0).abs() < f64::EPSILON);
        assert!((0.999..1.0).contains(&share(u64::MAX)));
    }
}
