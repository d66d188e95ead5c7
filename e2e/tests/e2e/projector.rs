//! What the projector writes to Redis: the same numbers as PostgreSQL and ClickHouse have, whatever happens on the way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nova_cache::{Cache, CacheConfig};
use nova_domain::PostId;
use nova_e2e::{Counts, Person, World, exclusive, run, say, wait_until};
use nova_testbed::Server;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use sqlx::Row as _;
use uuid::Uuid;

use crate::ARRIVES;

const LIMIT: Duration = Duration::from_secs(120);

/// Times the process that projects is killed.
const KILLS: usize = 3;

/// What each of the three has of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    likes: u64,
    comments: u64,
    deleted: bool,
}

type Board = BTreeMap<Uuid, Numbers>;

/// An author, posts, and people who like and comment.
struct Scene {
    author: Uuid,
    posts: Vec<Uuid>,
    people: Vec<Uuid>,
    cache: Cache,
}

impl Scene {
    async fn new(world: &World, posts: usize, people: usize) -> Self {
        let author = Uuid::now_v7();
        let prefix = &author.simple().to_string()[20..];
        world
            .sql(&format!(
                "INSERT INTO users (user_id, handle, display_name) VALUES ('{author}', '{prefix}.a', 'Author')"
            ))
            .await;
        let ids = |count: usize| (0..count).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
        let (posts, people) = (ids(posts), ids(people));
        for (n, person) in people.iter().enumerate() {
            world
                .sql(&format!(
                    "INSERT INTO users (user_id, handle, display_name) VALUES ('{person}', '{prefix}.{n}', 'Fan')"
                ))
                .await;
        }
        // Private: with so many likes they would fill every feed of the tests that follow.
        for post in &posts {
            world
                .sql(&format!(
                    "INSERT INTO posts (post_id, author_id, caption, media_url, media_type, duration_ms, visibility)
                     VALUES ('{post}', '{author}', 'a post', 'https://media.example/1', 'video', 1, 'private')"
                ))
                .await;
        }
        let url = world.stack.endpoints().redis.parse().unwrap();
        let cache = Cache::new(&CacheConfig::new(url)).unwrap();
        Self {
            author,
            posts,
            people,
            cache,
        }
    }

    async fn in_postgresql(&self, world: &World) -> Board {
        let rows = sqlx::query(
            "SELECT p.post_id, p.deleted_at IS NOT NULL AS deleted,
                    (SELECT count(*) FROM likes l WHERE l.post_id = p.post_id) AS likes,
                    (SELECT count(*) FROM comments c WHERE c.post_id = p.post_id) AS comments
             FROM posts p WHERE p.author_id = $1",
        )
        .bind(self.author)
        .fetch_all(&world.postgres)
        .await
        .unwrap();
        rows.iter()
            .map(|row| {
                let number = |name: &str| u64::try_from(row.get::<i64, _>(name)).unwrap();
                let numbers = Numbers {
                    likes: number("likes"),
                    comments: number("comments"),
                    deleted: row.get("deleted"),
                };
                (row.get("post_id"), numbers)
            })
            .collect()
    }

