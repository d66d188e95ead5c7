//! A small social network in memory, as PostgreSQL and as the ranking see it, and a real Redis between the two.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nova_cache::{Cache, CacheConfig, OverlayChange, OverlayKey, PostRow};
use nova_domain::{
    Candidate, MediaType, PostBody, PostCounts, PostId, Source, SourceSet, UserId, Visibility,
};
use nova_olap::{OlapError, SourceLimits};
use nova_ranking::{Counts, Features, Ranked, Terms, age_hours, rank_order};
use nova_social::{PostVerdict, PostView, SocialError, Verdicts};
use nova_testbed::{Server, Stack};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::answer::{FeedPage, SnapshotId};
use crate::budget::Budget;
use crate::config::FeedConfig;
use crate::cursor::CursorKey;
use crate::error::{FeedError, Unavailable};
use crate::posts::Posts;
use crate::protect::Guards;
use crate::rank_types::{Ask, RankedFeed, RankedItem};
use crate::serve::{Engine, Ranker};
use crate::service::{FeedAt, FeedRequest};
use crate::snapshot::FeedSnapshot;
use crate::timings::Timings;
use crate::trace::{Degraded, Filter, FilterTrace, Outcome, RankingTrace, SourceTrace};

pub(super) type TestEngine = Arc<Engine<Arc<World>, Arc<World>>>;

/// When the tests happen; whole microseconds.
pub(super) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap()
}

#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) author: UserId,
    pub(super) visibility: Visibility,
    pub(super) created_at: DateTime<Utc>,
    pub(super) deleted: bool,
    /// LSN of its newest change.
    version: u64,
    pub(super) likes: u64,
    pub(super) comments: u64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) posts: BTreeMap<PostId, Post>,
    /// Whom the one viewer follows, has a block with, and what the viewer likes.
    pub(super) follows: HashSet<UserId>,
    pub(super) blocks: HashSet<UserId>,
    pub(super) likes: HashSet<PostId>,
    lsn: u64,
}

/// The network, and switches for what is down.
pub(super) struct World {
    pub(super) viewer: UserId,
    state: Mutex<State>,
    pub(super) rankings: AtomicUsize,
    pub(super) counted: AtomicUsize,
    pub(super) hydrated: AtomicUsize,
    /// Questions to ClickHouse for bodies.
    pub(super) bodies: AtomicUsize,
    pub(super) clickhouse_down: AtomicBool,
    pub(super) postgres_down: AtomicBool,
    /// It takes questions and never answers.
    pub(super) postgres_silent: AtomicBool,
    /// PostgreSQL answers after some milliseconds, as a real one does.
    pub(super) postgres_far: AtomicBool,
    /// Rankings take all the time that their budget leaves for a question that is never answered.
    pub(super) slow: AtomicBool,
    /// A source that the rankings lack.
    pub(super) lame: AtomicBool,
    /// While set, a ranking waits for a permit.
    pub(super) hold: AtomicBool,
    pub(super) permits: Semaphore,
}

