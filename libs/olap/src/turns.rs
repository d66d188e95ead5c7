//! Whose query goes first: one that somebody waits for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// What the clients of one process know of each other: how many queries are under way that somebody waits for. Cheap to clone;
/// clones are the same.
#[derive(Debug, Clone)]
pub struct Turns {
    awaited: Arc<watch::Sender<usize>>,
}

/// A query that somebody waits for, until it is dropped.
#[derive(Debug)]
pub(crate) struct Awaited<'a>(&'a watch::Sender<usize>);

impl Default for Turns {
    fn default() -> Self {
        Self {
            awaited: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Turns {
    /// Somebody waits for a query from now on.
    pub(crate) fn awaited(&self) -> Awaited<'_> {
        self.awaited.send_modify(|n| *n += 1);
        Awaited(&self.awaited)
    }

    /// Returns once nobody waits for a query, or after `patience`: what gives way has to be answered too.
    pub(crate) async fn give_way(&self, patience: Duration) {
        let mut awaited = self.awaited.subscribe();
        // Either way it is this one's turn.
        let _ = timeout(patience, awaited.wait_for(|n| *n == 0)).await;
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn who_is_not_waited_for_goes_when_nobody_else_is_or_after_a_while() {
        let turns = Turns::default();
        let began = Instant::now();
        turns.give_way(PATIENCE).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits for anything");

        let (first, second) = (turns.awaited(), turns.awaited());
        let others = turns.clone();
        let behind = tokio::spawn(async move {
            others.give_way(PATIENCE).await;
            Instant::now()
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(first);
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(second);
        assert_eq!(behind.await.unwrap() - began, Duration::from_millis(40));

        let _always = turns.awaited();
        let began = Instant::now();
        turns.give_way(PATIENCE).await;
        assert_eq!(began.elapsed(), PATIENCE);
    }
}
