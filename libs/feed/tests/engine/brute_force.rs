//! The three sources, their features and the whole ranking on a real engine, compared with plain loops over the facts.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nova_domain::{Candidate, PostId, UserId};
use nova_feed::{Budget, Posts, rank};
use nova_olap::Olap;
use nova_ranking::Ranked;
use nova_social::{PostView, SocialError};
use uuid::Uuid;

use crate::support::brute::{Line, Post, World};
use crate::support::graph::{Case, Facts};
use crate::support::{engine, generate};

const CASES: u64 = 250;
const DEADLINE: Duration = Duration::from_secs(20);

/// Lets the viewer see what the case says. The content of posts is not asked for by a ranking.
struct Allowed<'a>(&'a HashSet<PostId>);

impl Posts for Allowed<'_> {
    async fn visible_posts(
        &self,
        _viewer: UserId,
        posts: &[PostId],
    ) -> Result<HashSet<PostId>, SocialError> {
        Ok(posts
            .iter()
            .copied()
            .filter(|post| self.0.contains(post))
            .collect())
    }

    async fn hydrate(
        &self,
        _viewer: UserId,
        _posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        unreachable!("a ranking does not hydrate")
    }
}

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
        interactions,
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

fn check_line(line: &Line, ranked: &Ranked, seed: u64) {
    let sources: Vec<&str> = ranked.sources.iter().map(|s| s.as_str()).collect();
    assert_eq!(
        line.sources, sources,
        "sources of {}, seed {seed}",
        line.post_id
    );
    let c = ranked.features.counts;
    assert_eq!(
        line.counts,
        [c.likes, c.comments, c.shares, c.impressions],
        "counts of {}, seed {seed}",
        line.post_id
    );
    let t = ranked.terms;
    for (expected, found) in line
        .terms
        .iter()
        .zip([t.freshness, t.engagement, t.affinity, t.score])
    {
        assert!(
            (expected - found).abs() < 1e-9,
            "terms of {}: {line:?}, {ranked:?}, seed {seed}",
            line.post_id
        );
    }
}

#[tokio::test]
async fn the_ranking_is_what_a_computation_over_the_facts_gives() {
    let cases = generate::cases(10_001, CASES);
    let (olap, _stack) = engine::start().await;
    engine::load(&olap, &everything(&cases)).await;
    let mut ranked_posts = 0;
    for case in &cases {
        let budget = Budget::start(&case.config);
        let viewer = UserId::new(case.viewer);
        let feed = rank(
            &olap,
            &Allowed(&case.allowed),
            &case.config,
            viewer,
            case.now,
            &budget,
        )
        .await
        .unwrap();
        assert!(
            feed.degraded.is_empty(),
            "{:?}, seed {}",
            feed.degraded,
            case.seed
        );

        let expected = World::new(case).ranking();
        assert_eq!(
            feed.posts
                .iter()
                .map(|r| r.candidate.post_id.uuid())
                .collect::<Vec<Uuid>>(),
            expected
                .iter()
                .map(|line| line.post_id)
                .collect::<Vec<Uuid>>(),
            "order, seed {}",
            case.seed
        );
        for (line, ranked) in expected.iter().zip(&feed.posts) {
            check_line(line, ranked, case.seed);
        }
        let trace = &feed.trace;
        assert_eq!(trace.ranked, feed.posts.len());
        let removed: usize = trace.filters.iter().map(|f| f.removed).sum();
        assert_eq!(trace.merged, trace.ranked + removed);
        ranked_posts += trace.ranked;
    }
    assert!(ranked_posts > 1_000, "{ranked_posts}");
}
