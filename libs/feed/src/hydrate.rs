//! The last stage: a page of the ranked list with the content of its posts.

use std::collections::HashMap;

use nova_domain::{PostId, UserId};
use nova_ranking::{Ranked, page};
use nova_social::PostView;

use crate::answer::FeedItem;
use crate::budget::Budget;
use crate::error::Unavailable;
use crate::posts::Posts;

/// How often a page is topped up. Each round is one query; a post vanishes between the ranking and the page within
/// milliseconds only, so one round is rare.
const MAX_REFILLS: usize = 3;

/// A page and how many posts had vanished on the way to it.
pub(crate) struct Filled {
    pub(crate) items: Vec<FeedItem>,
    pub(crate) vanished: usize,
}

/// Cuts `offset .. offset + limit` and fills it in. Where a post vanished since the ranking (deleted, blocked), those
/// behind it move up and the page is topped up from what follows, as the next ranking would have it.
pub(crate) async fn fill(
    posts: &impl Posts,
    viewer: UserId,
    ranked: &[Ranked],
    offset: usize,
    limit: usize,
    budget: &Budget,
) -> Result<Filled, Unavailable> {
    let mut items = Vec::with_capacity(limit.min(ranked.len()));
    let mut vanished = 0;
    let mut next = offset;
    for _ in 0..=MAX_REFILLS {
        let wanted = page(ranked, next, limit - items.len());
        if wanted.is_empty() {
            break;
        }
        next += wanted.len();
        let ids: Vec<PostId> = wanted.iter().map(|post| post.candidate.post_id).collect();
        let views = budget
            .require("hydration", posts.hydrate(viewer, &ids), Unavailable::Posts)
            .await?;
        let mut views: HashMap<PostId, PostView> =
            views.into_iter().map(|view| (view.post_id, view)).collect();
        for post in wanted {
            match views.remove(&post.candidate.post_id) {
                Some(view) => items.push(FeedItem::new(post, view)),
                None => vanished += 1,
            }
        }
    }
    Ok(Filled { items, vanished })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use chrono::DateTime;
    use nova_domain::{Candidate, MediaType, Source, SourceSet, Visibility};
    use nova_ranking::{Counts, Features, Terms};
    use nova_social::SocialError;

    use super::*;
    use crate::config::FeedConfig;

    /// Shows every post but the vanished ones; answers in reverse order, which is not the page's.
    struct Shelf {
        vanished: HashSet<PostId>,
        asked: Mutex<Vec<usize>>,
    }

    impl Posts for Shelf {
        async fn visible_posts(
            &self,
            _: UserId,
            posts: &[PostId],
        ) -> Result<HashSet<PostId>, SocialError> {
            Ok(posts.iter().copied().collect())
        }

        async fn hydrate(&self, _: UserId, posts: &[PostId]) -> Result<Vec<PostView>, SocialError> {
            self.asked.lock().unwrap().push(posts.len());
            let there = posts
                .iter()
                .rev()
                .filter(|post| !self.vanished.contains(post));
            Ok(there.map(|post| view(*post)).collect())
        }
    }

    fn view(post_id: PostId) -> PostView {
        PostView {
            post_id,
            author_id: UserId::new(uuid::Uuid::nil()),
            caption: "a caption".to_owned(),
            media_url: "https://media.example/1.mp4".to_owned(),
            media_type: MediaType::Video,
            duration_ms: 1_000,
            visibility: Visibility::Public,
            created_at: DateTime::UNIX_EPOCH,
            liked: true,
        }
    }

    fn post(n: u128) -> PostId {
        PostId::new(uuid::Uuid::from_u128(n))
    }

    fn ranked(count: u128) -> Vec<Ranked> {
        let one = |n| Ranked {
            candidate: Candidate {
                post_id: post(n),
                author_id: UserId::new(uuid::Uuid::nil()),
                created_at: DateTime::UNIX_EPOCH,
            },
            sources: SourceSet::of(Source::Trending),
            features: Features {
                age_hours: 0.0,
                counts: Counts::default(),
                interactions: 0,
            },
            terms: Terms {
                freshness: 0.0,
                engagement: 0.0,
                affinity: 0.0,
                score: 1.0,
            },
        };
        (0..count).map(one).collect()
    }

    async fn filled(
        count: u128,
        vanished: &[u128],
        offset: usize,
        limit: usize,
    ) -> (Vec<u128>, usize, Vec<usize>) {
        let shelf = Shelf {
            vanished: vanished.iter().map(|n| post(*n)).collect(),
            asked: Mutex::default(),
        };
        let viewer = UserId::new(uuid::Uuid::nil());
        let budget = Budget::start(&FeedConfig::default());
        let filled = fill(&shelf, viewer, &ranked(count), offset, limit, &budget)
            .await
            .unwrap();
        let ids = filled
            .items
            .iter()
            .map(|item| item.post_id.uuid().as_u128())
            .collect();
        (ids, filled.vanished, shelf.asked.into_inner().unwrap())
    }

    #[tokio::test]
    async fn a_page_keeps_the_order_of_the_ranking_and_is_one_query() {
        assert_eq!(filled(10, &[], 2, 3).await, (vec![2, 3, 4], 0, vec![3]));
    }

    #[tokio::test]
    async fn vanished_posts_are_replaced_by_the_next() {
        assert_eq!(
            filled(10, &[3, 5], 2, 3).await,
            (vec![2, 4, 6], 2, vec![3, 1, 1])
        );
    }

    #[tokio::test]
    async fn a_page_ends_with_the_list() {
        assert_eq!(filled(5, &[4], 3, 4).await, (vec![3], 1, vec![2]));
        assert_eq!(filled(5, &[], 5, 4).await, (vec![], 0, vec![]));
        assert_eq!(filled(0, &[], 0, 4).await, (vec![], 0, vec![]));
    }

    #[tokio::test]
    async fn refilling_ends_after_a_few_rounds() {
        let all: Vec<u128> = (0..100).collect();
        let (ids, vanished, asked) = filled(100, &all, 0, 5).await;
        assert_eq!((ids, vanished), (vec![], 20));
        assert_eq!(asked.len(), MAX_REFILLS + 1);
    }
}