impl World {
    /// A viewer who follows every other of `authors`, each of whom has posted `each` public posts.
    pub(super) fn new(authors: u128, each: u128) -> Arc<Self> {
        let world = Self {
            viewer: UserId::generate(),
            state: Mutex::default(),
            rankings: AtomicUsize::new(0),
            counted: AtomicUsize::new(0),
            hydrated: AtomicUsize::new(0),
            bodies: AtomicUsize::new(0),
            clickhouse_down: AtomicBool::new(false),
            postgres_down: AtomicBool::new(false),
            postgres_silent: AtomicBool::new(false),
            postgres_far: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            lame: AtomicBool::new(false),
            hold: AtomicBool::new(false),
            permits: Semaphore::new(0),
        };
        let users: Vec<UserId> = (0..authors).map(|_| UserId::generate()).collect();
        for (n, author) in users.iter().enumerate() {
            if n % 2 == 0 {
                world.state().follows.insert(*author);
            }
        }
        for post in 0..each {
            for (n, author) in (0_i64..).zip(&users) {
                let age = TimeDelta::minutes(i64::try_from(post).unwrap() * 60 + n);
                world.post(*author, Visibility::Public, noon() - age);
            }
        }
        Arc::new(world)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A new post, unknown to Redis.
    pub(super) fn post(&self, author: UserId, visibility: Visibility, at: DateTime<Utc>) -> PostId {
        let id = PostId::generate();
        let post = Post {
            author,
            visibility,
            created_at: at,
            deleted: false,
            version: 0,
            likes: 0,
            comments: 0,
        };
        self.state().posts.insert(id, post);
        id
    }

    /// What a post shows.
    pub(super) fn body(&self, post: PostId) -> PostBody {
        body(&self.state().posts[&post])
    }

    pub(super) fn authors(&self) -> Vec<UserId> {
        let state = self.state();
        let mut authors: Vec<UserId> = state.posts.values().map(|p| p.author).collect();
        authors.sort_unstable();
        authors.dedup();
        authors
    }

    /// The next LSN.
    pub(super) fn lsn(&self) -> u64 {
        let mut state = self.state();
        state.lsn += 1;
        state.lsn
    }

    /// The viewer does something, and the API tells Redis.
    pub(super) async fn act(&self, cache: &Cache, what: OverlayKey, on: bool) {
        let lsn = self.lsn();
        {
            let mut state = self.state();
            match what {
                OverlayKey::Like(post) => {
                    let changed = if on {
                        state.likes.insert(post)
                    } else {
                        state.likes.remove(&post)
                    };
                    let likes = &mut state.posts.get_mut(&post).unwrap().likes;
                    *likes = likes.saturating_add_signed(match (changed, on) {
                        (false, _) => 0,
                        (true, true) => 1,
                        (true, false) => -1,
                    });
                }
                OverlayKey::Follow(user) => set(&mut state.follows, user, on),
                OverlayKey::Block(user) => set(&mut state.blocks, user, on),
            }
        }
        let change = OverlayChange {
            viewer: self.viewer,
            what,
            on,
            lsn,
        };
        cache.overlay_set(&[change], false).await.unwrap();
        // A block removes follows both ways.
        if let (OverlayKey::Block(user), true) = (what, on) {
            Box::pin(self.act(cache, OverlayKey::Follow(user), false)).await;
        }
    }

    /// An author deletes a post, and the API tells Redis.
    pub(super) async fn delete(&self, cache: &Cache, post: PostId) {
        let lsn = self.change(post, |post| post.deleted = true);
        cache.apply_deleted(&[(post, true, lsn)]).await.unwrap();
    }

    /// A post is changed in PostgreSQL, and the projector tells Redis.
    pub(super) async fn edit(&self, cache: &Cache, post: PostId, visibility: Visibility) {
        let lsn = self.change(post, |post| post.visibility = visibility);
        let deleted = self.state().posts[&post].deleted;
        cache.apply_deleted(&[(post, deleted, lsn)]).await.unwrap();
    }

    /// A change of the row, and its LSN.
    fn change(&self, post: PostId, change: impl FnOnce(&mut Post)) -> u64 {
        let lsn = self.lsn();
        let mut state = self.state();
        let post = state.posts.get_mut(&post).unwrap();
        change(post);
        post.version = lsn;
        lsn
    }

    /// Redis has heard of every post, as it has of all that are not older than a week.
    pub(super) async fn announce(self: &Arc<Self>, cache: &Cache) {
        let posts: Vec<PostId> = self.state().posts.keys().copied().collect();
        let deadline = Duration::from_secs(1);
        Ranker::counters(self, &posts, Some(cache), deadline)
            .await
            .unwrap();
    }

    /// Whether the viewer may see a post, by PostgreSQL.
    fn visible(state: &State, post: &Post) -> bool {
        !post.deleted
            && !state.blocks.contains(&post.author)
            && match post.visibility {
                Visibility::Public => true,
                Visibility::Followers => state.follows.contains(&post.author),
                Visibility::Private => false,
            }
    }

    /// Whether an item of a ranking may still be shown.
    pub(super) fn allowed(&self, item: &RankedItem) -> bool {
        let state = self.state();
        let unfollowed = item.follow_only() && !state.follows.contains(&item.author());
        !unfollowed && Self::visible(&state, &state.posts[&item.post()])
    }

    async fn postgres(&self) -> Result<(), SocialError> {
        if self.postgres_silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.postgres_far.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.postgres_down.load(Ordering::SeqCst) {
            return Err(SocialError::Unavailable("it is down".into()));
        }
        Ok(())
    }

    fn clickhouse(&self) -> Result<(), OlapError> {
        if self.clickhouse_down.load(Ordering::SeqCst) {
            return Err(OlapError::Deadline {
                after: Duration::from_millis(500),
            });
        }
        Ok(())
    }

    fn ranked_now(&self, now: DateTime<Utc>) -> Vec<RankedItem> {
        let formula = FeedConfig::default().formula;
        let guessed = self.postgres_down.load(Ordering::SeqCst);
        let state = self.state();
        let visible = state
            .posts
            .iter()
            .filter(|(_, post)| Self::visible(&state, post));
        let mut items: Vec<RankedItem> = visible
            .map(|(id, post)| {
                let followed = state.follows.contains(&post.author);
                let public = post.visibility == Visibility::Public;
                // Every other public post is trending; what is neither is found by affinity.
                let trending = public && id.uuid().as_u128() % 2 == 0;
                let mut sources = SourceSet::default();
                if followed {
                    sources.insert(Source::Follow);
                }
                if trending {
                    sources.insert(Source::Trending);
                }
                if !followed && !trending {
                    sources.insert(Source::Affinity);
                }
                let features = Features {
                    age_hours: age_hours(post.created_at, now),
                    counts: Counts {
                        likes: post.likes,
                        comments: post.comments,
                        shares: 0,
                        impressions: 100,
                    },
                    interactions: u64::from(followed),
                };
                RankedItem {
                    ranked: Ranked {
                        candidate: Candidate {
                            post_id: *id,
                            author_id: post.author,
                            created_at: post.created_at,
                        },
                        sources,
                        features,
                        terms: Terms::of(&features, &formula),
                    },
                    liked: state.likes.contains(id),
                    // Without PostgreSQL: the fewest whom it may be for.
                    visibility: if guessed && !trending {
                        Visibility::Followers
                    } else {
                        post.visibility
                    },
                    rank_before_diversity: 0,
                }
            })
            .collect();
        items.sort_by(|a, b| rank_order(&a.ranked, &b.ranked));
        for (rank, item) in (1..).zip(&mut items) {
            item.rank_before_diversity = rank;
        }
        items
    }
}

fn set(users: &mut HashSet<UserId>, user: UserId, on: bool) {
    if on {
        users.insert(user);
    } else {
        users.remove(&user);
    }
}

impl Posts for Arc<World> {
    async fn verdicts(&self, _viewer: UserId, posts: &[PostId]) -> Result<Verdicts, SocialError> {
        self.postgres().await?;
        let state = self.state();
        let verdict = |id: &PostId| {
            let post = state.posts.get(id)?;
            let verdict = PostVerdict {
                visible: World::visible(&state, post),
                deleted: post.deleted,
                blocked: state.blocks.contains(&post.author),
                liked: state.likes.contains(id),
                visibility: post.visibility,
            };
            Some((*id, verdict))
        };
        Ok(Verdicts {
            posts: posts.iter().filter_map(verdict).collect(),
            blocks: Some(state.blocks.clone()),
        })
    }

