//! The exact counts of the candidates: from Redis in one round trip, from ClickHouse where Redis does not know.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nova_cache::{Cache, PostRow};
use nova_domain::{EventCounts, PostCounts, PostId};
use nova_olap::{ExactCounts, MOST_KEYS, PostState};
use nova_ranking::{Counts, Merged};
use tokio::time::Instant;

use crate::asking::Asking;
use crate::budget::Attempt;
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

/// Counts these posts. One round trip to Redis; where it lacks any of a post's numbers, what was recounted last is asked
/// of ClickHouse for exactly those posts, and the facts of those that were not recounted yet. What the facts say is left
/// in Redis for the next ranking.
pub(crate) async fn fetch<P>(asking: &Asking<'_, P>, candidates: &[Merged]) -> Counted {
    let started = Instant::now();
    let posts: Vec<PostId> = candidates.iter().map(|c| c.candidate.post_id).collect();
    let posts = posts.as_slice();
    let mut counted = Counted::nothing();
    if posts.is_empty() {
        return counted;
    }
    let rows = match asking.context.cache {
        None => Vec::new(),
        Some(cache) => {
            let rows = asking.redis(cache.served_counters(posts)).await;
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
        let Asked {
            counts: exact,
            states,
            from_facts,
        } = ask(asking, candidates, &unknown).await;
        counted.clickhouse_took = exact.took;
        let deleted = states.iter().filter(|state| state.deleted);
        counted.deleted.extend(deleted.map(|state| state.post));
        match exact.result {
            Err(outcome) => counted.clickhouse = Err(outcome),
            Ok(exact) => {
                if let (Some(cache), Ok(())) = (asking.context.cache, counted.cache) {
                    let leave = leave(cache, &from_facts, &exact, &states);
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

/// What ClickHouse knows of posts that Redis does not.
struct Asked {
    counts: Attempt<HashMap<PostId, ExactCounts>>,
    /// Of the posts in `from_facts`.
    states: Vec<PostState>,
    /// Posts whose counts are exact. Only these are left in Redis: what stands there is shown.
    from_facts: Vec<PostId>,
}

/// A ranking of the present takes what was recounted last; one of another time, or of a post that was not recounted yet,
/// the facts.
async fn ask<P>(asking: &Asking<'_, P>, candidates: &[Merged], unknown: &[PostId]) -> Asked {
    if !asking.ask.live {
        return ask_facts(asking, unknown.to_vec()).await;
    }
    let recounted = ask_recounted(asking, candidates, unknown).await;
    let Attempt {
        result: Ok(mut counts),
        took,
    } = recounted
    else {
        return Asked {
            counts: recounted,
            states: Vec::new(),
            from_facts: Vec::new(),
        };
    };
    let rest = unknown.iter().filter(|post| !counts.contains_key(post));
    let facts = ask_facts(asking, rest.copied().collect()).await;
    let result = facts.counts.result.map(|facts| {
        counts.extend(facts);
        counts
    });
    Asked {
        counts: Attempt {
            result,
            took: took + facts.counts.took,
        },
        ..facts
    }
}

/// As they were recounted last.
async fn ask_recounted<P>(
    asking: &Asking<'_, P>,
    candidates: &[Merged],
    unknown: &[PostId],
) -> Attempt<HashMap<PostId, ExactCounts>> {
    let unknown: HashSet<&PostId> = unknown.iter().collect();
    let posts = candidates.iter().map(|c| c.candidate);
    let keys: Vec<_> = posts
        .filter(|post| unknown.contains(&post.post_id))
        .map(|post| (post.created_at, post.post_id))
        .collect();
    let (olap, deadline) = (asking.context.olap, asking.budget.for_query());
    let query = async {
        let parts = keys.chunks(MOST_KEYS);
        let parts = parts.map(|part| olap.recounted_counts(part, deadline));
        let parts = futures::future::try_join_all(parts).await?;
        Ok(parts.into_iter().flatten().collect())
    };
    asking.clickhouse(Degraded::Counts, query).await
}

/// From the facts, and whether they are deleted. Without the latter they are what the sources found a moment ago; whoever
/// shows one asks again.
async fn ask_facts<P>(asking: &Asking<'_, P>, posts: Vec<PostId>) -> Asked {
    let (olap, deadline) = (asking.context.olap, asking.budget.for_query());
    let (exact, states) = tokio::join!(
        asking.clickhouse(Degraded::Counts, olap.exact_counts(&posts, deadline)),
        asking.clickhouse(Degraded::Counts, olap.post_states(&posts, deadline)),
    );
    let took = exact.took.max(states.took);
    Asked {
        counts: Attempt { took, ..exact },
        states: states.result.unwrap_or_default(),
        from_facts: posts,
    }
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

    /// Takes over what Redis knows. Whether it knows the post's newest change is no matter here: what is shown asks again.
    /// Gives the posts that it does not know all numbers of: they have those it knows, for
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
            if fields.contains(&None) {
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
        let holes: [fn(&mut PostRow); 4] = [
            |row| row.likes = None,
            |row| row.comments = None,
            |row| row.shares = None,
            |row| row.impressions = None,
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
