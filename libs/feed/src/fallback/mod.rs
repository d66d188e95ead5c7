//! What a viewer gets when nothing can be ranked: the last ranking whatever its age, else what is hot, else the newest
//! posts of followed authors.

mod follow;
mod hot;

pub(crate) use hot::Hot;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use nova_domain::{Candidate, PostId, Source, SourceSet, UserId, Visibility};
use nova_ranking::{Counts, Features, FormulaConfig, Ranked, Terms, age_hours, rank_order};

use crate::answer::{FeedPage, ServedFrom, SnapshotId};
use crate::error::Unavailable;
use crate::posts::Posts;
use crate::rank_types::RankedItem;
use crate::serve::{Place, Ranker, Run, Wanted};
use crate::snapshot::{FeedSnapshot, Kind, Story};
use crate::trace::Degraded;

/// A post of a fallback, before it is scored.
#[derive(Debug, Clone, Copy)]
struct Offer {
    candidate: Candidate,
    source: Source,
    counts: Counts,
    liked: bool,
    visibility: Visibility,
}

/// A post that the viewer may see.
#[derive(Debug, Clone, Copy)]
struct Seen {
    candidate: Candidate,
    liked: bool,
    visibility: Visibility,
}

impl Seen {
    fn offer(self, source: Source, counts: Counts) -> Offer {
        Offer {
            candidate: self.candidate,
            source,
            counts,
            liked: self.liked,
            visibility: self.visibility,
        }
    }
}

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// The best there is, or `why` there is no ranking.
    pub(crate) async fn fallback(
        &mut self,
        why: Unavailable,
        wanted: Wanted,
    ) -> Result<FeedPage, Unavailable> {
        tracing::debug!(%why, "nothing could be ranked");
        for what in missing(&why) {
            self.notes.without(*what);
        }
        let last = match wanted.last.or_else(|| self.last_shown()) {
            Some(id) => self.snapshot(id).await,
            None => None,
        };
        let (ranking, substitute) = match last {
            Some(last) if last.kind == Kind::Ranking => (Some(last), None),
            last => (None, last),
        };
        if let Some(ranking) = ranking
            && let Some(page) = self.again(&ranking, wanted.place).await
        {
            return Ok(page);
        }
        // Further down, the list that the viewer is in the middle of goes before a new one.
        if wanted.place.start > 0
            && let Some(substitute) = &substitute
            && let Some(page) = self.again(substitute, wanted.place).await
        {
            return Ok(page);
        }
        let offers = self.offers().await;
        if !offers.is_empty()
            && let Some(page) = self.substitute(&offers, wanted.place).await
        {
            return Ok(page);
        }
        if let Some(substitute) = substitute
            && let Some(page) = self.again(&substitute, wanted.place).await
        {
            return Ok(page);
        }
        Err(why)
    }

    /// What is hot; where that fills no page, the newest posts of followed authors as well.
    async fn offers(&mut self) -> Vec<Offer> {
        let mut offers = self.hot().await;
        if offers.len() < self.limit as usize {
            let known: HashSet<PostId> = offers.iter().map(|o| o.candidate.post_id).collect();
            let mut followed = self.followed().await;
            followed.retain(|offer| !known.contains(&offer.candidate.post_id));
            offers.append(&mut followed);
        }
        offers
    }

    /// Which of these posts the viewer may see, and likes, as PostgreSQL says; none when it does not.
    async fn judged(&mut self, candidates: &[Candidate]) -> Option<Vec<Seen>> {
        let engine = self.engine;
        let ids = posts(candidates);
        let verdicts = engine.posts.verdicts(self.viewer, &ids);
        let verdicts = self.postgres("the visibility check", verdicts).await.ok()?;
        let visible = candidates.iter().filter_map(|candidate| {
            let verdict = verdicts.posts.get(&candidate.post_id)?;
            verdict.visible.then_some(Seen {
                candidate: *candidate,
                liked: verdict.liked,
                visibility: verdict.visibility,
            })
        });
        Some(visible.collect())
    }

    /// A page of what was shown before.
    async fn again(&mut self, last: &Arc<FeedSnapshot>, place: Place) -> Option<FeedPage> {
        if place.offset == Some(0) {
            self.start_walk(last.id).await;
        }
        let page = self.page_of(last, place, ServedFrom::Stale).await;
        page.ok().filter(|page| !page.items.is_empty())
    }

    /// A page of a list that stands in for a ranking. It is kept as a ranking is, so that its pages fit each other, but
    /// never counts as fresh.
    async fn substitute(&mut self, offers: &[Offer], place: Place) -> Option<FeedPage> {
        for &source in Source::ALL {
            self.notes.without(Degraded::Source(source));
        }
        let now = self.now;
        let formula = self.engine.config.formula;
        let snapshot = Arc::new(FeedSnapshot {
            id: SnapshotId::generate(),
            viewer: self.viewer,
            generated_at: now,
            formula,
            kind: Kind::Fallback,
            degraded: self.notes.degraded(&[]),
            story: Story::default(),
            items: scored(offers, now, &formula),
        });
        self.engine.memory.keep_snapshot(Arc::clone(&snapshot));
        self.keep_snapshot(&snapshot, NEVER_FRESH, true).await;
        let page = self.page_of(&snapshot, place, ServedFrom::Fallback).await;
        page.ok()
    }

    /// Whom the viewer has blocked or been blocked by since Redis was told.
    fn blocked(&self, author: UserId) -> bool {
        self.overlay.blocks.get(&author) == Some(&true)
    }
}

/// Older than any ranking.
const NEVER_FRESH: i64 = 0;

/// What the answer lacks for this reason.
fn missing(why: &Unavailable) -> &'static [Degraded] {
    const SOURCES: [Degraded; 3] = [
        Degraded::Source(Source::Follow),
        Degraded::Source(Source::Trending),
        Degraded::Source(Source::Affinity),
    ];
    match why {
        Unavailable::Sources | Unavailable::Late { .. } => &SOURCES,
        Unavailable::Posts(_) => &[Degraded::Posts],
        Unavailable::Resting { server: "postgres" } => &[Degraded::Posts],
        Unavailable::Resting { .. } => &SOURCES,
        // Nothing is broken: the answer says `stale` or `fallback`.
        Unavailable::Busy | Unavailable::Lost => &[],
    }
}

/// In the order that their scores make; nothing is known of the viewer's interactions.
fn scored(offers: &[Offer], now: DateTime<Utc>, formula: &FormulaConfig) -> Vec<RankedItem> {
    let mut items: Vec<RankedItem> = offers
        .iter()
        .map(|offer| {
            let features = Features {
                age_hours: age_hours(offer.candidate.created_at, now),
                counts: offer.counts,
                interactions: 0,
            };
            RankedItem {
                ranked: Ranked {
                    candidate: offer.candidate,
                    sources: SourceSet::of(offer.source),
                    features,
                    terms: Terms::of(&features, formula),
                },
                liked: offer.liked,
                visibility: offer.visibility,
                rank_before_diversity: 0,
            }
        })
        .collect();
    items.sort_unstable_by(|a, b| rank_order(&a.ranked, &b.ranked));
    for (rank, item) in (1..).zip(&mut items) {
        item.rank_before_diversity = rank;
    }
    items
}

fn posts(candidates: &[Candidate]) -> Vec<PostId> {
    candidates.iter().map(|c| c.post_id).collect()
}