    async fn in_clickhouse(&self, world: &World) -> Result<Board, String> {
        let author = self.author;
        let query = format!(
            "SELECT toString(p.post_id), toUInt64(p.likes), toUInt64(p.comments), toUInt8(p.hidden) FROM (
                 SELECT post_id, sum(is_like) AS likes, sum(is_comment) AS comments, max(gone) AS hidden FROM (
                     SELECT post_id, 0 AS is_like, 0 AS is_comment, deleted_at IS NOT NULL AS gone
                     FROM posts_cdc FINAL WHERE author_id = '{author}'
                     UNION ALL SELECT post_id, 1, 0, 0 FROM likes_cdc FINAL WHERE author_id = '{author}'
                     UNION ALL SELECT post_id, 0, 1, 0 FROM comments_cdc FINAL WHERE author_id = '{author}'
                 ) GROUP BY post_id) AS p"
        );
        let rows: Vec<(String, u64, u64, u8)> = world
            .olap
            .client()
            .query(&query)
            .fetch_all()
            .await
            .map_err(|error| error.to_string())?;
        Ok(rows
            .into_iter()
            .map(|(post, likes, comments, hidden)| {
                let numbers = Numbers {
                    likes,
                    comments,
                    deleted: hidden == 1,
                };
                (post.parse().unwrap(), numbers)
            })
            .collect())
    }

    async fn in_redis(&self) -> Result<Board, String> {
        let posts: Vec<PostId> = self.posts.iter().map(|post| PostId::new(*post)).collect();
        let rows = self.cache.counters(&posts).await;
        let rows = rows.map_err(|error| error.to_string())?;
        let known = self.posts.iter().zip(rows).filter_map(|(post, row)| {
            let row = row?;
            let numbers = Numbers {
                likes: row.likes?,
                comments: row.comments?,
                deleted: row.deleted,
            };
            Some((*post, numbers))
        });
        Ok(known.collect())
    }

    /// How much of the stream Redis has, as one number that only grows.
    async fn progress(&self) -> u128 {
        let posts: Vec<PostId> = self.posts.iter().map(|post| PostId::new(*post)).collect();
        let rows = self.cache.counters(&posts).await.unwrap_or_default();
        rows.iter().flatten().filter_map(|row| row.version).sum()
    }

    /// Waits until the three have the same; gives it.
    async fn agreed(&self, world: &World) -> Board {
        let expected = self.in_postgresql(world).await;
        wait_until("the same numbers everywhere", LIMIT, || async {
            compare(&expected, &self.in_clickhouse(world).await?, "ClickHouse")?;
            compare(&expected, &self.in_redis().await?, "Redis")
        })
        .await;
        expected
    }
}

fn compare(expected: &Board, found: &Board, place: &str) -> Result<(), String> {
    let wrong: Vec<_> = expected
        .iter()
        .filter(|(post, numbers)| found.get(post) != Some(numbers))
        .collect();
    match wrong.first() {
        None => Ok(()),
        Some((post, numbers)) => Err(format!(
            "{place}: {} of {} posts differ, e.g. {post}: {:?} instead of {numbers:?}",
            wrong.len(),
            expected.len(),
            found.get(post)
        )),
    }
}

/// Likes, unlikes, re-likes, comments, comments taken back and posts deleted, one statement after the other. Deadlocks
/// between two that delete the same likes are PostgreSQL's to refuse: such a statement has changed nothing.
async fn write_rows(
    world: &World,
    scene: &Scene,
    seed: u64,
    stop: &AtomicBool,
    written: &AtomicU64,
) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !stop.load(Ordering::SeqCst) {
        let pairs: Vec<String> = (0..8)
            .map(|_| {
                let post = scene.posts[rng.random_range(0..scene.posts.len())];
                let user = scene.people[rng.random_range(0..scene.people.len())];
                format!("('{post}'::uuid, '{user}'::uuid)")
            })
            .collect();
        let pairs = pairs.join(", ");
        let post = scene.posts[rng.random_range(0..scene.posts.len())];
        let statement = match rng.random_range(0..200) {
            0 => format!("UPDATE posts SET deleted_at = now() WHERE post_id = '{post}' AND random() < 0.3"),
            1..=30 => format!(
                "INSERT INTO comments (comment_id, post_id, user_id, body)
                 SELECT gen_random_uuid(), p.post_id, p.user_id, 'x' FROM (VALUES {pairs}) p (post_id, user_id)"
            ),
            31..=50 => format!(
                "DELETE FROM comments WHERE comment_id IN (SELECT comment_id FROM comments WHERE post_id = '{post}' LIMIT 4)"
            ),
            51..=100 => format!("DELETE FROM likes WHERE (post_id, user_id) IN ({pairs})"),
            // In one order, so that two statements never wait for each other.
            _ => format!(
                "INSERT INTO likes (post_id, user_id)
                 SELECT DISTINCT p.post_id, p.user_id FROM (VALUES {pairs}) p (post_id, user_id) ORDER BY 1, 2
                 ON CONFLICT DO NOTHING"
            ),
        };
        let done = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&world.postgres)
            .await;
        let rows = match done {
            Ok(done) => done.rows_affected(),
            Err(sqlx::Error::Database(refused)) if refused.code().as_deref() == Some("40P01") => 0,
            Err(error) => panic!("{error}"),
        };
        written.fetch_add(rows, Ordering::SeqCst);
    }
}

