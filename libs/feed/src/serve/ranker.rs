//! What serving needs from the ranking side.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use nova_cache::{Cache, PostRow};
use nova_domain::{PostBody, PostId};
use nova_olap::{Olap, OlapError};

use crate::budget::Budget;
use crate::config::FeedConfig;
use crate::error::Unavailable;
use crate::posts::Posts;
use crate::protect::Guards;
use crate::rank::rank;
use crate::rank_types::{Ask, RankContext, RankedFeed};
use crate::restore_counts::restore;
use crate::shared::Shared;

/// Rankings, and what ClickHouse knows of posts. [`Live`] is the implementation; the seam is for tests of what happens
/// between rankings.
pub(crate) trait Ranker: Send + Sync + 'static {
    /// A viewer's feed, ranked now; with what Redis knows, if it is there to say it.
    fn rank(
        &self,
        ask: Ask<'_>,
        cache: Option<&Cache>,
        budget: &Budget,
    ) -> impl Future<Output = Result<RankedFeed, Unavailable>> + Send;

    /// The exact counters of posts, in their order; put back into `cache`, if it is there to take them.
    fn counters(
        &self,
        posts: &[PostId],
        cache: Option<&Cache>,
        deadline: Duration,
    ) -> impl Future<Output = Result<Vec<PostRow>, OlapError>> + Send;

    /// What posts show, for when PostgreSQL cannot say.
    fn bodies(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> impl Future<Output = Result<HashMap<PostId, PostBody>, OlapError>> + Send;
}

/// The real one.
#[derive(Debug)]
pub(crate) struct Live<P> {
    pub(crate) olap: Olap,
    pub(crate) posts: Arc<P>,
    pub(crate) config: FeedConfig,
    pub(crate) guards: Guards,
    pub(crate) shared: Shared,
}

impl<P: Posts + 'static> Ranker for Live<P> {
    async fn rank(
        &self,
        ask: Ask<'_>,
        cache: Option<&Cache>,
        budget: &Budget,
    ) -> Result<RankedFeed, Unavailable> {
        let mut olap = self.olap.clone();
        if ask.live {
            olap = olap.asking_together();
        }
        if !ask.awaited {
            olap = olap.giving_way(Olap::GIVES_WAY);
        }
        let context = RankContext {
            olap: &olap,
            posts: self.posts.as_ref(),
            cache,
            config: &self.config,
            shared: Some(&self.shared),
            guards: &self.guards,
        };
        rank(&context, &ask, budget).await
    }

    async fn counters(
        &self,
        posts: &[PostId],
        cache: Option<&Cache>,
        deadline: Duration,
    ) -> Result<Vec<PostRow>, OlapError> {
        if let Some(cache) = cache {
            return restore(&self.olap, cache, posts, deadline).await;
        }
        let counts = self.olap.post_counts(posts, deadline).await?;
        let row = |counted: nova_domain::PostCounts| PostRow {
            likes: Some(counted.likes),
            comments: Some(counted.comments),
            version: Some(counted.version),
            ..PostRow::default()
        };
        Ok(counts.into_iter().map(row).collect())
    }

    async fn bodies(
        &self,
        posts: &[PostId],
        deadline: Duration,
    ) -> Result<HashMap<PostId, PostBody>, OlapError> {
        self.olap.post_bodies(posts, deadline).await
    }
}
