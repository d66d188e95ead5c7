//! Counters that Redis does not have: counted by ClickHouse, and put back.
//!
//! Redis may lose everything at any time. Whoever finds a post without counters asks here; so counters come back exact,
//! and what is unknown is never shown as 0. Only what is read is restored.

use std::collections::HashMap;
use std::time::Duration;

use futures::{join, try_join};
use nova_cache::{Cache, PostRow};
use nova_domain::{EventCounts, PostId};
use nova_olap::{Olap, OlapError};

/// The counters of posts, in their order, and whether they are deleted. Everything is counted by ClickHouse, three
/// queries side by side, and written to Redis with its version, where nothing newer is; what Redis has then is the answer,
/// so that a change the projector has just written is not taken back. When Redis does not answer, the answer is what was
/// counted.
///
/// Cost: the likes, comments and hours with events of the posts; give it a page or two, not thousands.
///
/// # Errors
/// ClickHouse failed or was late; Redis is as it was.
pub async fn restore(
    olap: &Olap,
    cache: &Cache,
    posts: &[PostId],
    deadline: Duration,
) -> Result<Vec<PostRow>, OlapError> {
    let (counts, events, states) = try_join!(
        olap.post_counts(posts, deadline),
        olap.event_counts(posts, deadline),
        olap.post_states(posts, deadline),
    )?;
    // A post without events has none, which is known too.
    let known: HashMap<PostId, EventCounts> = events.iter().map(|one| (one.post, *one)).collect();
    let of = |post: &PostId| known.get(post).copied();
    let events: Vec<EventCounts> = posts
        .iter()
        .map(|post| of(post).unwrap_or(EventCounts::none(*post)))
        .collect();
    let deleted: Vec<(PostId, bool, u64)> = states
        .iter()
        .map(|state| (state.post, state.deleted, state.lsn))
        .collect();
    let written = join!(
        cache.apply_counts(&counts),
        cache.apply_event_counts(&events),
        cache.apply_deleted(&deleted),
    );
    let there = match written {
        (Ok(_), Ok(_), Ok(_)) => cache.counters(posts).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    let states: HashMap<PostId, (bool, u64)> = deleted
        .into_iter()
        .map(|(post, deleted, lsn)| (post, (deleted, lsn)))
        .collect();
    let there = there.into_iter().chain(std::iter::repeat(None));
    Ok(counts
        .iter()
        .zip(&events)
        .zip(there)
        .map(|((counts, events), row)| {
            row.unwrap_or_else(|| PostRow {
                likes: Some(counts.likes),
                comments: Some(counts.comments),
                deleted: states
                    .get(&counts.post)
                    .is_some_and(|(deleted, _)| *deleted),
                shares: Some(events.shares),
                impressions: Some(events.impressions),
                views: Some(events.views),
                version: Some(counts.version),
                events_version: Some(events.version),
                post_version: states.get(&counts.post).map(|(_, lsn)| *lsn),
            })
        })
        .collect())
}
