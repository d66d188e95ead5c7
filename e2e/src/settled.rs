//! Waiting until nothing moves any more.

use std::time::Duration;

use crate::clock::wait_until;
use crate::kafka::{TOPICS, committed, end_offsets};
use crate::world::World;

/// Waits until all messages are consumed and every recount that they cause is done: the numbers stand still.
///
/// # Panics
/// When that takes longer than 90 seconds for a topic.
pub async fn settled(world: &World) {
    for (topic, name) in TOPICS {
        wait_until(
            &format!("{topic} consumed"),
            Duration::from_secs(90),
            || async {
                let (end, done) = (end_offsets(world, topic), committed(world, topic, name));
                // A partition without messages has nothing to commit.
                if end
                    .iter()
                    .all(|(partition, end)| done.get(partition).copied().unwrap_or(0) == *end)
                {
                    Ok(())
                } else {
                    Err(format!("{done:?} of {end:?}"))
                }
            },
        )
        .await;
    }
    for view in [
        "mv_post_engagement",
        "mv_post_engagement_events",
        "mv_post_metrics_1h",
    ] {
        world
            .statement(&format!("SYSTEM REFRESH VIEW {view}"))
            .await;
        world.statement(&format!("SYSTEM WAIT VIEW {view}")).await;
    }
}
