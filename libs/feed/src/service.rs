//! The entry of the library.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_cache::Cache;
use nova_domain::UserId;
use nova_olap::Olap;
use nova_social::Social;
use tokio::runtime::Handle;

use crate::answer::{FeedPage, SnapshotId};
use crate::config::{ConfigError, FeedConfig};
use crate::cursor::{Cursor, CursorKey};
use crate::error::{FeedError, MAX_LIMIT, Unavailable};
use crate::metrics;
use crate::posts::Posts;
use crate::protect::Guards;
use crate::serve::{Engine, Live, Ranker, Run, refresh};
use crate::shared::Shared;
use crate::trace::Degraded;

/// Between two looks at the pipeline while no feed is served.
const PIPELINE_LOOK: Duration = Duration::from_secs(1);

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedAt {
    /// The one after so many items.
    Offset(u32),
    /// The one where an earlier answer's `next_cursor` points.
    Cursor(String),
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRequest {
    /// Whose feed.
    pub viewer: UserId,
    /// Which page.
    pub at: FeedAt,
    /// Items on it, 1 to [`MAX_LIMIT`].
    pub limit: u32,
    /// Whether to say why each item is where it is.
    pub explain: bool,
}

/// Serves feeds. What it remembers can be made again: any number of them may run. Cheap to clone; clones share it.
pub struct FeedService<P = Social> {
    engine: Arc<Engine<P, Live<P>>>,
}

impl<P: Posts + 'static> FeedService<P> {
    /// Takes the servers and the numbers. Without a cache every request ranks. `key` is what cursors are authenticated
    /// with; every replica needs the same.
    ///
    /// # Errors
    /// The first number of the configuration that cannot be used.
    pub fn new(
        olap: Olap,
        posts: P,
        cache: Option<Cache>,
        config: FeedConfig,
        key: CursorKey,
    ) -> Result<Self, ConfigError> {
        Self::ranking_on(None, olap, posts, cache, config, key)
    }

    /// As [`FeedService::new`], with rankings made on a runtime of their own, so that pages that are kept do not wait for the
    /// threads that put a thousand candidates in order. It has to live as long as feeds are served: without it every
    /// ranking fails.
    ///
    /// # Errors
    /// As [`FeedService::new`].
    pub fn ranking_on(
        runtime: Option<Handle>,
        olap: Olap,
        posts: P,
        cache: Option<Cache>,
        config: FeedConfig,
        key: CursorKey,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let guards = Guards::new(&config.breaker);
        let posts = Arc::new(posts);
        let ranker = Live {
            olap,
            posts: Arc::clone(&posts),
            config: config.clone(),
            guards: guards.clone(),
            shared: Shared::new(config.kept_bytes()),
        };
        let engine = Engine::new(posts, ranker, cache, config, guards, key, runtime);
        Ok(Self {
            engine: Arc::new(engine),
        })
    }

    /// The posts `offset .. offset + limit` of the viewer's feed. Beyond the end the page is empty.
    ///
    /// A page that is kept costs one round trip to Redis, or two when this process does not remember it; one that is cut
    /// from a ranking that is kept, a few. Else the feed is ranked: four queries to ClickHouse in parallel, one more
    /// beside one to PostgreSQL, and one to PostgreSQL for what Redis lacks. Bounded by the budget of the configuration.
    ///
    /// # Errors
    /// [`FeedError::Limit`] for a limit that is not 1 to [`MAX_LIMIT`]; [`FeedError::Unavailable`] when nothing could be
    /// ranked and there is nothing to show instead.
    pub async fn get_personalized_feed(
        &self,
        user_id: UserId,
        offset: u32,
        limit: u32,
    ) -> Result<FeedPage, FeedError> {
        self.feed(FeedRequest {
            viewer: user_id,
            at: FeedAt::Offset(offset),
            limit,
            explain: false,
        })
        .await
    }

    /// The page where the `next_cursor` of an earlier answer points. When its ranking is gone: the first page of a new
    /// one, which says so in `restarted`.
    ///
    /// # Errors
    /// [`FeedError::Cursor`] when the cursor is none that was given to this user; else as
    /// [`FeedService::get_personalized_feed`].
    pub async fn page_at_cursor(
        &self,
        user_id: UserId,
        cursor: &str,
        limit: u32,
    ) -> Result<FeedPage, FeedError> {
        self.feed(FeedRequest {
            viewer: user_id,
            at: FeedAt::Cursor(cursor.to_owned()),
            limit,
            explain: false,
        })
        .await
    }

    /// The page that a client asks for.
    ///
    /// # Errors
    /// Those of [`FeedService::get_personalized_feed`] and [`FeedService::page_at_cursor`].
    pub async fn feed(&self, request: FeedRequest) -> Result<FeedPage, FeedError> {
        self.engine.feed(&request, None).await
    }

    /// [`FeedService::get_personalized_feed`] as of `now`: windows and ages are counted from it.
    ///
    /// # Errors
    /// The same.
    pub async fn get_personalized_feed_at(
        &self,
        user_id: UserId,
        offset: u32,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<FeedPage, FeedError> {
        let request = FeedRequest {
            viewer: user_id,
            at: FeedAt::Offset(offset),
            limit,
            explain: false,
        };
        self.engine.feed(&request, Some(now)).await
    }

    /// Ranks the feed of a user ahead of the next request, and keeps the ranking and its first page of `limit` items. A
    /// walk through an earlier ranking goes on undisturbed. Answers the ranking's name.
    ///
    /// # Errors
    /// [`FeedError::Limit`]; [`FeedError::Unavailable`] when it could not be ranked, or as many rankings as may be are
    /// under way: requests go first.
    pub async fn warm(&self, user_id: UserId, limit: u32) -> Result<SnapshotId, FeedError> {
        check_limit(limit)?;
        Ok(self.engine.warm(user_id, limit, None).await?)
    }

    /// Looks every second whether changes arrive late, so that the metric says it also while no feed is served. Runs for
    /// ever.
    pub async fn watch_pipeline(&self) {
        let mut every = tokio::time::interval(PIPELINE_LOOK);
        loop {
            every.tick().await;
            self.engine.pipeline_is_late();
        }
    }

    /// Waits until nothing runs behind answers any more, at most `within`: whether that was enough. Call it when the
    /// last request has its answer, before the runtime ends.
    pub async fn drain(&self, within: Duration) -> bool {
        self.engine.drain(within).await
    }

    /// The circuit breakers, for others who call the same servers in this process.
    #[must_use]
    pub fn guards(&self) -> &Guards {
        &self.engine.guards
    }
}

impl<P> Clone for FeedService<P> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
        }
    }
}

