//! A hot post as an item of a feed.

use chrono::{DateTime, Utc};
use nova_cache::HotPost;
use nova_domain::{Candidate, Source, SourceSet};
use nova_ranking::{Counts, Features, Ranked, Terms, age_hours};
use nova_social::PostView;

use crate::answer::FeedItem;

/// An item whose score is the hot score, which knows no viewer: there is no affinity in it.
pub(crate) fn item(hot: &HotPost, view: PostView, counts: Counts, now: DateTime<Utc>) -> FeedItem {
    let ranked = Ranked {
        candidate: Candidate {
            post_id: view.post_id,
            author_id: view.author_id,
            created_at: view.created_at,
        },
        sources: SourceSet::of(Source::Trending),
        features: Features {
            age_hours: age_hours(view.created_at, now),
            counts,
            interactions: 0,
        },
        terms: Terms {
            freshness: hot.freshness,
            engagement: hot.engagement,
            affinity: 0.0,
            score: hot.score,
        },
    };
    FeedItem::new(&ranked, view)
}
