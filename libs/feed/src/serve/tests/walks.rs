//! Walks through a feed while everything changes underneath, as properties: two processes, one viewer, random steps.
//!
//! Within one ranking no post comes twice and none is skipped that may still be shown; and whatever the ranking, nothing
//! is shown that was deleted, is of somebody blocked, was there only for a follow that was undone, is not for the viewer any
//! more, or was edited since.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use nova_cache::{Cache, OverlayKey, keys};
use nova_domain::{PostId, UserId, Visibility};
use nova_testbed::Stack;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::world::{TestEngine, World, engine, forget, noon, redis, settle};
use crate::answer::{FeedPage, Restart, SnapshotId};
use crate::rank_types::RankedItem;
use crate::service::{FeedAt, FeedRequest};

const CASES: u32 = 300;
const STEPS: usize = 40;
const MOST_LIMIT: u32 = 8;

#[derive(Debug, Clone)]
enum Step {
    /// The app is opened anew: both walks begin with this page.
    First {
        process: usize,
        limit: u32,
    },
    /// The next page of the walk by cursor.
    ByCursor {
        process: usize,
        limit: u32,
    },
    /// The next page of the walk by offset.
    ByOffset {
        process: usize,
        limit: u32,
    },
    /// Somebody posts; the snapshots of followers are marked stale.
    Post {
        author: Index,
        followers: bool,
    },
    Delete(Index),
    Edit(Index, u8),
    Like(Index, bool),
    Follow(Index, bool),
    Block(Index, bool),
    /// The job ranks ahead.
    Warm {
        process: usize,
    },
    MarkStale,
    Later {
        seconds: u8,
    },
    PagesExpire,
    RankingExpires,
    ViewerExpires,
    BodiesExpire,
    CountersExpire,
}

fn step() -> impl Strategy<Value = Step> {
    let page = || (0..2_usize, 1..=MOST_LIMIT);
    prop_oneof![
        2 => page().prop_map(|(process, limit)| Step::First { process, limit }),
        8 => page().prop_map(|(process, limit)| Step::ByCursor { process, limit }),
        8 => page().prop_map(|(process, limit)| Step::ByOffset { process, limit }),
        2 => any::<(Index, bool)>().prop_map(|(author, followers)| Step::Post { author, followers }),
        3 => any::<Index>().prop_map(Step::Delete),
        2 => (any::<Index>(), 0..3_u8).prop_map(|(post, to)| Step::Edit(post, to)),
        2 => any::<(Index, bool)>().prop_map(|(post, on)| Step::Like(post, on)),
        2 => any::<(Index, bool)>().prop_map(|(user, on)| Step::Follow(user, on)),
        1 => any::<(Index, bool)>().prop_map(|(user, on)| Step::Block(user, on)),
        1 => (0..2_usize).prop_map(|process| Step::Warm { process }),
        1 => Just(Step::MarkStale),
        1 => (1..100_u8).prop_map(|seconds| Step::Later { seconds }),
        1 => Just(Step::PagesExpire),
        1 => Just(Step::RankingExpires),
        1 => Just(Step::ViewerExpires),
        1 => Just(Step::BodiesExpire),
        1 => Just(Step::CountersExpire),
    ]
}

/// What one client has seen of one ranking.
#[derive(Debug, Clone)]
struct Walk {
    snapshot: SnapshotId,
    shown: HashSet<PostId>,
    /// Index behind the last item shown.
    behind: usize,
    cursor: Option<String>,
    offset: u32,
}

struct Case<'a> {
    world: Arc<World>,
    cache: &'a Cache,
    stack: &'a Stack,
    engines: [TestEngine; 2],
    now: DateTime<Utc>,
    /// Whether each step waits for what runs behind the answers of the one before.
    calm: bool,
    rankings: HashMap<SnapshotId, Vec<RankedItem>>,
    by_cursor: Option<Walk>,
    by_offset: Option<Walk>,
}

impl<'a> Case<'a> {
    fn new(cache: &'a Cache, stack: &'a Stack, calm: bool) -> Self {
        let world = World::new(5, 6);
        let author = world.authors()[0];
        for minutes in 0..4 {
            let at = noon() - TimeDelta::minutes(minutes * 45);
            world.post(author, Visibility::Followers, at);
        }
        let engines = [engine(&world, Some(cache)), engine(&world, Some(cache))];
        Self {
            world,
            cache,
            stack,
            engines,
            now: noon(),
            calm,
            rankings: HashMap::new(),
            by_cursor: None,
            by_offset: None,
        }
    }