impl<P> std::fmt::Debug for FeedService<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeedService").finish_non_exhaustive()
    }
}

impl<P: Posts + 'static, R: Ranker> Engine<P, R> {
    /// The page that a client asks for, as of a time if one is given.
    pub(crate) async fn feed(
        self: &Arc<Self>,
        request: &FeedRequest,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<FeedPage, FeedError> {
        let mut run = Run::new(self, request.viewer, request.limit, as_of);
        run.explain = request.explain;
        let page = self.serve(&mut run, &request.at).await;
        let page = page.map(|page| run.finish(page));
        metrics::record(&page, run.budget.spent(), run.notes.hits());
        if let Ok(page) = &page
            && !page.degraded.is_empty()
        {
            self.complaints.about(page);
        }
        page
    }

    async fn serve(
        self: &Arc<Self>,
        run: &mut Run<'_, P, R>,
        at: &FeedAt,
    ) -> Result<FeedPage, FeedError> {
        check_limit(run.limit)?;
        if self.pipeline_is_late() {
            run.notes.without(Degraded::Pipeline);
        }
        // Each way is some kB of state: on the heap, not in every caller's future.
        let page = match at {
            FeedAt::Offset(0) => Box::pin(run.first()).await,
            FeedAt::Offset(offset) => Box::pin(run.at_offset(*offset)).await,
            FeedAt::Cursor(text) => {
                let cursor = Cursor::decode(text, &self.key, run.viewer)?;
                Box::pin(run.at_cursor(cursor)).await
            }
        };
        Ok(page?)
    }

    /// Ranks ahead of the next request, as of a time if one is given.
    pub(crate) async fn warm(
        self: &Arc<Self>,
        viewer: UserId,
        limit: u32,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<SnapshotId, Unavailable> {
        let place = self.gate.try_enter().map_err(|_| Unavailable::Busy)?;
        let mut run = Run::new(self, viewer, limit, as_of);
        // The ranking knows what the viewer did lately; what is kept already counts as well.
        let last = run.newest().await;
        let order = run.order_behind(last);
        Box::pin(refresh(self, order, limit, place)).await
    }
}

fn check_limit(limit: u32) -> Result<(), FeedError> {
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(())
    } else {
        Err(FeedError::Limit { given: limit })
    }
}
