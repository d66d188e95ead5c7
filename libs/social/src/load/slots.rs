//! A load writes WAL faster than a connector may follow: it waits for replication slots before they are lost.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::error::LoadError;

/// A slot may hold this much, where nothing limits it: half of the limit otherwise.
const HELD_BYTES: i64 = 2 << 30;

/// How long to wait for a slot that does not move at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(sqlx::FromRow)]
struct Slot {
    slot: String,
    is_lost: bool,
    held_bytes: i64,
    limit_bytes: i64,
}

impl Slot {
    const fn is_behind(&self) -> bool {
        self.held_bytes > self.bound()
    }

    /// What it may hold when something is begun.
    const fn bound(&self) -> i64 {
        let half = self.limit_bytes / 2;
        if self.limit_bytes >= 0 && half < HELD_BYTES {
            half
        } else {
            HELD_BYTES
        }
    }

    /// Whether it outlasts a transaction of so many bytes of WAL, which it holds until that ends.
    const fn affords(&self, bytes: i64) -> bool {
        self.limit_bytes < 0 || self.bound() + bytes <= self.limit_bytes
    }
}

async fn of_this_database(connection: &mut PgConnection) -> sqlx::Result<Vec<Slot>> {
    sqlx::query_as(include_str!("slots.sql"))
        .fetch_all(connection)
        .await
}

/// Refuses what one transaction of so much WAL would cost a slot of this database.
pub(super) async fn afford(connection: &mut PgConnection, bytes: i64) -> Result<(), LoadError> {
    let slots = of_this_database(connection).await?;
    match slots.into_iter().find(|slot| !slot.affords(bytes)) {
        Some(small) => Err(LoadError::SlotSmall {
            needed_bytes: small.bound() + bytes,
            slot: small.slot,
            limit_bytes: small.limit_bytes,
        }),
        None => Ok(()),
    }
}

/// Waits until no slot of this database holds more WAL than it can afford. Returns how long that took.
pub(super) async fn wait(connection: &mut PgConnection) -> Result<Duration, LoadError> {
    let started = Instant::now();
    let mut least = (i64::MAX, Instant::now());
    loop {
        let slots = of_this_database(&mut *connection).await?;
        if let Some(lost) = slots.iter().find(|slot| slot.is_lost) {
            return Err(LoadError::SlotLost {
                slot: lost.slot.clone(),
            });
        }
        let Some(behind) = slots.into_iter().find(Slot::is_behind) else {
            return Ok(started.elapsed());
        };
        if behind.held_bytes < least.0 {
            least = (behind.held_bytes, Instant::now());
        } else if least.1.elapsed() > PATIENCE {
            return Err(LoadError::SlotBehind {
                slot: behind.slot,
                held_bytes: behind.held_bytes,
                waited: least.1.elapsed(),
            });
        }
        // A slot lets go where a list of running transactions stands in the WAL: every 15 s, or when asked for one.
        // Whoever may not ask waits for the 15 s.
        let _may_be_refused = sqlx::query("SELECT pg_log_standby_snapshot()")
            .execute(&mut *connection)
            .await;
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_begins_with_what_the_slot_may_hold_already() {
        let affords = |bytes, limit_bytes| {
            Slot {
                slot: String::new(),
                is_lost: false,
                held_bytes: 0,
                limit_bytes,
            }
            .affords(bytes)
        };
        assert!(affords(500, 1_000) && !affords(501, 1_000));
        assert!(affords(14 << 30, 16 << 30) && !affords((14 << 30) + 1, 16 << 30));
        assert!(affords(i64::MAX / 2, -1));
    }

    #[test]
    fn half_of_the_limit_is_left_to_others() {
        let behind = |held_bytes, limit_bytes| {
            Slot {
                slot: String::new(),
                is_lost: false,
                held_bytes,
                limit_bytes,
            }
            .is_behind()
        };
        assert!(behind(600, 1_000) && !behind(500, 1_000));
        assert!(behind(HELD_BYTES + 1, -1) && !behind(HELD_BYTES, -1));
        assert!(behind(HELD_BYTES + 1, 16 << 30));
    }
}