    async fn page(&mut self, process: usize, at: FeedAt, limit: u32) -> FeedPage {
        let request = FeedRequest {
            viewer: self.world.viewer,
            at,
            limit,
            explain: false,
        };
        let page = self.engines[process].feed(&request, Some(self.now)).await;
        let page = page.unwrap();
        self.learn(page.snapshot.id).await;
        self.nothing_forbidden(&page);
        assert!(page.items.len() <= limit as usize);
        if page.next_cursor.is_some() {
            assert_eq!(
                page.items.len(),
                limit as usize,
                "a page is full, or the last"
            );
        }
        page
    }

    /// Remembers a ranking: it does not change, but Redis may lose it.
    async fn learn(&mut self, id: SnapshotId) {
        let viewer = self.world.viewer;
        if self.rankings.contains_key(&id) {
            return;
        }
        let memory = |e: &TestEngine| e.memory.snapshot(viewer, id, self.now);
        let items = match self.engines.iter().find_map(memory) {
            Some(kept) => kept.items.clone(),
            None => super::world::snapshot(self.cache, viewer, id).await.items,
        };
        self.rankings.insert(id, items);
    }

    fn nothing_forbidden(&self, page: &FeedPage) {
        let ranking = &self.rankings[&page.snapshot.id];
        let mut index = 0;
        for item in &page.items {
            let found = ranking[index..]
                .iter()
                .position(|ranked| ranked.post() == item.post_id);
            let found = found.expect("a page keeps the order of its ranking");
            let ranked = &ranking[index + found];
            index += found + 1;
            assert!(self.world.allowed(ranked), "{item:?} may not be shown");
            let caption = self.world.body(item.post_id).caption;
            assert_eq!(
                *item.caption, *caption,
                "{item:?} shows what it showed before"
            );
            let likes = self.world.state().likes.contains(&item.post_id);
            assert_eq!(item.viewer.liked, likes, "{item:?}");
            assert!(!likes || item.counts.likes > 0, "{item:?}");
        }
    }

    /// A page that goes on with a walk of the same ranking.
    fn goes_on(&self, walk: &mut Walk, page: &FeedPage) {
        let ranking = &self.rankings[&walk.snapshot];
        let end = match (page.items.last(), &page.next_cursor) {
            (_, None) => ranking.len(),
            (Some(last), _) => index(ranking, last.post_id) + 1,
            (None, Some(_)) => panic!("an empty page that is not the last"),
        };
        let here: HashSet<PostId> = page.items.iter().map(|item| item.post_id).collect();
        for post in &here {
            assert!(
                walk.shown.insert(*post),
                "{post} came twice: index {} after {}, offset {}, {:?}, {:?}",
                index(ranking, *post),
                walk.behind,
                walk.offset,
                page.served_from,
                page.degraded
            );
        }
        for item in ranking.get(walk.behind..end).unwrap_or_default() {
            let shown = here.contains(&item.post());
            assert!(shown || !self.world.allowed(item), "{item:?} was skipped");
        }
        walk.behind = walk.behind.max(end);
        walk.cursor.clone_from(&page.next_cursor);
        walk.offset += u32::try_from(page.items.len()).unwrap();
    }

    /// A walk that begins with this page.
    fn begin(&self, page: &FeedPage, behind: usize, offset: u32) -> Walk {
        let mut walk = Walk {
            snapshot: page.snapshot.id,
            shown: HashSet::new(),
            behind,
            cursor: None,
            offset,
        };
        self.goes_on(&mut walk, page);
        walk
    }

    async fn first(&mut self, process: usize, limit: u32) {
        let page = self.page(process, FeedAt::Offset(0), limit).await;
        assert_eq!(page.restarted, None);
        let walk = self.begin(&page, 0, 0);
        self.by_cursor = Some(walk.clone());
        self.by_offset = Some(walk);
    }

    async fn next_by_cursor(&mut self, process: usize, limit: u32) {
        let Some(mut walk) = self.by_cursor.take() else {
            return self.first(process, limit).await;
        };
        let Some(cursor) = walk.cursor.take() else {
            return;
        };
        let page = self.page(process, FeedAt::Cursor(cursor), limit).await;
        let same = page.snapshot.id == walk.snapshot && page.restarted.is_none();
        if same {
            self.goes_on(&mut walk, &page);
            self.by_cursor = Some(walk);
        } else {
            assert_eq!(page.restarted, Some(Restart::CursorExpired));
            self.by_cursor = Some(self.begin(&page, 0, 0));
            // Its first page is where offsets are counted from now on.
            self.by_offset = None;
        }
    }

    async fn next_by_offset(&mut self, process: usize, limit: u32) {
        let Some(mut walk) = self.by_offset.take() else {
            return self.first(process, limit).await;
        };
        let offset = walk.offset;
        let page = self.page(process, FeedAt::Offset(offset), limit).await;
        if page.snapshot.id == walk.snapshot {
            self.goes_on(&mut walk, &page);
            self.by_offset = Some(walk);
        } else {
            // What came before it in this ranking nobody has seen.
            let ranking = &self.rankings[&page.snapshot.id];
            let behind = match page.items.first() {
                Some(first) => index(ranking, first.post_id),
                None => ranking.len(),
            };
            self.by_offset = Some(self.begin(&page, behind, offset));
        }
    }

