//! What processes use between two moments.

use std::time::Duration;

use anyhow::Context as _;
use nova_loadtest::resources::{Used, Watched, snapshot};
use serde::Serialize;
use tokio::time::Instant;

/// This program, as `Target::processes` names it: what asks, and no server.
pub(crate) const CLIENT: &str = "load generator";

/// Started before something is done, stopped after it.
#[derive(Debug)]
pub struct Meter {
    watched: Vec<Watched>,
    begun: Instant,
    first: Vec<Option<Used>>,
}

/// What all of them used.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// How long that was.
    pub elapsed: Duration,
    /// In the order in which they were named.
    pub processes: Vec<Share>,
}

/// What one of them used, with its children where they were to be counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// As it was named.
    pub name: String,
    /// Seconds of processor time; none of a process that was not there all the time.
    pub cpu_seconds: Option<f64>,
    /// Memory of its own at the end (anonymous pages), in bytes.
    pub memory: Option<u64>,
    /// All resident memory at the end, in bytes ([`Used::resident`]).
    pub resident: Option<u64>,
}

impl Meter {
    /// Begins. Costs some milliseconds of processor time, as [`Meter::stop`] does.
    ///
    /// # Errors
    /// When the runtime ends.
    pub async fn start(watched: Vec<Watched>) -> anyhow::Result<Self> {
        let (watched, first) = look(watched).await?;
        Ok(Self {
            watched,
            begun: Instant::now(),
            first,
        })
    }

    /// Ends.
    ///
    /// # Errors
    /// When the runtime ends.
    pub async fn stop(self) -> anyhow::Result<Spent> {
        let elapsed = self.begun.elapsed();
        let (watched, last) = look(self.watched).await?;
        let pairs = self.first.into_iter().zip(last);
        let shares = watched.into_iter().zip(pairs);
        let share = |(process, (first, last)): (Watched, (Option<Used>, Option<Used>))| Share {
            name: process.name,
            cpu_seconds: first
                .zip(last)
                .and_then(|(first, last)| last.cpu_seconds_since(&first)),
            memory: last.map(|last| last.memory),
            resident: last.map(|last| last.resident),
        };
        Ok(Spent {
            elapsed,
            processes: shares.map(share).collect(),
        })
    }
}

async fn look(watched: Vec<Watched>) -> anyhow::Result<(Vec<Watched>, Vec<Option<Used>>)> {
    let looking = tokio::task::spawn_blocking(move || {
        let seen = snapshot(&watched);
        (watched, seen)
    });
    looking.await.context("reading /proc")
}

impl Spent {
    /// What the process of a name used.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Share> {
        self.processes.iter().find(|share| share.name == name)
    }

    /// Seconds of processor time of all processes but those named; none when one of them is not known.
    #[must_use]
    pub fn cpu_seconds_without(&self, names: &[&str]) -> Option<f64> {
        let counted = self.processes.iter();
        let counted = counted.filter(|share| !names.contains(&share.name.as_str()));
        counted.map(|share| share.cpu_seconds).sum()
    }

    /// Takes in what the same processes used in a later stretch of time: the memory is the latest.
    pub fn add(&mut self, later: &Self) {
        self.elapsed += later.elapsed;
        for (share, later) in self.processes.iter_mut().zip(&later.processes) {
            share.cpu_seconds = share.cpu_seconds.zip(later.cpu_seconds).map(|(a, b)| a + b);
            share.memory = later.memory;
            share.resident = later.resident;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn this() -> Watched {
        Watched {
            name: "this".to_owned(),
            pid: Some(std::process::id()),
            children: false,
        }
    }

    #[tokio::test]
    async fn this_process_is_metered_and_one_that_is_not_there_has_no_numbers() {
        let absent = Watched {
            name: "absent".to_owned(),
            pid: None,
            children: false,
        };
        let meter = Meter::start(vec![this(), absent]).await.unwrap();
        let spent = meter.stop().await.unwrap();
        let own = spent.of("this").unwrap();
        assert!(own.cpu_seconds.is_some());
        assert!(own.memory > Some(0) && own.resident > own.memory);
        assert_eq!(spent.of("absent").unwrap().cpu_seconds, None);
        assert_eq!(spent.cpu_seconds_without(&[]), None);
        assert!(spent.cpu_seconds_without(&["absent"]).is_some());
    }

    #[test]
    fn stretches_add_up() {
        let spent = |cpu_seconds, memory| Spent {
            elapsed: Duration::from_secs(1),
            processes: vec![Share {
                name: "one".to_owned(),
                cpu_seconds,
                memory: Some(memory),
                resident: Some(memory),
            }],
        };
        let mut sum = spent(Some(0.5), 10);
        sum.add(&spent(Some(0.25), 20));
        assert_eq!(sum.cpu_seconds_without(&[]), Some(0.75));
        assert_eq!(sum.of("one").unwrap().memory, Some(20));
        sum.add(&spent(None, 20));
        assert_eq!(sum.cpu_seconds_without(&[]), None);
    }
}
