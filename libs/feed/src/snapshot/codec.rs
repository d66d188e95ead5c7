//! A snapshot as bytes: a version, then postcard. About 30 bytes per item: the post's id, the author as an index, the
//! age, and the numbers the score was made of; terms and score are computed again, exactly.

use std::collections::HashMap;

use chrono::DateTime;
use nova_domain::{Candidate, PostId, Source, SourceSet, UserId, Visibility};
use nova_ranking::{Counts, Features, FormulaConfig, Ranked, Terms, age_hours};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{FeedSnapshot, FilterStory, Kind, SourceStory, Story};
use crate::answer::SnapshotId;
use crate::rank_types::RankedItem;
use crate::trace::Degraded;

/// The first byte. Another one was written by another version of Nova: the snapshot is as good as gone.
const VERSION: u8 = 1;

/// Why bytes are no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// Written by another version.
    #[error("the snapshot has version {0:?}, not {VERSION}")]
    Version(Option<u8>),
    /// Not what this version writes.
    #[error("the snapshot cannot be read: {0}")]
    Malformed(&'static str),
}

#[derive(Serialize, Deserialize)]
struct Wire {
    id: [u8; 16],
    viewer: [u8; 16],
    generated_us: i64,
    formula: FormulaConfig,
    fallback: bool,
    degraded: Vec<String>,
    sources: Vec<WireSource>,
    filters: Vec<(String, u32, u32, u32)>,
    deferred: Option<u32>,
    authors: Vec<[u8; 16]>,
    items: Vec<WireItem>,
}

#[derive(Serialize, Deserialize)]
struct WireSource {
    source: Source,
    candidates: u32,
    outcome: String,
    micros: u64,
}

#[derive(Serialize, Deserialize)]
struct WireItem {
    post: [u8; 16],
    /// Index into `authors`.
    author: u32,
    /// Of the ranking minus that of the post.
    age_us: i64,
    flags: u8,
    likes: u64,
    comments: u64,
    shares: u64,
    impressions: u64,
    interactions: u64,
    /// Rank before diversity minus rank.
    moved: i64,
}

const LIKED: u8 = 1 << 3;
const FOLLOWERS: u8 = 1 << 4;
const PRIVATE: u8 = 1 << 5;

/// The bytes to keep.
pub(crate) fn encode(snapshot: &FeedSnapshot) -> Vec<u8> {
    let generated_us = snapshot.generated_at.timestamp_micros();
    let mut authors = Vec::new();
    let mut places: HashMap<UserId, u32> = HashMap::new();
    let mut next = 0;
    let mut place = |author: UserId| {
        *places.entry(author).or_insert_with(|| {
            authors.push(author.uuid().into_bytes());
            let place = next;
            next += 1;
            place
        })
    };
    let items = (1_i64..).zip(&snapshot.items).map(|(rank, item)| {
        let (candidate, features) = (item.ranked.candidate, item.ranked.features);
        WireItem {
            post: candidate.post_id.uuid().into_bytes(),
            author: place(candidate.author_id),
            age_us: generated_us.wrapping_sub(candidate.created_at.timestamp_micros()),
            flags: flags(item),
            likes: features.counts.likes,
            comments: features.counts.comments,
            shares: features.counts.shares,
            impressions: features.counts.impressions,
            interactions: features.interactions,
            moved: i64::from(item.rank_before_diversity) - rank,
        }
    });
    let items: Vec<WireItem> = items.collect();
    let wire = Wire {
        id: snapshot.id.uuid().into_bytes(),
        viewer: snapshot.viewer.uuid().into_bytes(),
        generated_us,
        formula: snapshot.formula,
        fallback: snapshot.kind == Kind::Fallback,
        degraded: snapshot.degraded.iter().map(ToString::to_string).collect(),
        sources: snapshot.story.sources.iter().map(WireSource::of).collect(),
        filters: snapshot.story.filters.iter().map(wire_filter).collect(),
        deferred: snapshot.story.deferred,
        authors,
        items,
    };
    // Writing to a growing buffer cannot fail; an empty one would be read as no snapshot.
    postcard::to_extend(&wire, vec![VERSION]).unwrap_or_default()
}

