//! What everybody engages with most, as the last job left it in Redis.

use nova_cache::PostRow;
use nova_domain::{Candidate, Source, Visibility};
use nova_ranking::Counts;

use super::{Offer, posts};
use crate::error::Unavailable;
use crate::posts::Posts;
use crate::serve::{Ranker, Run};
use crate::trace::Degraded;

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// The hot posts that the viewer may see. Nothing when nobody says what may be seen.
    pub(super) async fn hot(&mut self) -> Vec<Offer> {
        self.known_hot().await.unwrap_or_default()
    }

    /// None when Redis or whoever says what may be seen does not answer.
    async fn known_hot(&mut self) -> Option<Vec<Offer>> {
        let cache = self.engine.cache.as_ref()?;
        let hot = self.redis(cache.hot_posts()).await??;
        let candidates: Vec<Candidate> = hot
            .iter()
            .filter(|post| post.author_id != self.viewer && !self.blocked(post.author_id))
            .map(|post| Candidate {
                post_id: post.post_id,
                author_id: post.author_id,
                created_at: post.created_at,
            })
            .collect();
        let seen = self.seen_by_viewer(candidates).await?;
        let ids = posts(&seen.iter().map(|(c, ..)| *c).collect::<Vec<_>>());
        let rows = self.redis(cache.counters(&ids)).await.unwrap_or_default();
        let mut offers = Vec::with_capacity(seen.len());
        for (place, (candidate, liked, visibility)) in seen.into_iter().enumerate() {
            let row = rows.get(place).and_then(Option::as_ref);
            if row.is_none_or(|row| !row.deleted) {
                offers.push(Offer {
                    candidate,
                    source: Source::Trending,
                    counts: row.map(counts).unwrap_or_default(),
                    liked,
                    visibility,
                });
            }
        }
        Some(offers)
    }

    /// Which of these public posts the viewer may see, and likes: PostgreSQL says it, else the blocks it told of at the
    /// last ranking. Where these are not known either, only authors just followed are safe.
    async fn seen_by_viewer(
        &mut self,
        candidates: Vec<Candidate>,
    ) -> Option<Vec<(Candidate, bool, Visibility)>> {
        let engine = self.engine;
        let ids = posts(&candidates);
        let verdicts = self.budget.require(
            &engine.guards.postgres,
            engine.config.posts_deadline,
            "the visibility check",
            engine.posts.verdicts(self.viewer, &ids),
            Unavailable::posts,
        );
        if let Ok(verdicts) = verdicts.await {
            let visible = candidates.into_iter().filter_map(|candidate| {
                let verdict = verdicts.posts.get(&candidate.post_id)?;
                let seen = (candidate, verdict.liked, verdict.visibility);
                verdict.visible.then_some(seen)
            });
            return Some(visible.collect());
        }
        self.notes.without(Degraded::Posts);
        let cache = engine.cache.as_ref()?;
        let blocks = self.redis(cache.blocks(self.viewer)).await?;
        let safe = candidates.into_iter().filter(|candidate| {
            let author = candidate.author_id;
            match &blocks {
                Some(blocks) => !blocks.contains(&author),
                None => self.overlay.follows.get(&author) == Some(&true),
            }
        });
        Some(safe.map(|c| (c, false, Visibility::Public)).collect())
    }
}

/// What is not known counts as nothing, for the order.
fn counts(row: &PostRow) -> Counts {
    Counts {
        likes: row.likes.unwrap_or_default(),
        comments: row.comments.unwrap_or_default(),
        shares: row.shares.unwrap_or_default(),
        impressions: row.impressions.unwrap_or_default(),
    }
}
