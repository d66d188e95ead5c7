//! `GET /discover/trending`, without HTTP.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::Utc;
use nova_cache::{Cache, HotPost, Hydration, Overlay, PostRow};
use nova_domain::{PostBody, PostId, Source, UserId, Visibility};
use nova_ranking::Counts;
use nova_social::{PostView, SocialError};
use tokio::time::{Instant, timeout_at};

use super::answer::{ListFrom, Trending};
use super::deps::Discovery;
use super::error::{DiscoveryError, MAX_TRENDING, check_limit};
use super::hot::generate_hot_posts;
use super::item::item;
use super::metrics;
use crate::trace::Degraded;

/// How long ClickHouse may take to make the list, and to count where Redis has no counters.
const DEADLINE: Duration = Duration::from_millis(500);

/// How long a request may take altogether.
const BUDGET: Duration = Duration::from_secs(2);

/// Posts looked at beyond those wanted, so that a few hidden ones do not cost another round.
const SPARE: usize = 10;

/// The hot posts of the last hour that `viewer` may see, hottest first, at most `limit` (1 to [`MAX_TRENDING`]).
///
/// The list comes from Redis, else from ClickHouse, else it is empty and says so. Deleted, blocked and invisible posts
/// are dropped, and others move up; counts are read per request. Costs one round trip to Redis for the list, then one and
/// one query to PostgreSQL for the posts: more only where many of them are hidden.
///
/// PostgreSQL down: posts whose content is in Redis, when it is known there whom the viewer has blocked.
///
/// # Errors
/// [`DiscoveryError::Limit`]; [`DiscoveryError::Social`] when PostgreSQL did not answer and Redis does not know enough;
/// [`DiscoveryError::Late`].
pub async fn trending(
    deps: &Discovery,
    viewer: UserId,
    limit: u32,
) -> Result<Trending, DiscoveryError> {
    let limit = check_limit(limit, MAX_TRENDING)?;
    let started = Instant::now();
    let answer = match timeout_at(started + BUDGET, serve(deps, viewer, limit)).await {
        Ok(answer) => answer,
        Err(_) => Err(DiscoveryError::Late { budget: BUDGET }),
    };
    metrics::record(
        "trending",
        started.elapsed(),
        &answer,
        |answer| answer.served_from.as_str(),
        |answer| answer.degraded.iter().map(ToString::to_string).collect(),
    );
    answer
}

async fn serve(deps: &Discovery, viewer: UserId, limit: usize) -> Result<Trending, DiscoveryError> {
    let mut answer = Trending {
        items: Vec::with_capacity(limit),
        served_from: ListFrom::Cache,
        degraded: Vec::new(),
    };
    let list = hot_posts(deps, &mut answer).await;
    let mut rest = list.as_slice();
    while answer.items.len() < limit && !rest.is_empty() {
        let wanted = limit - answer.items.len() + SPARE;
        let (chunk, after) = rest.split_at(wanted.min(rest.len()));
        rest = after;
        show(deps, viewer, chunk, &mut answer).await?;
    }
    answer.items.truncate(limit);
    Ok(answer)
}

/// The list, from whoever has it.
async fn hot_posts(deps: &Discovery, answer: &mut Trending) -> Vec<HotPost> {
    if let Some(cache) = &deps.cache {
        match cache.hot_posts().await {
            Ok(Some(list)) => return list,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "trending posts go on without Redis");
                note(answer, Degraded::Cache);
            }
        }
    }
    answer.served_from = ListFrom::Computed;
    generate_hot_posts(deps, Utc::now(), DEADLINE)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "there are no trending posts without ClickHouse");
            answer.served_from = ListFrom::Fallback;
            note(answer, Degraded::Source(Source::Trending));
            Vec::new()
        })
}

/// Adds those of the posts that the viewer may see.
async fn show(
    deps: &Discovery,
    viewer: UserId,
    posts: &[HotPost],
    answer: &mut Trending,
) -> Result<(), DiscoveryError> {
    let ids: Vec<PostId> = posts.iter().map(|post| post.post_id).collect();
    let (views, known) = tokio::join!(
        deps.social.hydrate(viewer, &ids),
        hydration(deps.cache.as_ref(), viewer, &ids)
    );
    let known = known.unwrap_or_else(|| {
        note(answer, Degraded::Cache);
        Hydration::default()
    });
    let views = match views {
        Ok(views) => views,
        Err(error) => {
            let views = without_postgres(deps, viewer, &ids, &known, error).await?;
            note(answer, Degraded::Posts);
            views
        }
    };
    let mut views: HashMap<PostId, PostView> =
        views.into_iter().map(|view| (view.post_id, view)).collect();
    let rows: HashMap<PostId, PostRow> = ids
        .iter()
        .zip(known.counters)
        .filter_map(|(id, row)| Some((*id, row?)))
        .collect();
    views.retain(|id, view| {
        !rows.get(id).is_some_and(|row| row.deleted)
            && !done(known.overlay.blocks.get(&view.author_id))
    });
    let counts = counts(deps, &views, &rows, answer).await;
    let now = Utc::now();
    for hot in posts {
        if let Some(mut view) = views.remove(&hot.post_id) {
            if let Some(liked) = known.overlay.likes.get(&hot.post_id) {
                view.liked = *liked;
            }
            let counts = counts.get(&hot.post_id).copied().unwrap_or_default();
            answer.items.push(item(hot, view, counts, now));
        }
    }
    Ok(())
}