/// The snapshot that was kept.
pub(crate) fn decode(bytes: &[u8]) -> Result<FeedSnapshot, DecodeError> {
    let (version, body) = bytes.split_first().ok_or(DecodeError::Version(None))?;
    if *version != VERSION {
        return Err(DecodeError::Version(Some(*version)));
    }
    let wire: Wire =
        postcard::from_bytes(body).map_err(|_| DecodeError::Malformed("its structure"))?;
    let generated_at = DateTime::from_timestamp_micros(wire.generated_us)
        .ok_or(DecodeError::Malformed("its time"))?;
    let degraded = wire
        .degraded
        .iter()
        .map(|word| Degraded::of_word(word).ok_or(DecodeError::Malformed("what was left out")));
    let degraded = degraded.collect::<Result<_, _>>()?;
    let items = (1_i64..).zip(&wire.items).map(|(rank, item)| {
        let author = usize::try_from(item.author).ok();
        let author = author.and_then(|place| wire.authors.get(place));
        let author = author.ok_or(DecodeError::Malformed("an author"))?;
        let created_us = wire.generated_us.wrapping_sub(item.age_us);
        let created_at = DateTime::from_timestamp_micros(created_us)
            .ok_or(DecodeError::Malformed("the time of a post"))?;
        let features = Features {
            age_hours: age_hours(created_at, generated_at),
            counts: Counts {
                likes: item.likes,
                comments: item.comments,
                shares: item.shares,
                impressions: item.impressions,
            },
            interactions: item.interactions,
        };
        Ok(RankedItem {
            ranked: Ranked {
                candidate: Candidate {
                    post_id: PostId::new(Uuid::from_bytes(item.post)),
                    author_id: UserId::new(Uuid::from_bytes(*author)),
                    created_at,
                },
                sources: sources(item.flags),
                features,
                terms: Terms::of(&features, &wire.formula),
            },
            liked: item.flags & LIKED != 0,
            visibility: visibility(item.flags),
            rank_before_diversity: u32::try_from(rank.wrapping_add(item.moved))
                .map_err(|_| DecodeError::Malformed("a rank"))?,
        })
    });
    let items = items.collect::<Result<_, _>>()?;
    Ok(FeedSnapshot {
        id: SnapshotId::new(Uuid::from_bytes(wire.id)),
        viewer: UserId::new(Uuid::from_bytes(wire.viewer)),
        generated_at,
        formula: wire.formula,
        kind: if wire.fallback {
            Kind::Fallback
        } else {
            Kind::Ranking
        },
        degraded,
        story: Story {
            sources: wire.sources.into_iter().map(SourceStory::from).collect(),
            filters: wire.filters.into_iter().map(filter_story).collect(),
            deferred: wire.deferred,
        },
        items,
    })
}

fn flags(item: &RankedItem) -> u8 {
    let sources = Source::ALL
        .iter()
        .enumerate()
        .filter(|(_, source)| item.ranked.sources.contains(**source));
    let sources = sources.fold(0, |flags, (bit, _)| flags | 1 << bit);
    let liked = if item.liked { LIKED } else { 0 };
    let visibility = match item.visibility {
        Visibility::Public => 0,
        Visibility::Followers => FOLLOWERS,
        Visibility::Private => PRIVATE,
    };
    sources | liked | visibility
}

fn sources(flags: u8) -> SourceSet {
    let set = Source::ALL.iter().enumerate();
    set.filter(|(bit, _)| flags & (1 << bit) != 0)
        .map(|(_, source)| *source)
        .collect()
}

fn visibility(flags: u8) -> Visibility {
    match (flags & FOLLOWERS != 0, flags & PRIVATE != 0) {
        (false, false) => Visibility::Public,
        (true, _) => Visibility::Followers,
        (false, true) => Visibility::Private,
    }
}

impl WireSource {
    fn of(story: &SourceStory) -> Self {
        Self {
            source: story.source,
            candidates: story.candidates,
            outcome: story.outcome.clone(),
            micros: story.micros,
        }
    }
}

impl From<WireSource> for SourceStory {
    fn from(wire: WireSource) -> Self {
        Self {
            source: wire.source,
            candidates: wire.candidates,
            outcome: wire.outcome,
            micros: wire.micros,
        }
    }
}

fn wire_filter(story: &FilterStory) -> (String, u32, u32, u32) {
    (story.filter.clone(), story.kept, story.removed, story.moved)
}