/// A person who likes and unlikes through the API, also while nobody answers there.
async fn use_the_api(
    world: &World,
    scene: &Scene,
    person: &Person,
    seed: u64,
    stop: &AtomicBool,
    taken: &AtomicU64,
) {
    let mut rng = StdRng::seed_from_u64(seed);
    let posts = scene.posts.len();
    while !stop.load(Ordering::SeqCst) {
        let post = scene.posts[rng.random_range(0..posts)];
        let method = if rng.random_bool(0.6) {
            Method::PUT
        } else {
            Method::DELETE
        };
        let path = format!("/posts/{post}/like");
        let answer = person.request(method, &path).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => _ = taken.fetch_add(1, Ordering::SeqCst),
            // The process is being started.
            Err(_) => answers(world).await,
            Ok(_) => {}
        }
    }
}

async fn answers(world: &World) {
    wait_until("the API", LIMIT, || world.stack.check(Server::Nova)).await;
}

#[test]
fn the_three_have_the_same_numbers_although_the_projecting_process_is_killed() {
    run(async {
        let world = exclusive().await;
        let scene = Scene::new(&world, 40, 150).await;
        // For those who use the API the posts have to be visible.
        world
            .sql(&format!(
                "UPDATE posts SET visibility = 'public' WHERE author_id = '{}'",
                scene.author
            ))
            .await;
        let people = world.people(4).await;
        let (stop, written, taken) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let started = Instant::now();
        let rows = futures::future::join_all(
            (0..4).map(|seed| write_rows(&world, &scene, seed, &stop, &written)),
        );
        let calls = people
            .iter()
            .zip(100..)
            .map(|(person, seed)| use_the_api(&world, &scene, person, seed, &stop, &taken));
        let calls = futures::future::join_all(calls);
        let killing = async {
            let mut rng = StdRng::seed_from_u64(7);
            for nth in 1..=KILLS {
                // In the middle of its work: it has gone on since the last time, for a while.
                for _ in 0..rng.random_range(1..10) {
                    let before = scene.progress().await;
                    wait_until("the projector at work", LIMIT, || async {
                        match scene.progress().await {
                            now if now > before => Ok(()),
                            _ => Err("nothing new in Redis".to_owned()),
                        }
                    })
                    .await;
                }
                world.stack.kill(Server::Nova).await.unwrap();
                let (there, here) = (
                    scene.in_postgresql(&world).await,
                    scene.in_redis().await.unwrap(),
                );
                let behind = there
                    .iter()
                    .filter(|(post, numbers)| here.get(post) != Some(numbers))
                    .count();
                say(&format!(
                    "kill {nth} after {} changes: {behind} of {} posts not up to date in Redis",
                    written.load(Ordering::SeqCst),
                    there.len()
                ));
                assert!(behind > 0, "nothing was under way");
                world.stack.restart(Server::Nova).await.unwrap();
            }
            stop.store(true, Ordering::SeqCst);
        };
        futures::join!(rows, calls, killing);
        let took = started.elapsed();
        let written_in = Instant::now();
        let board = scene.agreed(&world).await;
        let sum = |of: fn(&Numbers) -> u64| board.values().map(of).sum::<u64>();
        say(&format!(
            "{} changes in {took:.0?} ({:.0} a second) and {} calls of the API, {KILLS} kills: \
             {} posts with {} likes, {} comments, {} deleted, the same in PostgreSQL, ClickHouse and Redis {:.1?} later",
            written.load(Ordering::SeqCst),
            written.load(Ordering::SeqCst) as f64 / took.as_secs_f64(),
            taken.load(Ordering::SeqCst),
            board.len(),
            sum(|numbers| numbers.likes),
            sum(|numbers| numbers.comments),
            sum(|numbers| u64::from(numbers.deleted)),
            written_in.elapsed()
        ));
        assert!(sum(|numbers| numbers.likes) > 0 && sum(|numbers| numbers.comments) > 0);
        assert!(written.load(Ordering::SeqCst) > 1_000 && taken.load(Ordering::SeqCst) > 0);
        world
            .sql(&format!(
                "UPDATE posts SET visibility = 'private' WHERE author_id = '{}'",
                scene.author
            ))
            .await;
    });
}