/// What Redis knows; an empty answer where there is no Redis by intention, none where it does not answer.
async fn hydration(cache: Option<&Cache>, viewer: UserId, ids: &[PostId]) -> Option<Hydration> {
    let Some(cache) = cache else {
        return Some(Hydration::default());
    };
    cache
        .hydration(viewer, ids)
        .await
        .inspect_err(|error| tracing::warn!(%error, "trending posts go on without Redis"))
        .ok()
}

/// The posts whose content Redis has, unless it is unknown whom the viewer must not meet. Whether the viewer likes them is
/// known only from what was done lately.
async fn without_postgres(
    deps: &Discovery,
    viewer: UserId,
    ids: &[PostId],
    known: &Hydration,
    error: SocialError,
) -> Result<Vec<PostView>, SocialError> {
    let Some(cache) = &deps.cache else {
        return Err(error);
    };
    let Ok(Some(blocks)) = cache.blocks(viewer).await else {
        return Err(error);
    };
    tracing::warn!(%error, "trending posts go on without PostgreSQL");
    Ok(ids
        .iter()
        .zip(&known.bodies)
        .filter_map(|(id, body)| Some(view(*id, body.as_ref()?)))
        .filter(|view| shown_to_anybody(view, &blocks, &known.overlay))
        .collect())
}

fn shown_to_anybody(view: &PostView, blocks: &HashSet<UserId>, overlay: &Overlay) -> bool {
    let blocked = overlay
        .blocks
        .get(&view.author_id)
        .copied()
        .unwrap_or_else(|| blocks.contains(&view.author_id));
    view.visibility == Visibility::Public && !blocked
}

fn view(post_id: PostId, body: &PostBody) -> PostView {
    PostView {
        post_id,
        author_id: body.author_id,
        caption: body.caption.clone(),
        media_url: body.media_url.clone(),
        media_type: body.media_type,
        duration_ms: body.duration_ms,
        visibility: body.visibility,
        created_at: body.created_at,
        liked: false,
    }
}

/// The counts of the posts shown: from Redis, and from ClickHouse for those that Redis does not know wholly.
async fn counts(
    deps: &Discovery,
    views: &HashMap<PostId, PostView>,
    rows: &HashMap<PostId, PostRow>,
    answer: &mut Trending,
) -> HashMap<PostId, Counts> {
    let mut counts: HashMap<PostId, Counts> = views
        .keys()
        .filter_map(|id| Some((*id, whole(rows.get(id)?)?)))
        .collect();
    let unknown: Vec<PostId> = views
        .keys()
        .filter(|id| !counts.contains_key(id))
        .copied()
        .collect();
    let counted = deps.olap.ranking_counts(&unknown, DEADLINE).await;
    match counted {
        Ok(counted) => {
            for id in unknown {
                let counted = counted.get(&id).copied().unwrap_or_default();
                counts.insert(id, newest(rows.get(&id), counted));
            }
        }
        Err(error) => {
            tracing::warn!(%error, "trending posts go on without some counts");
            note(answer, Degraded::Counts);
            for id in unknown {
                counts.insert(id, newest(rows.get(&id), Counts::default()));
            }
        }
    }
    counts
}

/// The counts of a row that has all of them.
fn whole(row: &PostRow) -> Option<Counts> {
    Some(Counts {
        likes: row.likes?,
        comments: row.comments?,
        shares: row.shares?,
        impressions: row.impressions?,
    })
}

/// What the row has, and the rest from elsewhere.
fn newest(row: Option<&PostRow>, counted: Counts) -> Counts {
    let Some(row) = row else {
        return counted;
    };
    Counts {
        likes: row.likes.unwrap_or(counted.likes),
        comments: row.comments.unwrap_or(counted.comments),
        shares: row.shares.unwrap_or(counted.shares),
        impressions: row.impressions.unwrap_or(counted.impressions),
    }
}

fn done(change: Option<&bool>) -> bool {
    change.copied().unwrap_or(false)
}

/// Names what was left out, once.
fn note(answer: &mut Trending, word: Degraded) {
    if !answer.degraded.contains(&word) {
        answer.degraded.push(word);
    }
}