fn filter_story((filter, kept, removed, moved): (String, u32, u32, u32)) -> FilterStory {
    FilterStory {
        filter,
        kept,
        removed,
        moved,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::*;

    const NOW_US: i64 = 1_800_000_000_123_456;

    prop_compose! {
        fn item(formula: FormulaConfig)(
            (post, author) in (any::<u128>(), 0..20_u128),
            age_us in prop_oneof![-3_600_000_000..260_000_000_000_i64, any::<i32>().prop_map(i64::from)],
            sources in subsequence(Source::ALL, 0..=3),
            (liked, visibility) in (any::<bool>(), prop::sample::select(Visibility::ALL)),
            (likes, comments, shares, impressions) in (any::<u64>(), 0..500_u64, any::<u32>(), any::<u64>()),
            (interactions, rank_before_diversity) in (any::<u64>(), any::<u32>()),
        ) -> RankedItem {
            let created_at = DateTime::from_timestamp_micros(NOW_US - age_us).unwrap();
            let now = DateTime::from_timestamp_micros(NOW_US).unwrap();
            let features = Features {
                age_hours: age_hours(created_at, now),
                counts: Counts { likes, comments, shares: u64::from(shares), impressions },
                interactions,
            };
            RankedItem {
                ranked: Ranked {
                    candidate: Candidate {
                        post_id: PostId::new(Uuid::from_u128(post)),
                        author_id: UserId::new(Uuid::from_u128(author)),
                        created_at,
                    },
                    sources: sources.into_iter().collect(),
                    features,
                    terms: Terms::of(&features, &formula),
                },
                liked,
                visibility,
                rank_before_diversity,
            }
        }
    }

    prop_compose! {
        fn formula()(freshness in 0.0..2.0, engagement in 0.0..2.0, affinity in 0.1..2.0, decay in 0.0..1.0)
            -> FormulaConfig
        {
            let mut formula = FormulaConfig { decay_per_hour: decay, ..FormulaConfig::default() };
            formula.weights.freshness = freshness;
            formula.weights.engagement = engagement;
            formula.weights.affinity = affinity;
            formula
        }
    }

    fn snapshot() -> impl Strategy<Value = FeedSnapshot> {
        let items = formula().prop_flat_map(|formula| (Just(formula), vec(item(formula), 0..40)));
        let degraded = subsequence(Degraded::ALL, 0..=Degraded::ALL.len());
        (items, degraded, any::<(u128, u128, bool)>()).prop_map(
            |((formula, items), degraded, (id, viewer, fallback))| FeedSnapshot {
                id: SnapshotId::new(Uuid::from_u128(id)),
                viewer: UserId::new(Uuid::from_u128(viewer)),
                generated_at: DateTime::from_timestamp_micros(NOW_US).unwrap(),
                formula,
                kind: if fallback {
                    Kind::Fallback
                } else {
                    Kind::Ranking
                },
                degraded,
                story: Story {
                    sources: vec![SourceStory {
                        source: Source::Trending,
                        candidates: 200,
                        outcome: "ok".to_owned(),
                        micros: 12_345,
                    }],
                    filters: vec![FilterStory {
                        filter: "own".to_owned(),
                        kept: 198,
                        removed: 2,
                        moved: 7,
                    }],
                    deferred: Some(5),
                },
                items,
            },
        )
    }

    proptest! {
        /// Equality of the terms is equality of every bit that matters: the order was made by them.
        #[test]
        fn a_snapshot_comes_back_as_it_was(snapshot in snapshot()) {
            let back = decode(&encode(&snapshot)).unwrap();
            prop_assert_eq!(&back, &snapshot);
        }

        #[test]
        fn damage_never_panics(snapshot in snapshot(), place: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let mut bytes = encode(&snapshot);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let _ = decode(&bytes);
            let _ = decode(&bytes[..cut.index(bytes.len())]);
        }
    }

    #[test]
    fn another_version_is_no_snapshot() {
        assert_eq!(decode(&[]), Err(DecodeError::Version(None)));
        assert_eq!(decode(&[2, 0]), Err(DecodeError::Version(Some(2))));
        assert_eq!(
            decode(&[VERSION, 0]),
            Err(DecodeError::Malformed("its structure"))
        );
    }
}
