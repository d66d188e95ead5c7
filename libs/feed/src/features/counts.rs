//! The exact counts of the candidates: from Redis in one round trip, from ClickHouse where Redis does not know.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nova_cache::{Cache, PostRow};
use nova_domain::{EventCounts, PostCounts, PostId};
use nova_olap::{ExactCounts, PostState};
use nova_ranking::Counts;
use tokio::time::Instant;

use crate::asking::Asking;
use crate::trace::{CountsTrace, Degraded, Outcome};

/// What is known of the candidates.
#[derive(Debug)]
pub(crate) struct Counted {
    /// A post that is missing has none: nobody has touched it. Where [`Counted::clickhouse`] failed it may only be
    /// unknown.
    pub(crate) counts: HashMap<PostId, Counts>,
    /// Posts that Redis, or ClickHouse where it was asked, knows to be deleted.
    pub(crate) deleted: HashSet<PostId>,
    /// How Redis answered; fine when there is none.
    pub(crate) cache: Result<(), Outcome>,
    /// How ClickHouse answered, where it was asked.
    pub(crate) clickhouse: Result<(), Outcome>,
    pub(crate) trace: CountsTrace,
    /// All of it.
    pub(crate) took: Duration,
    /// ClickHouse's part.
    pub(crate) clickhouse_took: Duration,
}

/// Counts these posts. One round trip to Redis; where it lacks any of a post's numbers, or whether it is deleted, two
/// queries to ClickHouse side by side for exactly those posts, and what they say is left in Redis for the next ranking.
pub(crate) async fn fetch<P>(asking: &Asking<'_, P>, posts: &[PostId]) -> Counted {
    let started = Instant::now();
    let mut counted = Counted::nothing();
    if posts.is_empty() {
        return counted;
    }
    let rows = match asking.context.cache {
        None => Vec::new(),
        Some(cache) => {
            let rows = asking.redis(cache.counters(posts)).await;
            counted.cache = rows.result.as_ref().map(drop).map_err(|outcome| *outcome);
            rows.result.unwrap_or_default()
        }
    };
    let unknown = counted.take(posts, &rows);
    counted.trace = CountsTrace {
        redis: posts.len() - unknown.len(),
        clickhouse: unknown.len(),
    };
    if !unknown.is_empty() {
        let (olap, deadline) = (asking.context.olap, asking.budget.for_query());
        let (exact, states) = tokio::join!(
            asking.clickhouse(Degraded::Counts, olap.exact_counts(&unknown, deadline)),
            asking.clickhouse(Degraded::Counts, olap.post_states(&unknown, deadline)),
        );
        counted.clickhouse_took = exact.took.max(states.took);
        // Without them the candidates are what the sources found a moment ago; whoever shows one asks again.
        let states = states.result.unwrap_or_default();
        let deleted = states.iter().filter(|state| state.deleted);
        counted.deleted.extend(deleted.map(|state| state.post));
        match exact.result {
            Err(outcome) => counted.clickhouse = Err(outcome),
            Ok(exact) => {
                if let (Some(cache), Ok(())) = (asking.context.cache, counted.cache) {
                    let leave = leave(cache, &unknown, &exact, &states);
                    asking.redis(leave).await;
                }
                // What Redis had of these posts is not mixed in: the numbers of a post are of one time.
                for post in &unknown {
                    let exact = exact.get(post).copied().unwrap_or_default();
                    counted.counts.insert(*post, exact.counts);
                }
            }
        }
    }
    counted.took = started.elapsed();
    counted
}

impl Counted {
    fn nothing() -> Self {
        Self {
            counts: HashMap::new(),
            deleted: HashSet::new(),
            cache: Ok(()),
            clickhouse: Ok(()),
            trace: CountsTrace::default(),
            took: Duration::ZERO,
            clickhouse_took: Duration::ZERO,
        }
    }

