//! Gives ClickHouse a new consumer of Kafka where one has lost its brokers for good.
//!
//! A broker that comes back after its session was over may tell clients that there are no brokers. The client library of
//! ClickHouse (librdkafka from 2.12 on) forgets all it knew then, and sometimes cancels its own return to the bootstrap
//! brokers: the consumer polls on and is in no group, until its table is attached anew
//! (docs/decisions/0027-a-consumer-that-lost-its-brokers-is-made-anew.md).

use std::collections::HashMap;
use std::time::Duration;

use nova_olap::{Olap, OlapError, schema};
use nova_runtime::Shutdown;
use nova_stream::topics;
use tokio::time::Instant;

use crate::metrics as names;

const EVERY: Duration = Duration::from_secs(3);
const LOOK_DEADLINE: Duration = Duration::from_secs(5);
/// A table is detached when its consumer has ended; one that cannot reach its brokers takes its time.
const RESTART_DEADLINE: Duration = Duration::from_secs(60);

/// A consumer in no group for this long, with a broker there all the while, is made anew. One that still knows its brokers
/// connects within a second and joins again; a group without members waits another three for more of them.
const FIRST: Duration = Duration::from_secs(9);
/// The time doubles up to this while making it anew does not help.
const LONGEST: Duration = Duration::from_secs(300);

/// Looks again and again until the signal to stop. While ClickHouse or Kafka is down it does nothing.
pub(crate) async fn run(olap: Olap, brokers: &str, shutdown: Shutdown) {
    let mut waits = Waits {
        // Whoever did this before may have ended between detaching and attaching.
        detached: schema::consumers().into_iter().map(str::to_owned).collect(),
        ..Waits::default()
    };
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        // Not cut off by the signal to stop, so that no table stays detached; one that does is attached by the next start.
        if let Err(error) = look(&olap, brokers, &mut waits).await {
            tracing::debug!(%error, "looking after ClickHouse's consumers");
            waits.begin_again(Instant::now());
        }
    }
}

async fn look(olap: &Olap, brokers: &str, waits: &mut Waits) -> Result<(), OlapError> {
    let not_attached = attach(olap, waits).await;
    let lost = olap.consumers_in_no_group(LOOK_DEADLINE).await?;
    metrics::gauge!(names::CONSUMERS_IN_NO_GROUP)
        .set(f64::from(u32::try_from(lost.len()).unwrap_or(u32::MAX)));
    if let Some(error) = not_attached {
        tracing::warn!(tables = ?waits.detached, %error, "consumers of ClickHouse could not be attached");
    }
    let due = waits.due(&lost, Instant::now());
    // Without a broker a new consumer would be in no group either.
    if !lost.is_empty() && !topics::reachable(brokers, LOOK_DEADLINE).await {
        waits.begin_again(Instant::now());
        return Ok(());
    }
    for table in due {
        tracing::warn!(
            table,
            "a consumer of ClickHouse is in no group and is made anew"
        );
        waits.restarted(&table, Instant::now());
        match olap.restart_consumer(&table, RESTART_DEADLINE).await {
            Ok(()) => {
                metrics::counter!(names::CONSUMERS_RESTARTED, "table" => table).increment(1);
            }
            Err(error) => {
                tracing::warn!(table, %error, "it could not be made anew");
                waits.detached.push(table);
            }
        }
    }
    Ok(())
}

/// Attaches what may be detached, all at once. What could not be is tried again by the next look; gives one of the reasons.
async fn attach(olap: &Olap, waits: &mut Waits) -> Option<OlapError> {
    let tables = std::mem::take(&mut waits.detached);
    let attached = tables
        .iter()
        .map(|table| olap.attach_consumer(table, LOOK_DEADLINE));
    let attached = futures::future::join_all(attached).await;
    let mut reason = None;
    for (table, attached) in tables.into_iter().zip(attached) {
        if let Err(error) = attached {
            waits.detached.push(table);
            reason = Some(error);
        }
    }
    reason
}

/// Since when each table's consumer is in no group, and how long it may be.
#[derive(Debug, Default)]
struct Waits {
    tables: HashMap<String, Wait>,
    /// Tables that may be detached yet.
    detached: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    since: Instant,
    patience: Duration,
}

impl Waits {
    /// Which of the consumers in no group have been so for too long. Those that joined one are forgotten.
    fn due(&mut self, lost: &[String], now: Instant) -> Vec<String> {
        self.tables.retain(|table, _| lost.contains(table));
        let mut due = Vec::new();
        for table in lost {
            let wait = self.tables.entry(table.clone()).or_insert(Wait {
                since: now,
                patience: FIRST,
            });
            if now - wait.since >= wait.patience {
                due.push(table.clone());
            }
        }
        due
    }

    /// No broker is there, or nobody could look: whatever is in no group is not to blame.
    fn begin_again(&mut self, now: Instant) {
        for wait in self.tables.values_mut() {
            wait.since = now;
        }
    }

    fn restarted(&mut self, table: &str, now: Instant) {
        if let Some(wait) = self.tables.get_mut(table) {
            wait.since = now;
            wait.patience = (wait.patience * 2).min(LONGEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_is_due_after_a_while_in_no_group_and_then_less_and_less_often() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let lost = ["likes_kafka".to_owned()];
        let mut waits = Waits::default();
        assert!(waits.due(&lost, at(0)).is_empty());
        assert!(waits.due(&lost, at(8)).is_empty());
        assert_eq!(waits.due(&lost, at(9)), lost);
        assert_eq!(waits.due(&lost, at(12)), lost, "it was not made anew yet");
        waits.restarted("likes_kafka", at(12));
        assert!(waits.due(&lost, at(29)).is_empty());
        assert_eq!(waits.due(&lost, at(30)), lost);
        for _ in 0..10 {
            waits.restarted("likes_kafka", at(30));
        }
        assert!(waits.due(&lost, at(30 + 299)).is_empty());
        assert_eq!(waits.due(&lost, at(30 + 300)), lost);
        // It joined, and is lost again.
        assert!(waits.due(&[], at(400)).is_empty());
        assert!(waits.due(&lost, at(401)).is_empty());
        assert_eq!(waits.due(&lost, at(410)), lost);
    }

    #[test]
    fn time_without_a_broker_does_not_count() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let lost = ["likes_kafka".to_owned()];
        let mut waits = Waits::default();
        assert!(waits.due(&lost, at(0)).is_empty());
        waits.begin_again(at(20));
        assert!(waits.due(&lost, at(28)).is_empty());
        assert_eq!(waits.due(&lost, at(29)), lost);
        // Being patient with one that was made anew in vain is not forgotten.
        waits.restarted("likes_kafka", at(29));
        waits.begin_again(at(40));
        assert!(waits.due(&lost, at(57)).is_empty());
        assert_eq!(waits.due(&lost, at(58)), lost);
    }
}
