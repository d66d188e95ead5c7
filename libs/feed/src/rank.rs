//! The ranking: from a viewer to the ordered list of everything that viewer may be shown.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nova_domain::{PostId, UserId};
use nova_olap::Interactions;
use nova_ranking::{Features, Merged, Ranked, Terms, age_hours, diversify, merge, order};
use nova_social::Verdicts;
use tokio::time::Instant;

use crate::asking::Asking;
use crate::budget::{Attempt, Budget};
use crate::config::FeedConfig;
use crate::error::Unavailable;
use crate::features::counts::{self, Counted};
use crate::filters::permission::Permission;
use crate::filters::{blocked, deleted, own, seen, visibility};
use crate::posts::Posts;
use crate::rank_types::{Ask, RankContext, RankedFeed, RankedItem};
use crate::sources::{self, Found};
use crate::timings::Timings;
use crate::trace::{Degraded, DiversityTrace, RankingTrace};

/// Ranks a viewer's feed: sources in parallel, merge, the viewer's own posts out, exact counts beside what PostgreSQL
/// lets the viewer see, score, what was seen lately to the end, no author too often in a row.
///
/// What cannot be had is left out and named in [`RankedFeed::degraded`]. Without PostgreSQL the ranking keeps to what is
/// safe; see `filters/permission.rs`.
///
/// # Errors
/// [`Unavailable::Sources`] when all three sources failed, or some did and the others had nothing that may be shown: there may be
/// a better answer than an empty feed.
pub async fn rank<P: Posts>(
    context: &RankContext<'_, P>,
    ask: &Ask<'_>,
    budget: &Budget,
) -> Result<RankedFeed, Unavailable> {
    let asking = &Asking {
        context,
        ask,
        budget,
    };
    let started = Instant::now();
    // Six queries in flight are 30 kB of state: on the heap, not in every caller's future.
    let found = Box::pin(sources::collect(asking)).await;
    if found.all_sources_failed() {
        return Err(Unavailable::Sources);
    }
    let first_stage = started.elapsed();

    let mut merged = merge(found.lists());
    let mut trace = RankingTrace {
        sources: found.traces(),
        merged: merged.len(),
        ..RankingTrace::default()
    };
    if context.config.filters.own {
        trace.filters.push(own::apply(&mut merged, ask.viewer));
    }
    let ids: Vec<PostId> = merged.iter().map(|post| post.candidate.post_id).collect();
    let (verdicts, counted) = tokio::join!(
        verdicts(asking, &found, &ids),
        counts::fetch(asking, &merged)
    );
    trace.counts = counted.trace;

    let mut degraded = found.degraded();
    left_out(&mut degraded, &verdicts, &counted);
    let mut guess = None;
    if verdicts.result.is_err() {
        guess = Some(kept_blocks(asking, &counted, &mut degraded).await);
    }
    let permission = match &verdicts.result {
        Ok(verdicts) => Permission::given(ask.overlay, verdicts),
        Err(_) => Permission::guessed(ask.overlay, guess.flatten(), &counted.deleted),
    };
    trace.filters.push(blocked::apply(&mut merged, &permission));
    trace
        .filters
        .push(visibility::apply(&mut merged, &permission));
    trace.filters.push(deleted::apply(&mut merged, &permission));

    let scored = score(&merged, &found, &counted, asking);
    let mut items = items(scored, &merged, &permission);
    let seen = found
        .seen
        .as_ref()
        .and_then(|seen| seen.result.as_ref().ok());
    let unseen = see(&mut items, seen, &mut trace);
    let lacks_a_source = degraded.iter().any(|d| matches!(d, Degraded::Source(_)));
    if items.is_empty() && lacks_a_source {
        return Err(Unavailable::Sources);
    }
    let items = spread(items, unseen, context.config, &mut trace);
    trace.ranked = items.len();
    let timings = timings(&found, first_stage, &verdicts, &counted);
    Ok(RankedFeed {
        items,
        degraded,
        trace,
        timings,
        blocks: verdicts.result.ok().and_then(|verdicts| verdicts.blocks),
    })
}

/// What the viewer may see. PostgreSQL is not asked when it has not answered the first stage: there is no time to wait
/// for it twice.
async fn verdicts<P: Posts>(
    asking: &Asking<'_, P>,
    found: &Found,
    posts: &[PostId],
) -> Attempt<Verdicts> {
    if let Err(outcome) = found.new_follows {
        return Attempt {
            result: Err(outcome),
            took: Duration::ZERO,
        };
    }
    let verdicts = asking.context.posts.verdicts(asking.ask.viewer, posts);
    asking.postgres(verdicts).await
}

