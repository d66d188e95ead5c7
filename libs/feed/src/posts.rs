//! What the feed asks of PostgreSQL.

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{Candidate, PostId, UserId};
use nova_olap::SourceLimits;
use nova_social::{PostView, Social, SocialError, Verdicts};

/// Which posts a viewer may see, what is in them, and what followed authors posted. [`Social`] is the implementation;
/// the seam is for tests: a ranking checked against ClickHouse alone, and a PostgreSQL that is silent.
pub trait Posts: Send + Sync {
    /// What the viewer may see of `posts` and why not, and everybody blocked either way.
    fn verdicts(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> impl Future<Output = Result<Verdicts, SocialError>> + Send;

    /// Those of `posts` that the viewer may see, with their content, in any order.
    fn hydrate(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> impl Future<Output = Result<Vec<PostView>, SocialError>> + Send;

    /// The newest posts of the authors whom the viewer follows, newest first: a feed without ClickHouse.
    /// [`Posts::hydrate`] decides what of it may be shown.
    fn follow_feed(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> impl Future<Output = Result<Vec<Candidate>, SocialError>> + Send;

    /// The newest posts of these authors that their followers may see, newest first.
    fn recent_posts_of(
        &self,
        authors: &[UserId],
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> impl Future<Output = Result<Vec<Candidate>, SocialError>> + Send;
}

impl Posts for Social {
    async fn verdicts(&self, viewer: UserId, posts: &[PostId]) -> Result<Verdicts, SocialError> {
        Self::verdicts(self, viewer, posts).await
    }

    async fn hydrate(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        Self::hydrate(self, viewer, posts).await
    }

    async fn follow_feed(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        let (since, until) = window(now, limits);
        Self::follow_feed(self, viewer, since, until, limits.max_posts).await
    }

    async fn recent_posts_of(
        &self,
        authors: &[UserId],
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        let (since, until) = window(now, limits);
        Self::recent_posts_of(self, authors, since, until, limits.max_posts).await
    }
}

/// The window of a source, as the queries to ClickHouse have it: open at the old edge, and a post dated more than an
/// hour ahead is a broken clock.
fn window(now: DateTime<Utc>, limits: SourceLimits) -> (DateTime<Utc>, DateTime<Utc>) {
    let since = now - TimeDelta::hours(i64::from(limits.window_hours));
    (since, now + TimeDelta::hours(1))
}
