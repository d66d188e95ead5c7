//! The three sources, their features and the whole ranking on a real engine, compared with plain loops over the facts.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use nova_cache::{Cache, Overlay};
use nova_domain::{Candidate, PostId, UserId};
use nova_feed::{Ask, Budget, FeedConfig, Guards, RankContext, RankedFeed, RankedItem, rank};
use nova_olap::Olap;
use nova_testbed::Server;
use uuid::Uuid;

use crate::support::brute::{Post, World};
use crate::support::graph::{Case, Facts, Lately, RedisState};
use crate::support::reference::{Expected, Line, after, ranking};
use crate::support::{engine, generate};

const CASES: u64 = 300;
const DEADLINE: Duration = Duration::from_secs(20);

fn everything(cases: &[Case]) -> Facts {
    let mut all = Facts::default();
    for case in cases {
        all.extend(&case.facts);
    }
    all
}

fn plain(found: Vec<Candidate>) -> Vec<Post> {
    let post = |c: Candidate| Post {
        post_id: c.post_id.uuid(),
        author_id: c.author_id.uuid(),
        created_at: c.created_at,
    };
    found.into_iter().map(post).collect()
}

/// F1 as the view tells it to whoever asks by hand.
async fn follow_view(olap: &Olap, case: &Case) -> Vec<Uuid> {
    let limits = case.config.follow;
    let query = olap
        .client()
        .query(
            "SELECT toString(post_id) FROM feed_recent_follows(\
             viewer = {viewer:UUID}, now = {now:DateTime64(6, 'UTC')}, \
             window_hours = {window_hours:UInt32}, max_posts = {max_posts:UInt32}) \
             ORDER BY created_at DESC, UUIDToNum(post_id) DESC",
        )
        .param("viewer", case.viewer)
        .param("now", case.now.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
        .param("window_hours", limits.window_hours)
        .param("max_posts", limits.max_posts);
    let ids: Vec<String> = query.fetch_all().await.unwrap();
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

async fn check_sources(olap: &Olap, case: &Case) -> [usize; 3] {
    let (viewer, now, config, world) = (
        UserId::new(case.viewer),
        case.now,
        &case.config,
        World::new(case),
    );
    let seed = case.seed;

    let follow = plain(
        olap.follow_candidates(viewer, now, config.follow, DEADLINE)
            .await
            .unwrap(),
    );
    assert_eq!(follow, world.follow(), "follow source, seed {seed}");
    let ids: Vec<Uuid> = follow.iter().map(|post| post.post_id).collect();
    assert_eq!(follow_view(olap, case).await, ids, "view, seed {seed}");

    let trending = olap
        .trending_candidates(now, config.trending, &config.formula, DEADLINE)
        .await;
    let trending = plain(trending.unwrap());
    assert_eq!(trending, world.trending(), "trending source, seed {seed}");

    let affinity = olap
        .affinity_candidates(viewer, now, config.affinity, config.authors, DEADLINE)
        .await;
    let affinity = plain(affinity.unwrap());
    assert_eq!(affinity, world.affinity(), "affinity source, seed {seed}");

    let days = config.authors.interaction_days;
    let interactions = olap
        .viewer_interactions(viewer, now, days, DEADLINE)
        .await
        .unwrap();
    let expected = world
        .interactions()
        .into_iter()
        .map(|(a, times)| (UserId::new(a), times.len() as u64));
    assert_eq!(
        interactions.per_author(),
        expected.collect::<HashMap<_, _>>(),
        "interactions, seed {seed}"
    );

    let ids: Vec<PostId> = case
        .facts
        .posts
        .iter()
        .map(|p| PostId::new(p.post_id))
        .collect();
    let counts = olap.ranking_counts(&ids, DEADLINE).await.unwrap();
    for id in ids {
        let c = counts.get(&id).copied().unwrap_or_default();
        let found = [c.likes, c.comments, c.shares, c.impressions];
        assert_eq!(
            found,
            world.counts(id.uuid()),
            "counts of {id}, seed {seed}"
        );
    }
    [follow.len(), trending.len(), affinity.len()]
}

#[tokio::test]
async fn each_source_finds_what_a_computation_over_the_facts_finds() {
    let cases = generate::cases(1, CASES);
    let (olap, _stack) = engine::start().await;
    engine::load(&olap, &everything(&cases)).await;
    let mut found = [0, 0, 0];
    for case in &cases {
        let here = check_sources(&olap, case).await;
        for (all, here) in found.iter_mut().zip(here) {
            *all += here;
        }
    }
    // Random cases that find nothing would prove nothing.
    assert!(found.iter().all(|n| *n > 500), "{found:?}");
}

fn overlay(lately: &Lately) -> Overlay {
    let users =
        |from: &HashMap<Uuid, bool>| from.iter().map(|(u, on)| ((*u).into(), *on)).collect();
    Overlay {
        likes: lately
            .likes
            .iter()
            .map(|(p, on)| ((*p).into(), *on))
            .collect(),
        follows: users(&lately.follows),
        blocks: users(&lately.blocks),
    }
}

/// The Redis that a case has.
fn redis<'a>(case: &Case, up: &'a Cache, down: &'a Cache) -> Option<&'a Cache> {
    match case.redis {
        RedisState::Up => Some(up),
        RedisState::Down => Some(down),
        RedisState::None => None,
    }
}

async fn ranked(
    olap: &Olap,
    cache: Option<&Cache>,
    case: &Case,
    config: &FeedConfig,
) -> RankedFeed {
    let context = RankContext {
        olap,
        posts: &case.postgres,
        cache,
        config,
        shared: None,
        guards: &Guards::new(&config.breaker),
    };
    let ask = Ask {
        viewer: case.viewer.into(),
        now: case.now,
        overlay: &overlay(&case.lately),
        live: false,
        awaited: true,
        standing_ms: None,
    };
    Box::pin(rank(&context, &ask, &Budget::start(config)))
        .await
        .unwrap()
}

fn ids(feed: &RankedFeed) -> Vec<Uuid> {
    let id = |item: &RankedItem| item.ranked.candidate.post_id.uuid();
    feed.items.iter().map(id).collect()
}

fn check_line(line: &Line, item: &RankedItem, seed: u64) {
    let (id, ranked) = (line.post.post_id, item.ranked);
    let sources: Vec<&str> = ranked.sources.iter().map(|s| s.as_str()).collect();
    assert_eq!(line.sources, sources, "sources of {id}, seed {seed}");
    let c = ranked.features.counts;
    assert_eq!(
        line.counts,
        [c.likes, c.comments, c.shares, c.impressions],
        "counts of {id}, seed {seed}"
    );
    let t = ranked.terms;
    for (expected, found) in line
        .terms
        .iter()
        .zip([t.freshness, t.engagement, t.affinity, t.score])
    {
        assert!(
            (expected - found).abs() < 1e-9,
            "terms of {id}: {line:?}, {ranked:?}, seed {seed}"
        );
    }
    assert_eq!(
        (line.liked, line.visibility, line.rank),
        (
            item.liked,
            item.visibility.as_str(),
            item.rank_before_diversity
        ),
        "item {id}, seed {seed}"
    );
}

fn check(expected: &Expected, feed: &RankedFeed, seed: u64) {
    check_story(expected, feed, seed);
    let order: Vec<Uuid> = expected.lines.iter().map(|l| l.post.post_id).collect();
    assert_eq!(ids(feed), order, "order, seed {seed}");
    for (line, item) in expected.lines.iter().zip(&feed.items) {
        check_line(line, item, seed);
    }
}

fn check_story(expected: &Expected, feed: &RankedFeed, seed: u64) {
    let trace = &feed.trace;
    let found: Vec<usize> = trace.sources.iter().map(|s| s.found).collect();
    assert_eq!(found, expected.found, "candidates, seed {seed}");
    assert_eq!(trace.merged, expected.merged, "merged, seed {seed}");
    let steps: Vec<_> = trace
        .filters
        .iter()
        .map(|f| (f.filter.as_str(), f.kept, f.removed, f.moved))
        .collect();
    assert_eq!(steps, expected.steps, "filters, seed {seed}");
    assert_eq!(
        trace.diversity.map(|d| d.deferred),
        expected.deferred,
        "diversity, seed {seed}"
    );
    assert_eq!(
        [trace.counts.redis, trace.counts.clickhouse],
        expected.counted,
        "counts, seed {seed}"
    );
    assert_eq!(trace.ranked, feed.items.len());
    let degraded: BTreeSet<String> = feed.degraded.iter().map(ToString::to_string).collect();
    assert_eq!(degraded.len(), feed.degraded.len(), "{:?}", feed.degraded);
    assert!(
        degraded
            .iter()
            .map(String::as_str)
            .eq(expected.degraded.iter().copied()),
        "{degraded:?}, {:?}, seed {seed}",
        expected.degraded
    );
}

#[tokio::test]
async fn the_ranking_is_what_a_computation_over_the_facts_gives() {
    let cases = generate::cases(10_001, CASES);
    let (olap, stack) = engine::start_with(&[Server::ClickHouse, Server::Redis]).await;
    engine::load(&olap, &everything(&cases)).await;
    let (up, down) = (engine::cache(&stack), engine::no_cache());
    // What the cases are to show, all of it more than a few times.
    let mut seen_in_all = [0; 8];
    for case in &cases {
        let seed = case.seed;
        if case.redis == RedisState::Up {
            engine::fill(&up, case).await;
        }
        let cache = redis(case, &up, &down);
        let feed = ranked(&olap, cache, case, &case.config).await;
        let expected = ranking(case);
        check(&expected, &feed, seed);
        let blocks = case.postgres.up.then(|| case.postgres.blocks.clone());
        let found = feed.blocks.as_ref();
        let found = found.map(|blocks| blocks.iter().map(|u| u.uuid()).collect());
        assert_eq!(found, blocks, "blocks, seed {seed}");

        if case.redis == RedisState::Up {
            // What ClickHouse had to count is in Redis now, unless the post itself has not arrived.
            let again = ranked(&olap, cache, case, &case.config).await;
            check(&ranking(&after(case)), &again, seed);
        }
        let filters = &feed.trace.filters;
        for (n, name) in ["own", "blocked", "visibility", "deleted", "seen"]
            .iter()
            .enumerate()
        {
            let this = filters.iter().filter(|f| f.filter.as_str() == *name);
            seen_in_all[n] += this.map(|f| f.removed + f.moved).sum::<usize>();
        }
        seen_in_all[5] += expected.deferred.unwrap_or(0);
        seen_in_all[6] += feed.items.len();
        seen_in_all[7] += expected.counted[0].min(expected.counted[1]);
    }
    assert!(seen_in_all.iter().all(|n| *n > 100), "{seen_in_all:?}");
}

#[tokio::test]
async fn with_the_stages_switched_off_the_order_is_that_of_the_formula() {
    let cases = generate::cases(20_001, 60);
    let (olap, _stack) = engine::start().await;
    engine::load(&olap, &everything(&cases)).await;
    let mut other = 0;
    for case in &cases {
        let mut config = case.config.clone();
        config.filters.seen = false;
        config.diversity.on = false;
        let plain = ranked(&olap, None, case, &config).await;
        assert!(plain.items.is_sorted_by(|a, b| {
            nova_ranking::rank_order(&a.ranked, &b.ranked).is_lt()
                && a.rank_before_diversity + 1 == b.rank_before_diversity
        }));
        let first = plain.items.first();
        assert!(first.is_none_or(|item| item.rank_before_diversity == 1));
        assert_eq!(plain.trace.diversity, None);

        // The other stages only change the order; the places by score are the same.
        config.filters.seen = true;
        config.diversity.on = true;
        let spread = ranked(&olap, None, case, &config).await;
        let mut sorted = spread.items.clone();
        sorted.sort_by_key(|item| item.rank_before_diversity);
        assert_eq!(sorted, plain.items, "seed {}", case.seed);
        other += usize::from(spread.items != plain.items);
    }
    assert!(other > 20, "{other}");
}
