//! What was done, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// `PUT /users/me`.
    Profile,
    /// `PUT /users/{id}/follow`.
    Follow,
    /// `DELETE /users/{id}/follow`.
    Unfollow,
    /// `POST /posts`.
    Post,
    /// `GET /feed`.
    Feed,
    /// `POST /events`.
    Events,
    /// `PUT /posts/{id}/like`.
    Like,
    /// `POST /posts/{id}/comments`.
    Comment,
}

impl Action {
    /// The word in the summary.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Follow => "follow",
            Self::Unfollow => "unfollow",
            Self::Post => "post",
            Self::Feed => "feed",
            Self::Events => "events",
            Self::Like => "like",
            Self::Comment => "comment",
        }
    }
}

/// The outcomes of one kind of request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Succeeded, at the first try or a later one.
    pub ok: u64,
    /// Tries that were repeated.
    pub retries: u64,
    /// Given up, by what was answered last: a status, or `no answer`.
    pub failed: BTreeMap<String, u64>,
    /// Upper bounds of latency, in powers of 2^(1/4) microseconds, of the tries that succeeded.
    latencies: BTreeMap<u32, u64>,
}

/// Buckets of latency per doubling.
const PER_DOUBLING: f64 = 4.0;

impl Outcomes {
    pub(crate) fn succeeded(&mut self, took: Duration) {
        self.ok += 1;
        let micros = took.as_secs_f64() * 1e6;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the logarithm of a time of 1 µs or more"
        )]
        let bucket = (micros.max(1.0).log2() * PER_DOUBLING).ceil() as u32;
        *self.latencies.entry(bucket).or_default() += 1;
    }

    /// A latency that this share (0 to 1) of the successful tries did not exceed, up to 19 % too high.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.latencies.values().sum();
        let mut seen = 0;
        for (bucket, count) in &self.latencies {
            seen += count;
            #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
            let reached = seen as f64 >= share * all as f64;
            if reached {
                let micros = (f64::from(*bucket) / PER_DOUBLING).exp2();
                return Some(Duration::from_secs_f64(micros / 1e6));
            }
        }
        None
    }
}

/// The result of a simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SimulateSummary {
    /// By kind of request.
    pub actions: BTreeMap<Action, Outcomes>,
    /// Events sent within the `events` requests, by type.
    pub events: BTreeMap<&'static str, u64>,
    /// From start to stop.
    pub took: Duration,
}

impl SimulateSummary {
    /// Successful requests of all kinds.
    #[must_use]
    pub fn succeeded(&self) -> u64 {
        self.actions.values().map(|o| o.ok).sum()
    }

    /// Requests given up.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.actions.values().flat_map(|o| o.failed.values()).sum()
    }

    /// Requests of one kind that succeeded.
    #[must_use]
    pub fn ok(&self, action: Action) -> u64 {
        self.actions.get(&action).map_or(0, |o| o.ok)
    }
}

impl fmt::Display for SimulateSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10}{:>10}{:>9}{:>9}{:>11}{:>11}",
            "action", "ok", "failed", "retries", "p50 ms", "p95 ms"
        )?;
        for (action, o) in &self.actions {
            let ms = |share| {
                o.quantile(share).map_or_else(
                    || "-".to_owned(),
                    |d| format!("{:.1}", d.as_secs_f64() * 1e3),
                )
            };
            writeln!(
                f,
                "{:<10}{:>10}{:>9}{:>9}{:>11}{:>11}",
                action.as_str(),
                o.ok,
                o.failed.values().sum::<u64>(),
                o.retries,
                ms(0.5),
                ms(0.95)
            )?;
        }
        for (action, o) in &self.actions {
            for (why, count) in &o.failed {
                writeln!(f, "failed: {count} of {}: {why}", action.as_str())?;
            }
        }
        if !self.events.is_empty() {
            let told: Vec<_> = self
                .events
                .iter()
                .map(|(t, n)| format!("{n} {t}"))
                .collect();
            writeln!(f, "events: {}", told.join(", "))?;
        }
        let seconds = self.took.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.succeeded() as f64 / seconds.max(0.001);
        write!(
            f,
            "{} requests in {seconds:.1} s, {rate:.0} a second",
            self.succeeded()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_close_from_above() {
        let mut outcomes = Outcomes::default();
        assert_eq!(outcomes.quantile(0.5), None);
        for ms in 1..=100 {
            outcomes.succeeded(Duration::from_millis(ms));
        }
        for (share, exact) in [(0.5, 50.0), (0.95, 95.0), (1.0, 100.0)] {
            let found = outcomes.quantile(share).unwrap().as_secs_f64() * 1e3;
            assert!(
                (exact - 0.001..=exact * 1.2).contains(&found),
                "{share}: {found}"
            );
        }
    }
}