    /// Takes over what Redis knows. Gives the posts that it does not know all numbers of: they have those it knows, for
    /// when nobody knows more.
    fn take(&mut self, posts: &[PostId], rows: &[Option<PostRow>]) -> Vec<PostId> {
        let mut unknown = Vec::new();
        let rows = rows.iter().map(Option::as_ref);
        for (post, row) in posts.iter().zip(rows.chain(std::iter::repeat(None))) {
            let Some(row) = row else {
                unknown.push(*post);
                continue;
            };
            if row.deleted {
                self.deleted.insert(*post);
            }
            let fields = [row.likes, row.comments, row.shares, row.impressions];
            if fields.contains(&None) || row.post_version.is_none() {
                unknown.push(*post);
            }
            let [likes, comments, shares, impressions] = fields.map(Option::unwrap_or_default);
            let counts = Counts {
                likes,
                comments,
                shares,
                impressions,
            };
            self.counts.insert(*post, counts);
        }
        unknown
    }
}

/// Leaves counts in Redis under the lowest version there is: they stand only where there is nothing, and whatever the
/// projector writes before or after replaces them. So a Redis that lost everything is asked in vain once, and a post
/// that nobody has touched is known as such.
async fn leave(
    cache: &Cache,
    posts: &[PostId],
    exact: &HashMap<PostId, ExactCounts>,
    states: &[PostState],
) -> Result<(), nova_cache::CacheError> {
    let of = |post: &PostId| exact.get(post).copied().unwrap_or_default();
    let counts: Vec<PostCounts> = posts
        .iter()
        .map(|post| PostCounts {
            post: *post,
            likes: of(post).counts.likes,
            comments: of(post).counts.comments,
            version: 0,
        })
        .collect();
    let events: Vec<EventCounts> = posts
        .iter()
        .map(|post| EventCounts {
            post: *post,
            shares: of(post).counts.shares,
            impressions: of(post).counts.impressions,
            views: of(post).views,
            version: 0,
        })
        .collect();
    let states: Vec<_> = states
        .iter()
        .map(|state| (state.post, state.deleted, state.lsn))
        .collect();
    tokio::try_join!(
        cache.apply_counts(&counts),
        cache.apply_event_counts(&events),
        cache.apply_deleted(&states),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn post(n: u128) -> PostId {
        PostId::new(Uuid::from_u128(n))
    }

    #[test]
    fn a_post_without_one_of_its_numbers_is_unknown() {
        let whole = PostRow {
            likes: Some(4),
            comments: Some(3),
            shares: Some(2),
            impressions: Some(1),
            post_version: Some(1),
            ..PostRow::default()
        };
        let holes: [fn(&mut PostRow); 5] = [
            |row| row.likes = None,
            |row| row.comments = None,
            |row| row.shares = None,
            |row| row.impressions = None,
            |row| row.post_version = None,
        ];
        for hole in holes {
            let mut row = whole;
            hole(&mut row);
            let mut counted = Counted::nothing();
            let unknown = counted.take(&[post(1), post(2)], &[Some(row), Some(whole)]);
            assert_eq!(unknown, [post(1)]);
            assert_eq!(counted.counts.len(), 2);
        }
        // Views are in no score.
        let mut counted = Counted::nothing();
        assert!(counted.take(&[post(1)], &[Some(whole)]).is_empty());
        let likes = counted.counts[&post(1)].likes;
        assert_eq!(likes, 4);
    }

    #[test]
    fn without_redis_all_are_unknown_and_deleted_ones_are_noted_with_it() {
        let posts = [post(1), post(2)];
        let mut counted = Counted::nothing();
        assert_eq!(counted.take(&posts, &[]), posts);
        assert!(counted.counts.is_empty());
        let gone = PostRow {
            deleted: true,
            ..PostRow::default()
        };
        assert_eq!(counted.take(&posts, &[None, Some(gone)]), posts);
        assert_eq!(counted.deleted, HashSet::from([post(2)]));
    }
}