/// Notes what the second stage had to do without.
fn left_out(degraded: &mut Vec<Degraded>, verdicts: &Attempt<Verdicts>, counted: &Counted) {
    if counted.clickhouse.is_err() {
        degraded.push(Degraded::Counts);
    }
    if counted.cache.is_err() {
        degraded.push(Degraded::Cache);
    }
    if verdicts.result.is_err() && !degraded.contains(&Degraded::Posts) {
        degraded.push(Degraded::Posts);
    }
}

/// Blocks as of the viewer's last ranking; none when nobody knows.
async fn kept_blocks<P>(
    asking: &Asking<'_, P>,
    counted: &Counted,
    degraded: &mut Vec<Degraded>,
) -> Option<HashSet<UserId>> {
    let cache = asking.context.cache?;
    // It has just failed: once is enough.
    counted.cache.ok()?;
    let blocks = asking.redis(cache.blocks(asking.ask.viewer)).await;
    match blocks.result {
        Ok(blocks) => blocks,
        Err(_) => {
            degraded.push(Degraded::Cache);
            None
        }
    }
}

/// Scores and orders. What could not be had counts as nothing: no interactions, no counts.
fn score<P>(
    merged: &[Merged],
    found: &Found,
    counted: &Counted,
    asking: &Asking<'_, P>,
) -> Vec<Ranked> {
    let interactions = found.interactions.result.as_ref().ok();
    let interactions = interactions.map(Interactions::per_author);
    let mut ranked: Vec<Ranked> = merged
        .iter()
        .map(|post| {
            let candidate = post.candidate;
            let features = Features {
                age_hours: age_hours(candidate.created_at, asking.ask.now),
                counts: counted
                    .counts
                    .get(&candidate.post_id)
                    .copied()
                    .unwrap_or_default(),
                interactions: interactions
                    .as_ref()
                    .and_then(|i| i.get(&candidate.author_id))
                    .copied()
                    .unwrap_or_default(),
            };
            Ranked {
                candidate,
                sources: post.sources,
                features,
                terms: Terms::of(&features, &asking.context.config.formula),
            }
        })
        .collect();
    order(&mut ranked);
    ranked
}

/// The items in the order of the formula, each with its place in it.
fn items(ranked: Vec<Ranked>, merged: &[Merged], permission: &Permission<'_>) -> Vec<RankedItem> {
    let posts: HashMap<PostId, &Merged> = merged
        .iter()
        .map(|post| (post.candidate.post_id, post))
        .collect();
    ranked
        .into_iter()
        .zip(1..)
        .filter_map(|(ranked, rank)| {
            let post = posts.get(&ranked.candidate.post_id)?;
            Some(RankedItem {
                ranked,
                liked: permission.liked(ranked.candidate.post_id),
                visibility: permission.visibility(post),
                rank_before_diversity: rank,
            })
        })
        .collect()
}

/// Moves what was seen to the end, where that is known. Gives how many are not seen.
fn see(
    items: &mut Vec<RankedItem>,
    seen: Option<&HashSet<PostId>>,
    trace: &mut RankingTrace,
) -> usize {
    let Some(seen) = seen else {
        return items.len();
    };
    let (filter, unseen) = seen::apply(items, seen);
    trace.filters.push(filter);
    unseen
}

/// Spreads authors: first among the unseen items, then, with the window going on, among the seen ones.
fn spread(
    items: Vec<RankedItem>,
    unseen: usize,
    config: &FeedConfig,
    trace: &mut RankingTrace,
) -> Vec<RankedItem> {
    if !config.diversity.on {
        return items;
    }
    let authors: Vec<UserId> = items
        .iter()
        .map(|item| item.ranked.candidate.author_id)
        .collect();
    let order = diversify(&authors, unseen, config.diversity.limits);
    let deferred = order.iter().enumerate().filter(|(to, from)| to > *from);
    trace.diversity = Some(DiversityTrace {
        deferred: deferred.count(),
    });
    order.into_iter().map(|from| items[from]).collect()
}

fn timings(
    found: &Found,
    first_stage: Duration,
    verdicts: &Attempt<Verdicts>,
    counted: &Counted,
) -> Timings {
    Timings {
        clickhouse: first_stage + counted.clickhouse_took,
        sources: found
            .traces()
            .into_iter()
            .map(|trace| (trace.source, trace.took))
            .collect(),
        interactions: found.interactions.took,
        counts: counted.took,
        visible: verdicts.took,
        ..Timings::default()
    }
}
