//! Forgets idempotency keys whose clients have long given up.

use std::time::Duration;

use nova_social::Social;

/// How long a key is kept, at least.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
const EVERY: Duration = Duration::from_secs(600);
/// Short transactions: the next batch follows while there are full ones.
const BATCH: u32 = 1_000;

/// Runs for ever. Several processes may do it at once: each takes other rows.
pub(crate) async fn run(social: &Social) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        loop {
            match social.purge_idempotency_keys(KEPT, BATCH).await {
                Ok(purged) if purged == u64::from(BATCH) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "idempotency keys were not purged"
                    );
                    break;
                }
            }
        }
    }
}
