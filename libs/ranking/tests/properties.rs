//! What holds for every input.

#![expect(
    clippy::unwrap_used,
    reason = "a broken helper ends the test, as it should"
)]

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{Candidate, PostId, Source, SourceSet, UserId};
use nova_ranking::{
    Counts, Features, FormulaConfig, MAX_COEFFICIENT, Ranked, SourceLists, Terms, Weights,
    hot_score, merge, order, page, rank_order,
};
use proptest::prelude::*;
use uuid::Uuid;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn candidate(post: u128, author: u128, seconds: i64) -> Candidate {
    Candidate {
        post_id: PostId::new(Uuid::from_u128(post)),
        author_id: UserId::new(Uuid::from_u128(author)),
        created_at: at(seconds),
    }
}

/// Few posts, so that the sources overlap often.
fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    proptest::collection::vec(
        (0..40_u128, 0..5_u128, 0..4_i64).prop_map(|(p, a, s)| candidate(p, a, s)),
        0..30,
    )
}

fn counts() -> impl Strategy<Value = Counts> {
    let count = || prop_oneof![0..20_u64, any::<u64>()];
    (count(), count(), count(), count()).prop_map(|(likes, comments, shares, impressions)| Counts {
        likes,
        comments,
        shares,
        impressions,
    })
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |x| x.is_finite())
}

fn features() -> impl Strategy<Value = Features> {
    let age = prop_oneof![-10.0..200.0_f64, finite()];
    let interactions = prop_oneof![0..50_u64, any::<u64>()];
    (age, counts(), interactions).prop_map(|(age_hours, counts, interactions)| Features {
        age_hours,
        counts,
        interactions,
    })
}

fn config() -> impl Strategy<Value = FormulaConfig> {
    let number = || prop_oneof![Just(0.0), 0.0..5.0_f64, 0.0..=MAX_COEFFICIENT];
    ((number(), number(), number()), number(), number(), number())
        .prop_map(
            |((freshness, engagement, affinity), decay_per_hour, comment_weight, share_weight)| {
                FormulaConfig {
                    weights: Weights {
                        freshness,
                        engagement,
                        affinity,
                    },
                    decay_per_hour,
                    comment_weight,
                    share_weight,
                }
            },
        )
        .prop_filter("valid", |c| c.validate().is_ok())
}

/// A merged list as the ranking sorts it: each post once, scores from a few values so that ties are common.
fn ranked() -> impl Strategy<Value = Vec<Ranked>> {
    let score = prop_oneof![
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        Just(-0.0),
        Just(1.0),
        any::<f64>(),
    ];
    proptest::collection::vec((any::<u128>(), 0..3_i64, score), 0..40).prop_map(|rows| {
        let mut seen = HashSet::new();
        rows.into_iter()
            .filter(|(post, ..)| seen.insert(*post))
            .map(|(post, seconds, score)| Ranked {
                candidate: candidate(post, 1, seconds),
                sources: SourceSet::of(Source::Follow),
                features: Features {
                    age_hours: 0.0,
                    counts: Counts::default(),
                    interactions: 0,
                },
                terms: Terms {
                    freshness: 0.0,
                    engagement: 0.0,
                    affinity: 0.0,
                    score,
                },
            })
            .collect()
    })
}