    async fn hydrate(
        &self,
        _viewer: UserId,
        posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        self.postgres().await?;
        self.hydrated.fetch_add(1, Ordering::SeqCst);
        let state = self.state();
        let view = |id: &PostId| {
            let post = state.posts.get(id)?;
            let body = body(post);
            World::visible(&state, post).then(|| PostView {
                post_id: *id,
                author_id: body.author_id,
                caption: body.caption,
                media_url: body.media_url,
                media_type: body.media_type,
                duration_ms: body.duration_ms,
                visibility: body.visibility,
                created_at: body.created_at,
                liked: state.likes.contains(id),
            })
        };
        // Not in the order asked for: nobody may rely on it.
        Ok(posts.iter().rev().filter_map(view).collect())
    }

    async fn follow_feed(
        &self,
        _viewer: UserId,
        _now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        self.postgres().await?;
        let state = self.state();
        let mut found: Vec<Candidate> = state
            .posts
            .iter()
            .filter(|(_, post)| state.follows.contains(&post.author) && !post.deleted)
            .map(|(id, post)| Candidate {
                post_id: *id,
                author_id: post.author,
                created_at: post.created_at,
            })
            .collect();
        found.sort_by_key(|c| std::cmp::Reverse(c.created_at));
        found.truncate(limits.max_posts as usize);
        Ok(found)
    }

