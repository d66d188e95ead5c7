//! Writing likes at a pace.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::course::Counts;
use super::{Likes, Writer};

/// While too much is under way: between two looks at how much that is.
const PAUSE: Duration = Duration::from_millis(2);

/// How fast.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many rows a second.
    PerSecond(f64),
    /// As fast as they arrive: no more than this are under way.
    UnderWay(u64),
    /// As fast as PostgreSQL takes them.
    Unbounded,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Written {
    /// Rows that were not there before.
    pub(crate) rows: u64,
    /// The share of the time that was spent waiting.
    pub(crate) waited: f64,
}

/// Writes transactions of `batch` rows until `done` says so, which is asked between two of them.
pub(crate) async fn write(
    writer: &Writer,
    likes: &mut Likes,
    pace: Pace,
    batch: usize,
    counts: &Counts,
    done: impl Fn() -> bool,
) -> anyhow::Result<Written> {
    let begun = Instant::now();
    let mut waited = Duration::ZERO;
    let mut rows = 0;
    while !done() {
        let waiting = Instant::now();
        match pace {
            Pace::PerSecond(rate) => sleep_until(begun + due(rows, rate)).await,
            Pace::UnderWay(most) => {
                while counts.under_way() >= most && !done() {
                    sleep(PAUSE).await;
                }
            }
            Pace::Unbounded => {}
        }
        waited += waiting.elapsed();
        let next = likes.next(batch);
        anyhow::ensure!(
            !next.is_empty(),
            "every user likes every post: more --posts are needed"
        );
        let new = writer.write(&next).await?;
        counts.give(new);
        rows += new;
    }
    let seconds = begun.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(Written {
        rows,
        waited: waited.as_secs_f64() / seconds,
    })
}

/// When a row is due at a rate, from the beginning.
fn due(row: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(nova_loadtest::summary::number(row) / rate).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_due_at_their_rate() {
        assert_eq!(due(0, 100.0), Duration::ZERO);
        assert_eq!(due(250, 100.0), Duration::from_millis(2_500));
    }
}
