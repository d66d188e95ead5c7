//! What everybody engages with most, as the last job left it in Redis.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nova_cache::{HotPost, PostRow};
use nova_domain::{Candidate, PostId, Source, Visibility};
use nova_ranking::Counts;
use tokio::time::Instant;

use super::{Offer, Seen};
use crate::posts::Posts;
use crate::serve::{Ranker, Run};

/// Hot posts that stand in for a ranking, at most: five pages, for as long as nothing can be ranked. Each is asked of
/// PostgreSQL, and there are many such requests when there is too much to do.
const MOST_POSTS: usize = 100;

/// So long a process's requests share the list and its counts, which are the same for every viewer: a job makes the list once a
/// minute, and a page asks for the counts of its own posts. When nothing can be ranked every request needs it, and
/// asking Redis for it each time is most of what such a request costs.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// The list, and what Redis knew of its posts.
#[derive(Debug)]
pub(crate) struct Hot {
    posts: Vec<HotPost>,
    rows: HashMap<PostId, PostRow>,
}

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// The hot posts that the viewer may see. Nothing when nobody says what may be seen.
    pub(super) async fn hot(&mut self) -> Vec<Offer> {
        self.known_hot().await.unwrap_or_default()
    }

    /// None when Redis or whoever says what may be seen does not answer.
    async fn known_hot(&mut self) -> Option<Vec<Offer>> {
        let hot = self.hot_list().await?;
        let candidates: Vec<Candidate> = hot
            .posts
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
        let there = seen.into_iter().filter_map(|seen| {
            let row = hot.rows.get(&seen.candidate.post_id);
            let deleted = row.is_some_and(|row| row.deleted);
            let counts = row.map(counts).unwrap_or_default();
            (!deleted).then_some(seen.offer(Source::Trending, counts))
        });
        Some(there.collect())
    }

    /// The list of the moment, or of a moment ago. None when there is none, or Redis does not answer.
    async fn hot_list(&mut self) -> Option<Arc<Hot>> {
        let cache = self.cache()?;
        if let Some(hot) = self.engine.hot.within(SHARED_FOR) {
            return Some(hot);
        }
        let asked = Instant::now();
        let posts = self.redis(cache.hot_posts()).await??;
        let ids: Vec<PostId> = posts.iter().map(|post| post.post_id).collect();
        let rows = self.redis(cache.served_counters(&ids)).await;
        let whole = rows.is_some();
        let known = ids.into_iter().zip(rows.unwrap_or_default());
        let rows = known.filter_map(|(id, row)| Some((id, row?))).collect();
        let hot = Arc::new(Hot { posts, rows });
        if whole {
            self.engine.hot.keep(Arc::clone(&hot), asked);
        }
        Some(hot)
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
