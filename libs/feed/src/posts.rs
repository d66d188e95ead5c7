//! What the feed asks of PostgreSQL.

use std::collections::HashSet;
use std::future::Future;

use nova_domain::{PostId, UserId};
use nova_social::{PostView, Social, SocialError};

/// Which posts a viewer may see, and what is in them. [`Social`] is the implementation; the seam is for tests: a
/// ranking checked against ClickHouse alone, and a post that vanishes between the ranking and the page.
pub trait Posts: Send + Sync {
    /// Those of `posts` that the viewer may see.
    fn visible_posts(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> impl Future<Output = Result<HashSet<PostId>, SocialError>> + Send;

    /// Those of `posts` that the viewer may see, with their content, in any order.
    fn hydrate(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> impl Future<Output = Result<Vec<PostView>, SocialError>> + Send;
}

impl Posts for Social {
    async fn visible_posts(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<HashSet<PostId>, SocialError> {
        Self::visible_posts(self, viewer, posts).await
    }

    async fn hydrate(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        Self::hydrate(self, viewer, posts).await
    }
}
