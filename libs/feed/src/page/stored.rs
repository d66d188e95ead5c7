//! A page as it is kept: everything an answer needs but what is asked of Redis on every request.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use nova_domain::{MediaType, PostId, Source, SourceSet, UserId, Visibility};
use serde::{Deserialize, Deserializer, Serialize};

use crate::answer::{FeedItem, ItemCounts, SnapshotId, ViewerState};
use crate::page::{Cut, Shown};
use crate::rank_types::RankedItem;
use crate::snapshot::{FeedSnapshot, Kind};
use crate::trace::Degraded;

/// Another number was written by another version of Nova: the page is as good as absent.
const VERSION: u8 = 1;

/// One page of one snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredPage {
    version: u8,
    /// Its snapshot; stands before the page in Redis.
    #[serde(skip, default = "nil")]
    pub(crate) snapshot: SnapshotId,
    pub(crate) generated_at: DateTime<Utc>,
    pub(crate) fallback: bool,
    #[serde(deserialize_with = "degraded")]
    pub(crate) degraded: Vec<Degraded>,
    /// Index in the snapshot of the first item the page covers.
    pub(crate) start: u32,
    /// Index in the snapshot where the next page begins.
    pub(crate) end: u32,
    /// Whether the snapshot goes on there.
    pub(crate) more: bool,
    pub(crate) items: Vec<StoredItem>,
}

/// One item of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredItem {
    pub(crate) post_id: PostId,
    pub(crate) author_id: UserId,
    /// Shared with the answers made of it.
    caption: Arc<str>,
    media_url: Arc<str>,
    media_type: MediaType,
    duration_ms: u32,
    created_at: DateTime<Utc>,
    #[serde(deserialize_with = "sources")]
    sources: SourceSet,
    /// As bits: a decimal would have to be read back to the last of them.
    #[serde(with = "bits")]
    score: f64,
    /// As of the page.
    pub(crate) counts: ItemCounts,
    /// As of the page.
    pub(crate) liked: bool,
    /// Whether it goes when the viewer unfollows its author.
    pub(crate) follow_only: bool,
    /// The newest change of the post that was known when the page was cut: with another one it may show something else.
    pub(crate) post_version: Option<u64>,
    /// Index in the snapshot.
    pub(crate) index: u32,
}

impl StoredPage {
    /// What was cut.
    pub(crate) fn of(snapshot: &FeedSnapshot, cut: Cut) -> Self {
        Self {
            version: VERSION,
            snapshot: snapshot.id,
            generated_at: snapshot.generated_at,
            fallback: snapshot.kind == Kind::Fallback,
            degraded: snapshot.degraded.clone(),
            start: cut.start,
            end: cut.end,
            more: cut.more,
            items: cut.items,
        }
    }

    /// The bytes to keep.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// The page that was kept; none when another version of Nova kept it.
    pub(crate) fn from_json(
        snapshot: SnapshotId,
        json: &[u8],
    ) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u8,
        }
        if serde_json::from_slice::<Version>(json)?.version != VERSION {
            return Ok(None);
        }
        let page: Self = serde_json::from_slice(json)?;
        Ok(Some(Self { snapshot, ..page }))
    }

    /// Where the page after it begins, as offset and as index. All pages but the last are full.
    pub(crate) fn next(&self, offset: u32) -> (u32, u32) {
        let shown = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        (offset.saturating_add(shown), self.end)
    }

    /// The posts on it, in order.
    pub(crate) fn posts(&self) -> Vec<PostId> {
        self.items.iter().map(|item| item.post_id).collect()
    }

    /// Roughly what it takes in memory, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let texts = self
            .items
            .iter()
            .map(|item| item.caption.len() + item.media_url.len());
        size_of::<Self>() + self.items.len() * size_of::<StoredItem>() + texts.sum::<usize>()
    }
}

impl StoredItem {
    /// A ranked post with what it shows.
    pub(crate) fn new(item: &RankedItem, index: u32, shown: Shown) -> Self {
        Self {
            post_id: item.post(),
            author_id: item.author(),
            caption: shown.body.caption.into(),
            media_url: shown.body.media_url.into(),
            media_type: shown.body.media_type,
            duration_ms: shown.body.duration_ms,
            created_at: item.ranked.candidate.created_at,
            sources: item.ranked.sources,
            score: item.ranked.terms.score,
            counts: shown.counts,
            liked: shown.liked,
            follow_only: item.follow_only() || shown.body.visibility == Visibility::Followers,
            post_version: shown.post_version,
            index,
        }
    }

    /// The item with the counts of the moment.
    pub(crate) fn answer(&self, counts: ItemCounts, liked: bool) -> FeedItem {
        FeedItem {
            post_id: self.post_id,
            author_id: self.author_id,
            caption: Arc::clone(&self.caption),
            media_url: Arc::clone(&self.media_url),
            media_type: self.media_type,
            duration_ms: self.duration_ms,
            created_at: self.created_at,
            sources: self.sources,
            score: self.score,
            counts,
            viewer: ViewerState { liked },
            explain: None,
        }
    }
}

fn nil() -> SnapshotId {
    SnapshotId::new(uuid::Uuid::nil())
}

fn degraded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Degraded>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    words
        .iter()
        .map(|word| {
            Degraded::of_word(word)
                .ok_or_else(|| serde::de::Error::custom(format!("`{word}` is not left out")))
        })
        .collect()
}

fn sources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SourceSet, D::Error> {
    Ok(Vec::<Source>::deserialize(deserializer)?
        .into_iter()
        .collect())
}

mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde asks for"
    )]
    pub(super) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        number.to_bits().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}
