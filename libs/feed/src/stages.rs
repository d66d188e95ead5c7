//! The stages of a page on their own, on posts that are made up: for benchmarks of what each costs.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use nova_domain::{Candidate, MediaType, PostBody, PostId, Source, SourceSet, UserId, Visibility};
use nova_ranking::{Counts, Features, FormulaConfig, Ranked, Terms};
use uuid::Uuid;

use crate::answer::{FeedItem, FeedPage, ItemCounts, ServedFrom, Snapshot, SnapshotId};
use crate::page::{Hydrate, Shown, StoredPage, cut};
use crate::rank_types::RankedItem;
use crate::snapshot::{self, FeedSnapshot, Kind, Story};
use crate::timings::Timings;
use crate::trace::RankingTrace;

/// A ranking, its bytes, and the first page of it.
#[derive(Debug)]
pub struct Sample {
    snapshot: Arc<FeedSnapshot>,
    bytes: Vec<u8>,
    page: StoredPage,
    json: Vec<u8>,
}

/// Every item is there.
struct Known;

impl Hydrate for Known {
    async fn hydrate(&mut self, items: &[RankedItem]) -> Vec<Option<Shown>> {
        items.iter().map(|item| Some(shown(item))).collect()
    }
}

impl Sample {
    /// A ranking of so many posts, and its first twenty.
    ///
    /// # Panics
    /// When a page cannot be written, which it can.
    #[must_use]
    pub fn of(posts: u32) -> Self {
        let now = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap_or_default();
        let formula = FormulaConfig::default();
        let snapshot = Arc::new(FeedSnapshot {
            id: SnapshotId::new(Uuid::from_u128(1)),
            viewer: UserId::new(Uuid::from_u128(2)),
            generated_at: now,
            formula,
            kind: Kind::Ranking,
            degraded: Vec::new(),
            story: Story::default(),
            items: (0..posts).map(|n| item(n, now, &formula)).collect(),
        });
        let bytes = snapshot::encode(&snapshot);
        let page = first_page(&snapshot);
        #[expect(clippy::expect_used, reason = "a page of plain values can be written")]
        let json = page.to_json().expect("a page is JSON");
        Self {
            snapshot,
            bytes,
            page,
            json,
        }
    }

    /// The snapshot as Redis keeps it: its length in bytes.
    #[must_use]
    pub fn encode_snapshot(&self) -> usize {
        snapshot::encode(&self.snapshot).len()
    }

    /// And back: how many posts it has; 0 when it cannot be read.
    #[must_use]
    pub fn decode_snapshot(&self) -> usize {
        snapshot::decode(&self.bytes).map_or(0, |snapshot| snapshot.items.len())
    }

    /// A page of twenty, cut from the snapshot with all bodies at hand: how many posts it has.
    #[must_use]
    pub fn cut_page(&self) -> usize {
        first_page(&self.snapshot).items.len()
    }

    /// The page as Redis keeps it: its length in bytes; 0 when it cannot be written.
    #[must_use]
    pub fn write_page(&self) -> usize {
        self.page.to_json().map_or(0, |json| json.len())
    }

    /// And back: how many posts it has; 0 when it cannot be read.
    #[must_use]
    pub fn read_page(&self) -> usize {
        let page = StoredPage::from_json(self.snapshot.id, &self.json);
        page.ok().flatten().map_or(0, |page| page.items.len())
    }

    /// The answer made of a kept page, as JSON: its length in bytes; 0 when it cannot be written.
    #[must_use]
    pub fn answer(&self) -> usize {
        let page = &self.page;
        let items = page.items.iter();
        let items: Vec<FeedItem> = items
            .map(|item| item.answer(item.counts, item.liked))
            .collect();
        let answer = FeedPage {
            items,
            next_cursor: Some("c".repeat(90)),
            snapshot: Snapshot {
                id: page.snapshot,
                generated_at: page.generated_at,
            },
            served_from: ServedFrom::Cache,
            degraded: Vec::new(),
            restarted: None,
            explain: None,
            trace: RankingTrace::default(),
            timings: Timings::default(),
        };
        serde_json::to_vec(&answer).map_or(0, |json| json.len())
    }
}

/// Nothing is waited for: the page is there at once.
fn first_page(snapshot: &Arc<FeedSnapshot>) -> StoredPage {
    #[expect(clippy::expect_used, reason = "nothing in it waits")]
    let cut = cut(snapshot, 0, 20, &mut Known)
        .now_or_never()
        .expect("a page at once");
    StoredPage::of(snapshot, cut)
}

fn item(n: u32, now: DateTime<Utc>, formula: &FormulaConfig) -> RankedItem {
    let created_at = now - TimeDelta::seconds(i64::from(n) * 97);
    let features = Features {
        age_hours: nova_ranking::age_hours(created_at, now),
        counts: Counts {
            likes: u64::from(n * 31 % 500),
            comments: u64::from(n % 40),
            shares: u64::from(n % 9),
            impressions: u64::from(n * 113 % 9_000),
        },
        interactions: u64::from(n % 12),
    };
    RankedItem {
        ranked: Ranked {
            candidate: Candidate {
                post_id: PostId::new(Uuid::from_u128(u128::from(n) << 64 | 7)),
                author_id: UserId::new(Uuid::from_u128(u128::from(n % 150))),
                created_at,
            },
            sources: SourceSet::of(Source::Follow),
            features,
            terms: Terms::of(&features, formula),
        },
        liked: n.is_multiple_of(5),
        visibility: Visibility::Public,
        rank_before_diversity: n + 1,
    }
}

fn shown(item: &RankedItem) -> Shown {
    let counts = item.ranked.features.counts;
    Shown {
        body: PostBody {
            author_id: item.author(),
            caption: "A caption of some length, as people write them below their videos."
                .to_owned(),
            media_url: "https://media.example/0190b5a0-0000-7000-8000-00000000000a.mp4".to_owned(),
            media_type: MediaType::Video,
            duration_ms: 15_000,
            visibility: Visibility::Public,
            created_at: item.ranked.candidate.created_at,
        },
        counts: ItemCounts {
            likes: counts.likes,
            comments: counts.comments,
            shares: counts.shares,
        },
        liked: item.liked,
        post_version: Some(1),
    }
}
