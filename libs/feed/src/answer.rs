//! The feed as clients read it.

use chrono::{DateTime, Utc};
use nova_domain::{MediaType, PostId, SourceSet, UserId};
use nova_ranking::Ranked;
use nova_social::PostView;
use serde::Serialize;
use uuid::Uuid;

use crate::timings::Timings;
use crate::trace::{Degraded, RankingTrace};

/// One ranking, as pages refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct SnapshotId(Uuid);

impl SnapshotId {
    /// A fresh one; later ones sort later.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// The ranking a page was cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub id: SnapshotId,
    /// When the ranking was made.
    pub generated_at: DateTime<Utc>,
}

/// Where the page comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServedFrom {
    /// Ranked for this request.
    Ranked,
}

/// What everybody did with a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ItemCounts {
    /// Live likes.
    pub likes: u64,
    /// Live comments.
    pub comments: u64,
    /// Shares.
    pub shares: u64,
}

/// What the viewer did with a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ViewerState {
    /// Whether the viewer likes it.
    pub liked: bool,
}

/// One post of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedItem {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its text.
    pub caption: String,
    /// Where the media is.
    pub media_url: String,
    /// What kind of media.
    pub media_type: MediaType,
    /// Length in milliseconds.
    pub duration_ms: u32,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
    /// Who proposed it, highest priority first.
    pub sources: SourceSet,
    /// What it was ordered by.
    pub score: f64,
    /// What everybody did with it.
    pub counts: ItemCounts,
    /// What the viewer did with it.
    pub viewer: ViewerState,
    /// The terms of the score and what they were made of, for explaining it; not part of the plain answer.
    #[serde(skip)]
    pub ranked: Ranked,
}

impl FeedItem {
    /// A ranked post with its content.
    pub(crate) fn new(ranked: &Ranked, view: PostView) -> Self {
        let counts = &ranked.features.counts;
        Self {
            post_id: view.post_id,
            author_id: view.author_id,
            caption: view.caption,
            media_url: view.media_url,
            media_type: view.media_type,
            duration_ms: view.duration_ms,
            created_at: view.created_at,
            sources: ranked.sources,
            score: ranked.terms.score,
            counts: ItemCounts {
                likes: counts.likes,
                comments: counts.comments,
                shares: counts.shares,
            },
            viewer: ViewerState { liked: view.liked },
            ranked: *ranked,
        }
    }
}

/// A page of a feed; serializes as the public answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedPage {
    /// The posts, best first.
    pub items: Vec<FeedItem>,
    /// Where the next page begins, opaque; `null` where there are no cursors yet or no more posts.
    pub next_cursor: Option<String>,
    /// The ranking the page was cut from.
    pub snapshot: Snapshot,
    /// Where it comes from.
    pub served_from: ServedFrom,
    /// What was left out.
    pub degraded: Vec<Degraded>,
    /// What happened to the candidates; not part of the answer.
    #[serde(skip)]
    pub trace: RankingTrace,
    /// How long it took, for `Server-Timing`; not part of the answer.
    #[serde(skip)]
    pub timings: Timings,
}

#[cfg(test)]
mod tests {
    use nova_domain::{Candidate, Source, Visibility};
    use nova_ranking::{Counts, Features, FormulaConfig, Terms};

    use super::*;

    #[test]
    fn the_answer_as_clients_read_it() {
        let id = |n| Uuid::from_u128(n);
        let created_at = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        let features = Features {
            age_hours: 1.0,
            counts: Counts {
                likes: 3,
                comments: 2,
                shares: 1,
                impressions: 10,
            },
            interactions: 4,
        };
        let ranked = Ranked {
            candidate: Candidate {
                post_id: PostId::new(id(1)),
                author_id: UserId::new(id(2)),
                created_at,
            },
            sources: [Source::Trending, Source::Follow].into_iter().collect(),
            features,
            terms: Terms::of(&features, &FormulaConfig::default()),
        };
        let view = PostView {
            post_id: PostId::new(id(1)),
            author_id: UserId::new(id(2)),
            caption: "a caption".to_owned(),
            media_url: "https://media.example/1.mp4".to_owned(),
            media_type: MediaType::Video,
            duration_ms: 15_000,
            visibility: Visibility::Public,
            created_at,
            liked: true,
        };
        let page = FeedPage {
            items: vec![FeedItem::new(&ranked, view)],
            next_cursor: None,
            snapshot: Snapshot {
                id: SnapshotId(id(3)),
                generated_at: created_at,
            },
            served_from: ServedFrom::Ranked,
            degraded: vec![
                Degraded::Source(Source::Affinity),
                Degraded::Counts,
                Degraded::Interactions,
            ],
            trace: RankingTrace::default(),
            timings: Timings::default(),
        };
        insta::assert_json_snapshot!(page);
    }
}
