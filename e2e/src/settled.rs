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
    // In this order: the second adds up what the first counts. Where very many posts had events, those counted a moment ago
    // rest before they are counted again.
    for (view, left) in [
        ("mv_post_metrics_1h", EVENTS_TO_COUNT),
        ("mv_post_engagement", POSTS_TO_RECOUNT),
    ] {
        let refresh = format!("SYSTEM REFRESH VIEW {view}");
        world.statement(&refresh).await;
        world.statement(&format!("SYSTEM WAIT VIEW {view}")).await;
        wait_until(
            &format!("{view} has recounted"),
            Duration::from_secs(90),
            || async {
                let left = world.number(left).await?;
                if left == 0 {
                    return Ok(());
                }
                world.statement(&refresh).await;
                Err(format!("{left} posts to be recounted"))
            },
        )
        .await;
    }
}

/// Posts with events that became known after their last recount of hours began.
const EVENTS_TO_COUNT: &str = "SELECT count() FROM \
     (SELECT post_id, max(changed_at) AS at FROM post_changes WHERE source = 'events' AND changed_at > now() - 300 GROUP BY post_id) AS c \
     LEFT JOIN (SELECT post_id, max(at) AS at FROM post_recounts WHERE recount = 'post_metrics_1h' GROUP BY post_id) AS r \
     ON r.post_id = c.post_id \
     WHERE r.at <= c.at AND c.post_id IN (SELECT post_id FROM posts_cdc)";

/// Posts whose last recount began before their hours were counted.
const POSTS_TO_RECOUNT: &str = "SELECT count() FROM \
     (SELECT post_id, max(at) AS at FROM post_recounts WHERE recount = 'post_metrics_1h' GROUP BY post_id) AS c \
     LEFT JOIN (SELECT post_id, max(at) AS at FROM post_recounts WHERE recount = 'post_engagement_events' GROUP BY post_id) AS r \
     ON r.post_id = c.post_id \
     WHERE r.at <= c.at AND c.post_id IN (SELECT post_id FROM posts_cdc)";
