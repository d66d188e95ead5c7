//! The last stage: what the posts of a page show, and whether they may still be shown.
//!
//! One round trip to Redis; posts whose body is not there cost one query to PostgreSQL, which also has the last word on
//! who may see them. Without Redis every post is asked of PostgreSQL; without PostgreSQL bodies come from ClickHouse,
//! and what may be shown is what the ranking found and Redis has not taken back.

use std::collections::HashMap;
use std::time::Duration;

use nova_cache::{Hydration, PostRow};
use nova_domain::{PostBody, PostId, Source};
use nova_social::PostView;
use tokio::time::Instant;

use crate::answer::ItemCounts;
use crate::error::Unavailable;
use crate::page::{Hydrate, Shown, hidden, row_known, shown_counts};
use crate::posts::Posts;
use crate::protect::Guarded;
use crate::rank_types::RankedItem;
use crate::serve::{Ranker, Run};
use crate::snapshot::FeedSnapshot;
use crate::trace::Degraded;

/// How long a page waits for counts that Redis lacks; past it they are those of the ranking.
const COUNTS_PATIENCE: Duration = Duration::from_millis(150);

/// Fills the items of one snapshot in, for one request.
pub(crate) struct Hydrator<'r, 'a, P, R> {
    run: &'r mut Run<'a, P, R>,
    /// The ranking was made for this request: what it found may be shown.
    just_ranked: bool,
    /// Why posts could not be read from PostgreSQL.
    posts_out: Option<Unavailable>,
    /// ClickHouse did not either.
    clickhouse_out: bool,
}

impl<'r, 'a, P: Posts + 'static, R: Ranker> Hydrator<'r, 'a, P, R> {
    pub(crate) fn new(
        run: &'r mut Run<'a, P, R>,
        snapshot: &FeedSnapshot,
        just_ranked: bool,
    ) -> Self {
        // It did not answer the ranking a moment ago: once is enough.
        let posts_out = just_ranked && snapshot.degraded.contains(&Degraded::Posts);
        if posts_out {
            run.notes.postgres_went_out();
        }
        Self {
            run,
            just_ranked,
            posts_out: posts_out.then_some(Unavailable::Resting { server: "postgres" }),
            clickhouse_out: false,
        }
    }

    /// Why posts that might be shown could not be.
    pub(crate) fn unread(self) -> Option<Unavailable> {
        self.posts_out
    }
}

impl<P: Posts + 'static, R: Ranker> Hydrate for Hydrator<'_, '_, P, R> {
    async fn hydrate(&mut self, items: &[RankedItem]) -> Vec<Option<Shown>> {
        let started = Instant::now();
        let in_redis = self.run.notes.timings.cache;
        let shown = self.fill(items).await;
        let in_redis = self.run.notes.timings.cache - in_redis;
        self.run.notes.timings.hydrate += started.elapsed().saturating_sub(in_redis);
        shown
    }
}

