//! What the pure stages of a ranking cost: `cargo bench -p nova-ranking --bench stages`.

use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use nova_domain::{Candidate, PostId, SourceSet, UserId};
use nova_ranking::{
    Counts, Diversity, Features, FormulaConfig, Ranked, SourceLists, Terms, diversify, merge, order,
};
use uuid::Uuid;

/// What the three sources give at most.
const LISTS: [u32; 3] = [500, 200, 200];
const POSTS: u32 = 900;

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

fn candidate(n: u32, authors: u32) -> Candidate {
    Candidate {
        post_id: PostId::new(Uuid::from_u128(u128::from(n) << 64 | 7)),
        author_id: UserId::new(Uuid::from_u128(u128::from((n * 7 + n / 7) % authors))),
        created_at: noon() - TimeDelta::seconds(i64::from(n) * 97),
    }
}

/// Three lists of which a fifth of the posts is in two.
fn lists() -> [Vec<Candidate>; 3] {
    let mut first = 0;
    LISTS.map(|length| {
        let list = (first..first + length).map(|n| candidate(n, 150)).collect();
        first += length - length / 5;
        list
    })
}

fn features(n: u32) -> Features {
    Features {
        age_hours: f64::from(n) / 13.0,
        counts: Counts {
            likes: u64::from(n * 31 % 500),
            comments: u64::from(n % 40),
            shares: u64::from(n % 9),
            impressions: u64::from(n * 113 % 9_000),
        },
        interactions: u64::from(n % 12),
    }
}

fn ranked(n: u32, config: &FormulaConfig) -> Ranked {
    let features = features(n);
    Ranked {
        candidate: candidate(n, 150),
        sources: SourceSet::default(),
        features,
        terms: Terms::of(&features, config),
    }
}

fn stages(c: &mut Criterion) {
    let [follow, trending, affinity] = lists();
    c.bench_function("merge/900 candidates", |b| {
        b.iter(|| {
            merge(SourceLists {
                follow: black_box(&follow),
                trending: black_box(&trending),
                affinity: black_box(&affinity),
            })
        });
    });

    let config = FormulaConfig::default();
    let all: Vec<Features> = (0..POSTS).map(features).collect();
    c.bench_function("score/900 posts", |b| {
        b.iter(|| {
            let scores = black_box(&all).iter();
            scores.map(|one| Terms::of(one, &config).score).sum::<f64>()
        });
    });

    let list: Vec<Ranked> = (0..POSTS).map(|n| ranked(n, &config)).collect();
    c.bench_function("order/900 posts", |b| {
        b.iter_batched_ref(|| list.clone(), |list| order(list), BatchSize::SmallInput);
    });

    let mut group = c.benchmark_group("diversity/900 posts");
    for authors in [1, 3, 50, POSTS] {
        let list: Vec<UserId> = (0..POSTS)
            .map(|n| candidate(n, authors).author_id)
            .collect();
        group.bench_with_input(BenchmarkId::new("authors", authors), &list, |b, list| {
            b.iter(|| diversify(black_box(list), list.len() / 2, Diversity::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
