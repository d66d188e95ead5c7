//! Lag of the projector against likes a second, until a hop does not keep up.

mod hop;
mod saturation;
mod step;
mod watch;

use std::time::Duration;

use nova_cache::{Cache, CacheConfig};
use serde::Serialize;

pub use hop::{Backlog, Hop, Passed};
pub use saturation::Saturation;
pub use step::LagStep;

use self::watch::Watch;
use super::stack::Stack;
use crate::pipeline::{Likes, Writer, choose};

/// Single likes a second.
const MARKERS: u32 = 5;
/// After the last rate that was asked for, twice as many so often.
const DOUBLINGS: usize = 4;

/// A late answer of Redis is an answer: the machine may be at its end.
const ANSWERS: Duration = Duration::from_secs(5);

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LagReport {
    /// One for each rate; the last is the first that some hop did not keep up with, if one was found.
    pub steps: Vec<LagStep>,
}

/// What all steps write with.
#[derive(Debug)]
struct Writing {
    writer: Writer,
    likes: Likes,
    cache: Cache,
}

pub(super) async fn measure(stack: &Stack<'_>) -> anyhow::Result<LagReport> {
    let options = stack.options;
    let rates = rates(&options.rates, DOUBLINGS);
    let per_step = usize::try_from(options.step * u64::from(MARKERS))?;
    let writer = Writer::new(stack.pool.clone());
    // Other likes than those of `just bench ingest` with the same seed.
    let seed = options.seed.wrapping_mul(31).wrapping_add(4);
    let users = &stack.people.users;
    let (likes, markers) =
        choose(&writer, users, options.posts, per_step * rates.len(), seed).await?;
    let cache = Cache::new(&CacheConfig {
        response_timeout: ANSWERS,
        ..CacheConfig::new(stack.endpoints.redis.parse()?)
    })?;
    let mut writing = Writing {
        writer,
        likes,
        cache,
    };
    let watch = Watch::new(stack.endpoints).await?;
    let mut steps = Vec::with_capacity(rates.len());
    for (rate, markers) in rates.into_iter().zip(markers.chunks(per_step)) {
        eprintln!("lag: {rate:.0} likes/s");
        let markers = markers.to_vec();
        let step = step::measure(stack, &watch, &mut writing, markers, rate).await?;
        let ends = step.saturation.is_some();
        steps.push(step);
        if ends {
            break;
        }
    }
    Ok(LagReport { steps })
}

impl LagReport {
    /// What was wrong, whatever the speed.
    pub(super) fn failures(&self) -> Vec<String> {
        self.steps.iter().flat_map(LagStep::failures).collect()
    }
}

/// Those asked for, and then twice the one before.
fn rates(asked: &[f64], doublings: usize) -> Vec<f64> {
    let further = std::iter::successors(asked.last().copied(), |rate| Some(rate * 2.0));
    let further = further.skip(1).take(doublings);
    asked.iter().copied().chain(further).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_double_after_the_last() {
        assert_eq!(rates(&[100.0, 300.0], 2), [100.0, 300.0, 600.0, 1_200.0]);
        assert!(rates(&[], 2).is_empty());
    }
}
