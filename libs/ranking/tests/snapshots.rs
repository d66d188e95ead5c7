//! One small feed, ranked, as a person can check it by hand.

#![expect(
    clippy::unwrap_used,
    reason = "a broken helper ends the test, as it should"
)]

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{Candidate, PostId, UserId};
use nova_ranking::{
    Counts, Features, FormulaConfig, Merged, Ranked, SourceLists, Terms, age_hours, hot_score,
    merge, order,
};
use uuid::Uuid;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// Post `n` by author `a`, `minutes` old.
fn post(n: u128, a: u128, minutes: i64) -> Candidate {
    Candidate {
        post_id: PostId::new(Uuid::from_u128(n)),
        author_id: UserId::new(Uuid::from_u128(a)),
        created_at: now() - TimeDelta::minutes(minutes),
    }
}

fn number(post: PostId) -> u128 {
    post.uuid().as_u128()
}

/// likes, comments, shares, impressions, interactions with the author
const FACTS: [(u128, [u64; 5]); 7] = [
    (1, [0, 0, 0, 0, 0]),
    (2, [10, 2, 1, 100, 0]),
    (3, [10, 2, 1, 10, 4]),
    (4, [1, 0, 0, 0, 0]),
    (5, [500, 80, 40, 4_000, 0]),
    (6, [0, 0, 0, 30, 12]),
    (7, [0, 0, 0, 0, 0]),
];

fn score(m: &Merged, config: &FormulaConfig) -> Ranked {
    let [likes, comments, shares, impressions, interactions] = FACTS
        .iter()
        .find(|(n, _)| *n == number(m.candidate.post_id))
        .unwrap()
        .1;
    let features = Features {
        age_hours: age_hours(m.candidate.created_at, now()),
        counts: Counts {
            likes,
            comments,
            shares,
            impressions,
        },
        interactions,
    };
    Ranked {
        candidate: m.candidate,
        sources: m.sources,
        features,
        terms: Terms::of(&features, config),
    }
}

#[test]
fn a_small_feed() {
    let config = FormulaConfig::default();
    let merged = merge(SourceLists {
        follow: &[
            post(1, 1, 0),
            post(7, 1, 0),
            post(2, 2, 90),
            post(3, 3, 4_000),
        ],
        trending: &[
            post(3, 3, 4_000),
            post(4, 4, 30),
            post(5, 5, 600),
            post(2, 2, 90),
        ],
        affinity: &[post(6, 6, 9_000), post(3, 3, 4_000)],
    });
    let mut ranked: Vec<Ranked> = merged.iter().map(|m| score(m, &config)).collect();
    order(&mut ranked);
    let table: Vec<String> = ranked
        .iter()
        .map(|r| {
            let sources: Vec<_> = r.sources.iter().map(|s| s.as_str()).collect();
            let Terms {
                freshness,
                engagement,
                affinity,
                score,
            } = r.terms;
            let hot = hot_score(r.features.age_hours, &r.features.counts, &config);
            format!(
                "{score:.6} = 0.3*{freshness:.6} + 0.4*{engagement:.6} + 0.3*{affinity:.6} (hot {hot:.6}) post {} {}",
                number(r.candidate.post_id),
                sources.join("+")
            )
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn the_default_numbers() {
    insta::assert_json_snapshot!(FormulaConfig::default());
}