fn ids(ranked: &[Ranked]) -> Vec<PostId> {
    ranked.iter().map(|r| r.candidate.post_id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_finite_input_has_finite_terms(features in features(), config in config()) {
        let terms = Terms::of(&features, &config);
        for term in [terms.freshness, terms.engagement, terms.affinity, terms.score] {
            prop_assert!(term.is_finite() && term >= 0.0, "{terms:?}");
        }
        prop_assert!(terms.freshness <= 1.0);
        prop_assert!(hot_score(features.age_hours, &features.counts, &config).is_finite());
    }

    #[test]
    fn more_engagement_never_lowers_a_score(features in features(), config in config(), more in 1..1_000_u64) {
        let before = Terms::of(&features, &config).score;
        for raise in [
            |c: &mut Counts, n| c.likes = c.likes.saturating_add(n),
            |c: &mut Counts, n| c.comments = c.comments.saturating_add(n),
            |c: &mut Counts, n| c.shares = c.shares.saturating_add(n),
        ] {
            let mut raised = features;
            raise(&mut raised.counts, more);
            prop_assert!(Terms::of(&raised, &config).score >= before);
        }
        let mut closer = features;
        closer.interactions = closer.interactions.saturating_add(more);
        prop_assert!(Terms::of(&closer, &config).score >= before);
    }

    #[test]
    fn more_impressions_never_raise_a_score(features in features(), config in config(), more in 1..1_000_u64) {
        let mut seen = features;
        seen.counts.impressions = seen.counts.impressions.saturating_add(more);
        prop_assert!(Terms::of(&seen, &config).score <= Terms::of(&features, &config).score);
    }

    #[test]
    fn age_never_raises_a_score(features in features(), config in config(), hours in 0.0..10_000.0_f64) {
        let mut older = features;
        older.age_hours += hours;
        prop_assert!(Terms::of(&older, &config).score <= Terms::of(&features, &config).score);
    }

    #[test]
    fn a_nan_never_ranks_above_a_number(mut list in ranked()) {
        order(&mut list);
        let numbers = list.iter().filter(|r| !r.terms.score.is_nan()).count();
        prop_assert!(list[..numbers].iter().all(|r| !r.terms.score.is_nan()));
        prop_assert!(list[numbers..].iter().all(|r| r.terms.score.is_nan()));
    }

    #[test]
    fn the_order_does_not_depend_on_the_input_order(
        (list, shuffled) in ranked().prop_flat_map(|l| (Just(l.clone()), Just(l).prop_shuffle()))
    ) {
        let (mut a, mut b) = (list, shuffled);
        order(&mut a);
        order(&mut b);
        prop_assert_eq!(ids(&a), ids(&b));
        for pair in a.windows(2) {
            prop_assert_eq!(rank_order(&pair[0], &pair[1]), Ordering::Less);
        }
    }

    #[test]
    fn the_order_is_total(list in ranked()) {
        for a in &list {
            for b in &list {
                prop_assert_eq!(rank_order(a, b), rank_order(b, a).reverse());
                prop_assert_eq!(rank_order(a, b) == Ordering::Equal, a.candidate.post_id == b.candidate.post_id);
                for c in &list {
                    if rank_order(a, b).is_le() && rank_order(b, c).is_le() {
                        prop_assert!(rank_order(a, c).is_le());
                    }
                }
            }
        }
    }

    #[test]
    fn merge_keeps_each_post_once_with_all_its_sources(
        follow in candidates(), trending in candidates(), affinity in candidates()
    ) {
        let lists = SourceLists { follow: &follow, trending: &trending, affinity: &affinity };
        let merged = merge(lists);
        let all: HashSet<PostId> = Source::ALL.iter().flat_map(|s| lists.of(*s)).map(|c| c.post_id).collect();
        prop_assert_eq!(merged.len(), all.len());
        for m in &merged {
            let found: SourceSet = Source::ALL
                .iter()
                .copied()
                .filter(|s| lists.of(*s).iter().any(|c| c.post_id == m.candidate.post_id))
                .collect();
            prop_assert_eq!(m.sources, found);
            // F1 > F2 > F3: the highest source that has the post gives the row.
            let primary = [Source::Follow, Source::Trending, Source::Affinity]
                .into_iter()
                .find(|s| found.contains(*s));
            prop_assert_eq!(m.sources.primary(), primary);
            let row = lists.of(primary.unwrap()).iter().find(|c| c.post_id == m.candidate.post_id);
            prop_assert_eq!(Some(&m.candidate), row);
        }
        // Priority again: no post of a lower source stands before one of a higher.
        prop_assert!(merged.is_sorted_by_key(|m| m.sources.primary()));
    }

    #[test]
    fn pages_hold_their_limit_and_cover_the_list_once(
        list in proptest::collection::vec(any::<u32>(), 0..100), limit in 1..30_usize, beyond in any::<usize>()
    ) {
        let mut pages = Vec::new();
        let mut offset = 0;
        while offset < list.len() {
            let cut = page(&list, offset, limit);
            prop_assert!(!cut.is_empty() && cut.len() <= limit);
            pages.extend_from_slice(cut);
            offset += limit;
        }
        prop_assert_eq!(&pages, &list);
        prop_assert!(page(&list, list.len().saturating_add(beyond), limit).is_empty());
    }
}