impl<P: Posts + 'static, R: Ranker> Hydrator<'_, '_, P, R> {
    async fn fill(&mut self, items: &[RankedItem]) -> Vec<Option<Shown>> {
        let ids: Vec<PostId> = items.iter().map(RankedItem::post).collect();
        let known = self.known(&ids).await;
        // Redis takes back what may not be shown any more. Without its word PostgreSQL has to say it.
        let told = known.is_some();
        let Hydration {
            mut counters,
            mut bodies,
            ..
        } = known.unwrap_or_default();
        counters.resize(items.len(), None);
        bodies.resize(items.len(), None);
        self.count(items, &mut counters).await;

        let mut read = Vec::with_capacity(items.len());
        let mut missing = Vec::new();
        for ((item, row), body) in items.iter().zip(&counters).zip(bodies) {
            // Fewer may see it than at the ranking: PostgreSQL says whether the viewer is among them.
            let shown = |body: &PostBody| body.visibility.shows_to_all_of(item.visibility);
            let body = body.filter(shown);
            let (author, follow_only) = (item.author(), item.follow_only());
            let gone = hidden(author, follow_only, &self.run.overlay, row.as_ref());
            if body.is_none() && !gone {
                let version = row.as_ref().and_then(|row| row.post_version);
                missing.push(Missing { item, version });
            }
            read.push(body.filter(|_| !gone));
        }
        let mut found = self.read_missing(&missing, told).await;

        let shown = items.iter().zip(&counters).zip(read);
        let shown = shown.map(|((item, row), body)| {
            let post = item.post();
            let (body, liked) = match body {
                Some(body) => (body, item.liked),
                None => {
                    let found = found.remove(&post)?;
                    (found.body, found.liked.unwrap_or(item.liked))
                }
            };
            let base = (base_counts(item), liked);
            let (counts, liked) = shown_counts(post, base, &self.run.overlay, row.as_ref());
            Some(Shown {
                body,
                counts,
                liked,
                post_version: row.as_ref().and_then(|row| row.post_version),
            })
        });
        shown.collect()
    }

    async fn known(&mut self, ids: &[PostId]) -> Option<Hydration> {
        let cache = self.run.engine.cache.as_ref()?;
        let viewer = self.run.viewer;
        let known = self.run.redis(cache.hydration(viewer, ids)).await?;
        self.run.overlay.clone_from(&known.overlay);
        Some(known)
    }

    /// Counters that Redis lacks.
    async fn count(&mut self, items: &[RankedItem], counters: &mut [Option<PostRow>]) {
        let rows = items.iter().zip(counters.iter());
        let unknown = rows
            .filter(|(_, row)| !row_known(row.as_ref()))
            .map(|(item, _)| item.post());
        // The counts of a ranking that was just made are as good as new ones.
        let counted = self.run.counters(unknown.collect()).await;
        for (item, row) in items.iter().zip(counters) {
            if let Some(counted) = counted.get(&item.post()) {
                *row = Some(*counted);
            }
        }
    }

    /// Bodies that Redis lacks, from PostgreSQL, else from ClickHouse. A post that neither gives is not shown.
    async fn read_missing(
        &mut self,
        missing: &[Missing<'_>],
        told: bool,
    ) -> HashMap<PostId, Found> {
        if missing.is_empty() {
            return HashMap::new();
        }
        if self.posts_out.is_none() {
            match self.read_from_postgres(missing).await {
                Ok(found) => {
                    if told {
                        self.keep(missing, &found);
                    }
                    return found;
                }
                Err(unavailable) => self.posts_out = Some(unavailable),
            }
        }
        // A block removes follows both ways: where nobody tells of blocks, a followed author is the safe one.
        let safe = |missing: &&Missing<'_>| {
            let sources = missing.item.ranked.sources;
            told || self.just_ranked || sources.contains(Source::Follow)
        };
        let safe: Vec<&Missing<'_>> = missing.iter().filter(safe).collect();
        if safe.is_empty() || self.clickhouse_out {
            return HashMap::new();
        }
        let ids: Vec<PostId> = safe.iter().map(|missing| missing.post()).collect();
        let mut found = self.read_from_clickhouse(&ids).await;
        for missing in safe {
            // Nobody says whether the viewer is still among those who may see it.
            let post = missing.post();
            let visibility = found.get(&post).map(|found| found.body.visibility);
            if visibility.is_some_and(|it| !it.shows_to_all_of(missing.item.visibility)) {
                found.remove(&post);
            }
        }
        found
    }

    async fn read_from_postgres(
        &mut self,
        missing: &[Missing<'_>],
    ) -> Result<HashMap<PostId, Found>, Unavailable> {
        let (engine, viewer) = (self.run.engine, self.run.viewer);
        let ids: Vec<PostId> = missing.iter().map(Missing::post).collect();
        let views = self
            .run
            .postgres("hydration", engine.posts.hydrate(viewer, &ids));
        let found = views.await?.into_iter().map(|view| {
            let found = Found {
                liked: Some(view.liked),
                body: body(&view),
            };
            (view.post_id, found)
        });
        Ok(found.collect())
    }

    /// Keeps what was read for others, with what was known of each post before it was read; where nothing was known it
    /// could be out of date unnoticed.
    fn keep(&self, missing: &[Missing<'_>], found: &HashMap<PostId, Found>) {
        let bodies = missing.iter().filter_map(|missing| {
            let post = missing.post();
            let body = found.get(&post)?.body.clone();
            Some((post, body, missing.version?))
        });
        let bodies: Vec<_> = bodies.collect();
        if !bodies.is_empty() {
            self.run.engine.keep_bodies(bodies);
        }
    }

    async fn read_from_clickhouse(&mut self, posts: &[PostId]) -> HashMap<PostId, Found> {
        let engine = self.run.engine;
        let read = engine.ranker.bodies(posts, self.run.budget.left());
        match engine.guards.clickhouse.call(read).await {
            Ok(read) => {
                let found = |(post, body)| (post, Found { liked: None, body });
                read.into_iter().map(found).collect()
            }
            Err(error) => {
                if let Guarded::Failed(error) = error {
                    tracing::debug!(%error, "bodies could not be read from ClickHouse either");
                }
                self.clickhouse_out = true;
                HashMap::new()
            }
        }
    }
}

/// An item whose body Redis lacks, and the newest change of the post that is known.
struct Missing<'a> {
    item: &'a RankedItem,
    version: Option<u64>,
}

impl Missing<'_> {
    fn post(&self) -> PostId {
        self.item.post()
    }
}

/// A body that was read, and whether the viewer likes the post, where PostgreSQL said so.
struct Found {
    body: PostBody,
    liked: Option<bool>,
}

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// The exact counters of posts that Redis does not know, put back there. When ClickHouse does not answer soon: none.
    pub(crate) async fn counters(&mut self, unknown: Vec<PostId>) -> HashMap<PostId, PostRow> {
        if unknown.is_empty() {
            return HashMap::new();
        }
        let engine = self.engine;
        let cache = self.cache();
        let deadline = COUNTS_PATIENCE.min(self.budget.for_query());
        let started = Instant::now();
        let counted = engine.ranker.counters(&unknown, cache, deadline);
        let counted = engine.guards.clickhouse.call(counted).await;
        self.notes.timings.counts += started.elapsed();
        match counted {
            Ok(rows) => unknown.into_iter().zip(rows).collect(),
            Err(error) => {
                if let Guarded::Failed(error) = error {
                    tracing::debug!(%error, "counts are those of the ranking");
                }
                self.notes.without(Degraded::Counts);
                HashMap::new()
            }
        }
    }
}

/// As of the ranking.
fn base_counts(item: &RankedItem) -> ItemCounts {
    let counts = item.ranked.features.counts;
    ItemCounts {
        likes: counts.likes,
        comments: counts.comments,
        shares: counts.shares,
    }
}

fn body(view: &PostView) -> PostBody {
    PostBody {
        author_id: view.author_id,
        caption: view.caption.clone(),
        media_url: view.media_url.clone(),
        media_type: view.media_type,
        duration_ms: view.duration_ms,
        visibility: view.visibility,
        created_at: view.created_at,
    }
}