    fn any_post(&self, index: Index) -> PostId {
        let state = self.world.state();
        let posts: Vec<PostId> = state.posts.keys().copied().collect();
        *index.get(&posts)
    }

    fn any_user(&self, index: Index) -> UserId {
        *index.get(&self.world.authors())
    }

    async fn mark_stale(&self) {
        let viewers = [self.world.viewer];
        let at = self.now.timestamp_millis();
        self.cache.mark_stale(&viewers, at).await.unwrap();
    }

    async fn expire(&self, keys: Vec<String>) {
        if !keys.is_empty() {
            forget(self.stack, &keys).await;
        }
    }

    async fn take(&mut self, step: &Step) {
        let (world, cache) = (Arc::clone(&self.world), self.cache);
        let viewer = world.viewer;
        match *step {
            Step::First { process, limit } => self.first(process, limit).await,
            Step::ByCursor { process, limit } => self.next_by_cursor(process, limit).await,
            Step::ByOffset { process, limit } => self.next_by_offset(process, limit).await,
            Step::Post { author, followers } => {
                let visibility = if followers {
                    Visibility::Followers
                } else {
                    Visibility::Public
                };
                world.post(self.any_user(author), visibility, self.now);
                self.mark_stale().await;
            }
            Step::Delete(post) => world.delete(cache, self.any_post(post)).await,
            Step::Edit(post, to) => {
                let to = [
                    Visibility::Public,
                    Visibility::Followers,
                    Visibility::Private,
                ][usize::from(to)];
                world.edit(cache, self.any_post(post), to).await;
            }
            Step::Like(post, on) => {
                let post = self.any_post(post);
                world.act(cache, OverlayKey::Like(post), on).await;
            }
            Step::Follow(user, on) => {
                let user = self.any_user(user);
                // Nobody follows across a block.
                if !on || !world.state().blocks.contains(&user) {
                    world.act(cache, OverlayKey::Follow(user), on).await;
                }
            }
            Step::Block(user, on) => {
                let user = self.any_user(user);
                world.act(cache, OverlayKey::Block(user), on).await;
            }
            Step::Warm { process } => {
                let engine = &self.engines[process];
                engine.warm(viewer, 5, Some(self.now)).await.unwrap();
            }
            Step::MarkStale => self.mark_stale().await,
            Step::Later { seconds } => self.now += TimeDelta::seconds(i64::from(seconds)),
            Step::PagesExpire => {
                let limits = 1..=MOST_LIMIT;
                let pages =
                    limits.flat_map(|l| (0..40).map(move |o| keys::feed_page(viewer, o, l)));
                self.expire(pages.collect()).await;
            }
            Step::RankingExpires => {
                let known = self.rankings.keys();
                let keys = known.map(|id| keys::snapshot(viewer, id.uuid()));
                self.expire(keys.collect()).await;
            }
            Step::ViewerExpires => self.expire(vec![keys::viewer(viewer)]).await,
            Step::BodiesExpire => {
                let posts: Vec<PostId> = world.state().posts.keys().copied().collect();
                let bodies = posts.into_iter().map(keys::body);
                self.expire(bodies.collect()).await;
            }
            Step::CountersExpire => {
                // They live for days: what is written back belongs to a loss before, not to this one.
                self.settle().await;
                let posts: Vec<PostId> = world.state().posts.keys().copied().collect();
                let counters = posts.into_iter().map(keys::counters);
                self.expire(counters.collect()).await;
            }
        }
        if self.calm {
            self.settle().await;
        }
    }

    /// Waits for what runs behind the answers.
    async fn settle(&self) {
        for engine in &self.engines {
            settle(engine).await;
        }
    }
}

fn index(ranking: &[RankedItem], post: PostId) -> usize {
    ranking
        .iter()
        .position(|item| item.post() == post)
        .expect("a page is of its ranking")
}

#[test]
fn no_walk_repeats_skips_or_shows_what_it_must_not() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (cache, stack) = runtime.block_on(redis());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let steps = vec(step(), 1..STEPS);
    let outcome = runner.run(&(steps, any::<bool>()), |(steps, calm)| {
        let walked = std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async {
                let mut case = Case::new(&cache, &stack, calm);
                for step in &steps {
                    case.take(step).await;
                }
                case.settle().await;
            });
        });
        std::panic::catch_unwind(walked).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            TestCaseError::fail(text.unwrap_or_else(|| "a panic".to_owned()))
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
