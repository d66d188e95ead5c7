//! The feed that the probe reads, and where in it the post is.

use std::future::Future;
use std::pin::Pin;

use nova_domain::{PostId, UserId};
use nova_feed::FeedService;

use crate::error::JobError;

/// A post of a feed as the probe sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownPost {
    /// Which.
    pub post_id: PostId,
    /// The likes shown.
    pub likes: u64,
}

/// A page being read.
pub type PageFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<ShownPost>, String>> + Send + 'a>>;

/// Whoever serves feeds: the library itself, or the API of another process.
pub trait CanaryFeed: Send + Sync {
    /// The posts `offset .. offset + limit` of a viewer's feed, or why there are none. Has a deadline of its own.
    fn page(&self, viewer: UserId, offset: u32, limit: u32) -> PageFuture<'_>;
}

impl CanaryFeed for FeedService {
    fn page(&self, viewer: UserId, offset: u32, limit: u32) -> PageFuture<'_> {
        Box::pin(async move {
            let page = self
                .get_personalized_feed(viewer, offset, limit)
                .await
                .map_err(|error| error.to_string())?;
            let shown = page.items.iter().map(|item| ShownPost {
                post_id: item.post_id,
                likes: item.counts.likes,
            });
            Ok(shown.collect())
        })
    }
}

impl<F: CanaryFeed + ?Sized> CanaryFeed for Box<F> {
    fn page(&self, viewer: UserId, offset: u32, limit: u32) -> PageFuture<'_> {
        (**self).page(viewer, offset, limit)
    }
}

const PAGE: u32 = 100;

/// No feed is longer.
const MOST: u32 = 1_000;

/// Looks at one post in one feed, where it was last: a page of one post.
pub(super) struct Watch<'a, F> {
    feed: &'a F,
    viewer: UserId,
    post: PostId,
    offset: Option<u32>,
    last: Option<u64>,
}

impl<'a, F: CanaryFeed> Watch<'a, F> {
    pub(super) fn new(feed: &'a F, viewer: UserId, post: PostId) -> Self {
        Self {
            feed,
            viewer,
            post,
            offset: None,
            last: None,
        }
    }

    /// What was seen last; none where the post was not there.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// The likes shown now; none where the post is not in the feed.
    pub(super) async fn look(&mut self) -> Result<Option<u64>, JobError> {
        self.last = match self.again().await? {
            Some(likes) => Some(likes),
            None => self.search().await?,
        };
        Ok(self.last)
    }

    async fn again(&self) -> Result<Option<u64>, JobError> {
        let Some(offset) = self.offset else {
            return Ok(None);
        };
        let page = self.page(offset, 1).await?;
        let found = page.iter().find(|shown| shown.post_id == self.post);
        Ok(found.map(|shown| shown.likes))
    }

    async fn search(&mut self) -> Result<Option<u64>, JobError> {
        self.offset = None;
        let mut offset = 0;
        while offset < MOST {
            let page = self.page(offset, PAGE).await?;
            for (shown, at) in page.iter().zip(offset..) {
                if shown.post_id == self.post {
                    self.offset = Some(at);
                    return Ok(Some(shown.likes));
                }
            }
            if page.is_empty() {
                break;
            }
            offset += PAGE;
        }
        Ok(None)
    }

    async fn page(&self, offset: u32, limit: u32) -> Result<Vec<ShownPost>, JobError> {
        self.feed
            .page(self.viewer, offset, limit)
            .await
            .map_err(|reason| JobError::ProbeFeed { reason })
    }
}
