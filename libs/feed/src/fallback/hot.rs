//! What everybody engages with most, as the last job left it in Redis.

use std::iter;

use nova_cache::PostRow;
use nova_domain::{Candidate, PostId, Source, Visibility};
use nova_ranking::Counts;

use super::{Offer, Seen};
use crate::posts::Posts;
use crate::serve::{Ranker, Run};

/// Hot posts that stand in for a ranking, at most: five pages, for as long as nothing can be ranked. Each is asked of
/// PostgreSQL, and there are many such requests when there is too much to do.
const MOST_POSTS: usize = 100;

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
            .take(MOST_POSTS)
            .map(|post| Candidate {
                post_id: post.post_id,
                author_id: post.author_id,
                created_at: post.created_at,
            })
            .collect();
        let seen = self.seen_by_viewer(candidates).await?;
        let ids: Vec<PostId> = seen.iter().map(|seen| seen.candidate.post_id).collect();
        let rows = self
            .redis(cache.served_counters(&ids))
            .await
            .unwrap_or_default();
        let rows = rows.into_iter().chain(iter::repeat(None));
        let there = seen.into_iter().zip(rows).filter_map(|(seen, row)| {
            let deleted = row.as_ref().is_some_and(|row| row.deleted);
            let counts = row.as_ref().map(counts).unwrap_or_default();
            (!deleted).then_some(seen.offer(Source::Trending, counts))
        });
        Some(there.collect())
    }

    /// Which of these public posts the viewer may see, and likes: PostgreSQL says it, else the blocks it told of at the
    /// last ranking. Where these are not known either, only authors just followed are safe.
    async fn seen_by_viewer(&mut self, candidates: Vec<Candidate>) -> Option<Vec<Seen>> {
        if let Some(judged) = self.judged(&candidates).await {
            return Some(judged);
        }
        let cache = self.engine.cache.as_ref()?;
        let blocks = self.redis(cache.blocks(self.viewer)).await?;
        let safe = candidates.into_iter().filter(|candidate| {
            let author = candidate.author_id;
            match &blocks {
                Some(blocks) => !blocks.contains(&author),
                None => self.overlay.follows.get(&author) == Some(&true),
            }
        });
        let seen = safe.map(|candidate| Seen {
            candidate,
            liked: false,
            visibility: Visibility::Public,
        });
        Some(seen.collect())
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
