//! The feed as clients read it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use nova_domain::{MediaType, PostId, SourceSet, UserId};
use nova_ranking::Ranked;
use nova_social::PostView;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::explain::{ItemExplain, PageExplain};
use crate::timings::Timings;
use crate::trace::{Degraded, RankingTrace};

/// One ranking, as pages refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = Uuid))]
pub struct SnapshotId(Uuid);

impl SnapshotId {
    /// A fresh one; later ones sort later.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// One that is known to name a ranking.
    pub(crate) const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The bare UUID, for Redis.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// The ranking a page was cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// Its name.
    pub id: SnapshotId,
    /// When the ranking was made.
    pub generated_at: DateTime<Utc>,
}

/// Where the page comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ServedFrom {
    /// A ranking that was kept and still counts.
    Cache,
    /// A ranking that was kept and is older than it should be: a new one is being made, or cannot be made.
    Stale,
    /// Ranked for this request.
    Ranked,
    /// What there is instead, while nothing can be ranked.
    Fallback,
}

impl ServedFrom {
    /// The word used in the answer and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Stale => "stale",
            Self::Ranked => "ranked",
            Self::Fallback => "fallback",
        }
    }

    /// The same for a cache's users.
    #[must_use]
    pub const fn cache_status(self) -> CacheStatus {
        match self {
            Self::Cache => CacheStatus::Hit,
            Self::Stale => CacheStatus::Stale,
            Self::Ranked | Self::Fallback => CacheStatus::Miss,
        }
    }
}

/// What the cache had: the value of `X-Nova-Cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CacheStatus {
    /// A fresh ranking.
    Hit,
    /// None that could be used.
    Miss,
    /// An old one.
    Stale,
}

impl CacheStatus {
    /// The word of the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }
}

/// Why the answer is the first page, which was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Restart {
    /// The ranking that the cursor points into is gone.
    CursorExpired,
}

/// What everybody did with a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ViewerState {
    /// Whether the viewer likes it.
    pub liked: bool,
}

/// One post of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedItem {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub caption: Arc<str>,
    /// Where the media is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub media_url: Arc<str>,
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
    /// What everybody did with it, now.
    pub counts: ItemCounts,
    /// What the viewer did with it, now.
    pub viewer: ViewerState,
    /// Why it is where it is; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub explain: Option<ItemExplain>,
}

impl FeedItem {
    /// A scored post with its content.
    pub(crate) fn new(ranked: &Ranked, view: PostView) -> Self {
        let counts = &ranked.features.counts;
        Self {
            post_id: view.post_id,
            author_id: view.author_id,
            caption: view.caption.into(),
            media_url: view.media_url.into(),
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
            explain: None,
        }
    }
}

/// A page of a feed; serializes as the public answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedPage {
    /// The posts, best first.
    pub items: Vec<FeedItem>,
    /// Where the next page begins, opaque; `null` when there are no more posts.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_cursor: Option<String>,
    /// The ranking the page was cut from.
    pub snapshot: Snapshot,
    /// Where it comes from.
    pub served_from: ServedFrom,
    /// What was left out.
    pub degraded: Vec<Degraded>,
    /// Set when this is the first page because the page asked for is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub restarted: Option<Restart>,
    /// How the ranking came about; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub explain: Option<PageExplain>,
    /// What happened to the candidates, when they were ranked for this request; not part of the answer.
    #[serde(skip)]
    pub trace: RankingTrace,
    /// How long it took, for `Server-Timing`; not part of the answer.
    #[serde(skip)]
    pub timings: Timings,
}