#[test]
fn counters_come_back_exact_after_redis_has_lost_everything() {
    run(async {
        let world = exclusive().await;
        let author = world.person().await;
        let viewers = world.people(4).await;
        let fans = world.people(6).await;
        for viewer in &viewers {
            viewer.follow(author.id).await;
        }
        let mut expected: BTreeMap<PostId, Counts> = BTreeMap::new();
        for nth in 1..=4_usize {
            let post = author.post(&format!("post {nth}")).await;
            for fan in &fans[..nth + 1] {
                fan.like(post).await;
            }
            fans[0].comment(post, "a comment").await;
            let counts = Counts {
                likes: nth as u64 + 1,
                comments: 1,
                shares: 0,
            };
            expected.insert(post, counts);
        }
        let counts = |feed: &nova_e2e::Feed| -> BTreeMap<PostId, Counts> {
            let known = feed
                .items
                .iter()
                .filter(|item| expected.contains_key(&item.post_id));
            known.map(|item| (item.post_id, item.counts)).collect()
        };
        for viewer in &viewers {
            wait_until("the counts", ARRIVES, || async {
                let found = counts(&viewer.feed_when_there().await?);
                (found == expected)
                    .then_some(())
                    .ok_or_else(|| format!("{found:?}"))
            })
            .await;
        }
        for round in 0..5 {
            let mut redis = world.redis().await;
            let _flushed: () = redis::cmd("FLUSHALL")
                .query_async(&mut redis)
                .await
                .unwrap();
            // Whatever the first answers are made of: unknown is not zero, unless they say that counts are lacking. One that
            // says that a source is may lack posts.
            for _ in 0..3 {
                let feeds = futures::future::join_all(viewers.iter().map(Person::feed)).await;
                let counted = feeds
                    .iter()
                    .filter(|feed| !feed.degraded.iter().any(|d| d == "features:counts"));
                for feed in counted {
                    let found = counts(feed);
                    let mut wanted = expected.clone();
                    if feed.degraded.iter().any(|d| d.starts_with("source:")) {
                        wanted.retain(|post, _| found.contains_key(post));
                    }
                    assert_eq!(
                        found, wanted,
                        "round {round}: {}, without {:?}",
                        feed.served_from, feed.degraded
                    );
                }
            }
            for viewer in &viewers {
                wait_until("the exact counts", ARRIVES, || async {
                    let feed = viewer.feed_when_there().await?;
                    let exact = feed.degraded.is_empty() && counts(&feed) == expected;
                    exact.then_some(()).ok_or_else(|| format!("{feed:?}"))
                })
                .await;
            }
        }
        // And they go on from there.
        let post = *expected.keys().next().unwrap();
        viewers[0].like(post).await;
        let likes = expected[&post].likes + 1;
        wait_until("one more like", ARRIVES, || async {
            let found = viewers[1]
                .feed()
                .await
                .item(post)
                .map(|item| item.counts.likes);
            (found == Some(likes))
                .then_some(())
                .ok_or_else(|| format!("{found:?}"))
        })
        .await;
    });
}

#[test]
fn how_many_likes_a_second_reach_redis() {
    run(async {
        let world = exclusive().await;
        let scene = Scene::new(&world, 100, 200).await;
        let started = Instant::now();
        for some in scene.posts.chunks(10) {
            let posts: Vec<String> = some.iter().map(|post| format!("'{post}'")).collect();
            let people: Vec<String> = scene
                .people
                .iter()
                .map(|user| format!("('{user}'::uuid)"))
                .collect();
            world
                .sql(&format!(
                    "INSERT INTO likes (post_id, user_id, author_id) SELECT p.post_id, u.user_id, p.author_id
                     FROM posts p, (VALUES {}) u (user_id) WHERE p.post_id IN ({})",
                    people.join(", "),
                    posts.join(", ")
                ))
                .await;
        }
        let written = started.elapsed();
        let board = scene.agreed(&world).await;
        let took = started.elapsed();
        let likes: u64 = board.values().map(|numbers| numbers.likes).sum();
        assert_eq!(likes, 20_000);
        say(&format!(
            "{likes} likes written to PostgreSQL in {written:.2?} and exact in Redis after {took:.2?}: {:.0} a second",
            likes as f64 / took.as_secs_f64()
        ));
    });
}
