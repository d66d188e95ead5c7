//! What was measured: latencies, and what was answered otherwise or not at all.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use nova_loadtest::summary::number;

/// Significant digits of a latency.
const DIGITS: u8 = 3;
/// More than any deadline, in microseconds.
const LONGEST: u64 = 60_000_000;

/// The requests of a run, or of several ([`Run::add`]).
#[derive(Debug, Clone)]
pub struct Run {
    /// From the first request until the last answer.
    pub elapsed: Duration,
    /// Of the requests that count, in microseconds.
    pub latency: Histogram<u64>,
    /// Of requests that count by their kind, in microseconds ([`super::Asked::Kind`]).
    pub kinds: BTreeMap<&'static str, Histogram<u64>>,
    /// Answers of another kind, by kind.
    pub others: BTreeMap<&'static str, u64>,
    /// Requests that failed, by reason.
    pub failures: BTreeMap<String, u64>,
}

impl Run {
    /// Nothing yet.
    ///
    /// # Errors
    /// When there is no memory for a histogram (some 100 kB).
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            elapsed: Duration::ZERO,
            latency: empty()?,
            kinds: BTreeMap::new(),
            others: BTreeMap::new(),
            failures: BTreeMap::new(),
        })
    }

    /// Notes a request that counts.
    pub fn counted(&mut self, took: Duration) {
        self.latency.saturating_record(micros(took));
    }

    /// Notes a request that counts among those of its kind.
    ///
    /// # Errors
    /// When there is no memory for a histogram.
    pub fn kind(&mut self, kind: &'static str, took: Duration) -> anyhow::Result<()> {
        let latency = match self.kinds.entry(kind) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => place.insert(empty()?),
        };
        latency.saturating_record(micros(took));
        Ok(())
    }

    /// Notes a right answer of another kind.
    pub fn other(&mut self, kind: &'static str) {
        *self.others.entry(kind).or_default() += 1;
    }

    /// Notes a failure.
    pub fn failed(&mut self, reason: &str) {
        match self.failures.get_mut(reason) {
            Some(count) => *count += 1,
            None => _ = self.failures.insert(reason.to_owned(), 1),
        }
    }

    /// Takes in what another run measured; their times follow one another.
    ///
    /// # Errors
    /// When the histograms do not fit together, which those of [`Run::new`] do.
    pub fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.elapsed += other.elapsed;
        self.latency.add(&other.latency).context("adding up")?;
        for (kind, latency) in &other.kinds {
            match self.kinds.get_mut(kind) {
                Some(there) => there.add(latency).context("adding up")?,
                None => _ = self.kinds.insert(kind, latency.clone()),
            }
        }
        for (kind, count) in &other.others {
            *self.others.entry(kind).or_default() += count;
        }
        for (reason, count) in &other.failures {
            *self.failures.entry(reason.clone()).or_default() += count;
        }
        Ok(())
    }

    /// Requests that count.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.latency.len()
    }

    /// All requests, whatever became of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        let kinds = self.kinds.values().map(Histogram::len).sum::<u64>();
        self.count()
            + kinds
            + self.others.values().sum::<u64>()
            + self.failures.values().sum::<u64>()
    }

    /// Requests a second that count.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        number(self.count()) / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

fn empty() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).context("making a histogram")
}

fn micros(took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
    micros.clamp(1, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up() {
        let mut first = Run::new().unwrap();
        first.counted(Duration::from_millis(1));
        first.failed("refused");
        first.elapsed = Duration::from_secs(1);
        let mut second = Run::new().unwrap();
        second.counted(Duration::from_millis(3));
        second.counted(Duration::from_secs(3_600));
        second.other("miss");
        second.kind("hit", Duration::from_millis(1)).unwrap();
        second.failed("refused");
        second.elapsed = Duration::from_secs(2);
        first.add(&second).unwrap();
        assert_eq!((first.count(), first.all()), (3, 7));
        assert_eq!(first.kinds["hit"].len(), 1);
        assert_eq!(first.failures["refused"], 2);
        assert!((first.per_second() - 1.0).abs() < 1e-9);
        assert!(first.latency.max() >= LONGEST);
    }
}
