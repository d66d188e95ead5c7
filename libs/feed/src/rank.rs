//! The ranking: from a viewer to the ordered list of everything that viewer may be shown.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use nova_domain::{PostId, Source, UserId};
use nova_olap::Olap;
use nova_ranking::{Counts, Features, Merged, Ranked, Terms, age_hours, merge, order};
use tokio::time::Instant;

use crate::budget::{Attempt, Budget};
use crate::config::FeedConfig;
use crate::error::Unavailable;
use crate::features::counts;
use crate::filters::{own, visible};
use crate::posts::Posts;
use crate::sources::{self, Ask, Found};
use crate::timings::Timings;
use crate::trace::{Degraded, RankingTrace};

/// A viewer's whole feed, best first.
#[derive(Debug, Clone)]
pub struct RankedFeed {
    /// Every candidate that passed the filters, scored and in order.
    pub posts: Vec<Ranked>,
    /// What was left out.
    pub degraded: Vec<Degraded>,
    /// What happened to the candidates.
    pub trace: RankingTrace,
    /// How long it took; `hydrate` and `total` are still zero.
    pub timings: Timings,
}

/// Ranks the feed of `viewer` as of `now`: sources in parallel, merge, own posts out, exact counts beside what the
/// viewer may see, score, order.
///
/// # Errors
/// Every source failed, or PostgreSQL did not say in time what may be shown.
pub async fn rank(
    olap: &Olap,
    posts: &impl Posts,
    config: &FeedConfig,
    viewer: UserId,
    now: DateTime<Utc>,
    budget: &Budget,
) -> Result<RankedFeed, Unavailable> {
    let started = Instant::now();
    // Four queries in flight are 20 kB of state: on the heap, not in every caller's future.
    let found = Box::pin(sources::collect(olap, config, Ask { viewer, now }, budget)).await;
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
    trace.filters.push(own::apply(&mut merged, viewer));

    let ids: Vec<PostId> = merged.iter().map(|post| post.candidate.post_id).collect();
    let second_started = Instant::now();
    let allowed = async {
        let allowed = budget.require(
            "the visibility check",
            posts.visible_posts(viewer, &ids),
            Unavailable::Posts,
        );
        (allowed.await, second_started.elapsed())
    };
    let ((allowed, visible_took), counts) =
        tokio::join!(allowed, counts::fetch(olap, &ids, budget));
    trace.filters.push(visible::apply(&mut merged, &allowed?));

    let mut degraded = found.degraded();
    if counts.result.is_err() {
        degraded.push(Degraded::Counts);
    }
    let timings = Timings {
        clickhouse: first_stage + counts.took,
        sources: Source::ALL
            .iter()
            .map(|s| (*s, found.of(*s).took))
            .collect(),
        interactions: found.interactions.took,
        counts: counts.took,
        visible: visible_took,
        ..Timings::default()
    };
    let ranked = score(&merged, &found, &counts, config, now);
    trace.ranked = ranked.len();
    Ok(RankedFeed {
        posts: ranked,
        degraded,
        trace,
        timings,
    })
}

/// Scores and orders. What could not be had counts as nothing: no interactions, no counts.
fn score(
    merged: &[Merged],
    found: &Found,
    counts: &Attempt<HashMap<PostId, Counts>>,
    config: &FeedConfig,
    now: DateTime<Utc>,
) -> Vec<Ranked> {
    let interactions = found.interactions.result.as_ref().ok();
    let counts = counts.result.as_ref().ok();
    let mut ranked: Vec<Ranked> = merged
        .iter()
        .map(|post| {
            let candidate = post.candidate;
            let features = Features {
                age_hours: age_hours(candidate.created_at, now),
                counts: counts
                    .and_then(|c| c.get(&candidate.post_id))
                    .copied()
                    .unwrap_or_default(),
                interactions: interactions
                    .and_then(|i| i.get(&candidate.author_id))
                    .copied()
                    .unwrap_or_default(),
            };
            Ranked {
                candidate,
                sources: post.sources,
                features,
                terms: Terms::of(&features, &config.formula),
            }
        })
        .collect();
    order(&mut ranked);
    ranked
}