    async fn recent_posts_of(
        &self,
        _authors: &[UserId],
        _now: DateTime<Utc>,
        _limits: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        Ok(Vec::new())
    }
}

impl Ranker for Arc<World> {
    async fn rank(
        &self,
        ask: Ask<'_>,
        _: Option<&Cache>,
        budget: &Budget,
    ) -> Result<RankedFeed, Unavailable> {
        self.rankings.fetch_add(1, Ordering::SeqCst);
        if self.hold.load(Ordering::SeqCst) {
            self.permits.acquire().await.unwrap().forget();
        }
        if self.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(budget.left_before_reserve()).await;
        }
        self.clickhouse().map_err(|_| Unavailable::Sources)?;
        let items = self.ranked_now(ask.now);
        let lame = self.lame.load(Ordering::SeqCst);
        let blocks = self.state().blocks.clone();
        Ok(RankedFeed {
            degraded: if lame {
                vec![Degraded::Source(Source::Affinity)]
            } else {
                Vec::new()
            },
            trace: trace(items.len(), lame),
            timings: Timings {
                clickhouse: Duration::from_millis(12),
                sources: Source::ALL
                    .iter()
                    .map(|source| (*source, Duration::from_millis(4)))
                    .collect(),
                ..Timings::default()
            },
            blocks: Some(blocks),
            items,
        })
    }

    async fn counters(
        &self,
        posts: &[PostId],
        cache: Option<&Cache>,
        _: Duration,
    ) -> Result<Vec<PostRow>, OlapError> {
        self.counted.fetch_add(1, Ordering::SeqCst);
        self.clickhouse()?;
        let count = |id: &PostId| {
            let state = self.state();
            let post = state.posts.get(id);
            PostCounts {
                post: *id,
                likes: post.map_or(0, |p| p.likes),
                comments: post.map_or(0, |p| p.comments),
                version: u128::from(state.lsn),
            }
        };
        let counts: Vec<PostCounts> = posts.iter().map(count).collect();
        if let Some(cache) = cache {
            let deleted = |id: &PostId| {
                let post = &self.state().posts[id];
                (*id, post.deleted, post.version)
            };
            let deleted: Vec<_> = posts.iter().map(deleted).collect();
            let _ = cache.apply_counts(&counts).await;
            let _ = cache.apply_deleted(&deleted).await;
        }
        let row = |counted: &PostCounts| {
            let post = &self.state().posts[&counted.post];
            PostRow {
                likes: Some(counted.likes),
                comments: Some(counted.comments),
                deleted: post.deleted,
                post_version: Some(post.version),
                ..PostRow::default()
            }
        };
        Ok(counts.iter().map(row).collect())
    }

    async fn bodies(
        &self,
        posts: &[PostId],
        _: Duration,
    ) -> Result<HashMap<PostId, PostBody>, OlapError> {
        self.bodies.fetch_add(1, Ordering::SeqCst);
        self.clickhouse()?;
        let state = self.state();
        let found = posts
            .iter()
            .filter_map(|id| Some((*id, body(state.posts.get(id)?))));
        Ok(found.collect())
    }
}

fn trace(found: usize, lame: bool) -> RankingTrace {
    let source = |&source| SourceTrace {
        source,
        found,
        outcome: if lame && source == Source::Affinity {
            Outcome::Late
        } else {
            Outcome::Ok
        },
        took: Duration::from_millis(1),
    };
    RankingTrace {
        sources: Source::ALL.iter().map(source).collect(),
        merged: found,
        filters: vec![FilterTrace {
            filter: Filter::Own,
            kept: found,
            removed: 0,
            moved: 0,
        }],
        ranked: found,
        ..RankingTrace::default()
    }
}

