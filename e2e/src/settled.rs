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
    for (view, causes, recount) in [
        ("mv_post_metrics_1h", NEW_EVENTS, "post_metrics_1h"),
        (
            "mv_post_engagement",
            COUNTED_HOURS,
            "post_engagement_events",
        ),
    ] {
        let not_recounted = not_recounted(causes, recount);
        let refresh = format!("SYSTEM REFRESH VIEW {view}");
        world.statement(&refresh).await;
        world.statement(&format!("SYSTEM WAIT VIEW {view}")).await;
        wait_until(
            &format!("{view} has recounted"),
            Duration::from_secs(90),
            || async {
                let left = world.number(&not_recounted).await?;
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

/// When events of posts became known.
const NEW_EVENTS: &str = "SELECT post_id, changed_at AS at FROM post_changes WHERE source = 'events' AND changed_at > now() - 300";

/// When the recounts began that counted the hours of posts.
const COUNTED_HOURS: &str =
    "SELECT post_id, at FROM post_recounts WHERE recount = 'post_metrics_1h'";

/// Posts whose last recount began before its last cause.
fn not_recounted(causes: &str, recount: &str) -> String {
    format!(
        "SELECT count() FROM \
         (SELECT post_id, max(at) AS at FROM ({causes}) GROUP BY post_id) AS c \
         LEFT JOIN (SELECT post_id, max(at) AS at FROM post_recounts WHERE recount = '{recount}' GROUP BY post_id) AS r \
         ON r.post_id = c.post_id \
         WHERE r.at <= c.at AND c.post_id IN (SELECT post_id FROM posts_cdc)"
    )
}