fn body(post: &Post) -> PostBody {
    PostBody {
        author_id: post.author,
        caption: format!("posted at {}, change {}", post.created_at, post.version),
        media_url: "https://media.example/1.mp4".to_owned(),
        media_type: MediaType::Video,
        duration_ms: 15_000,
        visibility: post.visibility,
        created_at: post.created_at,
    }
}

/// A Redis of its own, and a cache on it.
pub(super) async fn redis() -> (Cache, Stack) {
    let stack = Stack::builder()
        .servers(&[Server::Redis])
        .start()
        .await
        .unwrap();
    (cache_of(&stack), stack)
}

/// A process's way to Redis, with time enough on a loaded machine.
pub(super) fn cache_of(stack: &Stack) -> Cache {
    let url = stack.endpoints().redis.parse().unwrap();
    let config = CacheConfig {
        response_timeout: Duration::from_secs(5),
        ..CacheConfig::new(url)
    };
    Cache::new(&config).unwrap()
}

/// The same with the deadline of production.
pub(super) fn hasty_cache_of(stack: &Stack) -> Cache {
    let url = stack.endpoints().redis.parse().unwrap();
    Cache::new(&CacheConfig::new(url)).unwrap()
}

/// A process that serves feeds.
pub(super) fn engine(world: &Arc<World>, cache: Option<&Cache>) -> TestEngine {
    engine_with(world, cache, FeedConfig::default())
}

pub(super) fn engine_with(
    world: &Arc<World>,
    cache: Option<&Cache>,
    config: FeedConfig,
) -> TestEngine {
    let guards = Guards::new(&config.breaker);
    Arc::new(Engine::new(
        Arc::new(Arc::clone(world)),
        Arc::clone(world),
        cache.cloned(),
        config,
        guards,
        CursorKey::derive(b"a secret of tests"),
        None,
    ))
}

/// The page after `offset` items, asked for so many seconds after noon.
pub(super) async fn page(
    engine: &TestEngine,
    offset: u32,
    limit: u32,
    seconds: i64,
) -> Result<FeedPage, FeedError> {
    ask(engine, FeedAt::Offset(offset), limit, seconds).await
}

pub(super) async fn ask(
    engine: &TestEngine,
    at: FeedAt,
    limit: u32,
    seconds: i64,
) -> Result<FeedPage, FeedError> {
    let request = FeedRequest {
        viewer: engine.posts.viewer,
        at,
        limit,
        explain: false,
    };
    let now = noon() + TimeDelta::seconds(seconds);
    engine.feed(&request, Some(now)).await
}

/// Waits until nothing runs behind answers any more.
pub(super) async fn settle(engine: &TestEngine) {
    assert!(engine.drain(Duration::from_secs(20)).await);
}

/// The ranking a page was cut from, as Redis has it.
pub(super) async fn snapshot(cache: &Cache, viewer: UserId, id: SnapshotId) -> FeedSnapshot {
    let bytes = cache.snapshot(viewer, id.uuid()).await.unwrap().unwrap();
    crate::snapshot::decode(&bytes).unwrap()
}

pub(super) fn ids(page: &FeedPage) -> Vec<PostId> {
    page.items.iter().map(|item| item.post_id).collect()
}

/// The posts of a ranking, best first.
pub(super) fn order(world: &World) -> Vec<PostId> {
    let items = world.ranked_now(noon());
    items.iter().map(RankedItem::post).collect()
}

/// A key is gone from Redis: expired, evicted.
pub(super) async fn forget(stack: &Stack, keys: &[String]) {
    let client = redis::Client::open(stack.endpoints().redis.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: i64 = redis::cmd("DEL")
        .arg(keys)
        .query_async(&mut connection)
        .await
        .unwrap();
}

/// A name of a snapshot that was never made.
pub(super) fn no_snapshot() -> SnapshotId {
    SnapshotId::new(Uuid::from_u128(7))
}
