//! What is projected into Redis, on the real engine: exact counts with a version that orders them, and how far
//! ClickHouse has followed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_domain::{CommentId, EventCounts, PostCounts, PostId, UserId};
use nova_olap::load::{CountersSlice, PostCounters, next_counters};
use nova_olap::{DeadLetter, Olap, OlapConfig, PostKey, PostState, Recounted, schema};
use nova_testbed::Stack;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const LIMIT: Duration = Duration::from_secs(10);
const AT: &str = "2026-01-22 23:53:13.947857";

struct Engine {
    olap: Olap,
    _stack: Stack,
}

impl Engine {
    async fn start() -> Self {
        let stack = nova_testbed::clickhouse().await.expect("ClickHouse starts");
        let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
        let olap = Olap::new(&config);
        schema::apply(&olap).await.expect("the schema");
        Self {
            olap,
            _stack: stack,
        }
    }

    async fn insert(&self, table: &str, columns: &str, rows: &[String]) {
        let statement = format!("INSERT INTO {table} ({columns}) VALUES {}", rows.join(", "));
        let insert = self.olap.client().query(&statement.replace('?', "??"));
        insert.execute().await.expect(&statement);
    }

    async fn counts(&self, post: PostId) -> PostCounts {
        self.olap.post_counts(&[post], LIMIT).await.unwrap()[0]
    }
}

/// A change of one of a post's likes or comments: who or what, and whether it is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    key: Key,
    removed: bool,
    lsn: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Like(u8),
    Comment(u8),
}

/// Changes as they are committed, LSNs rising, and the blocks in which they arrive: out of order, some of them twice.
fn history() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let key = prop_oneof![
        (0_u8..5).prop_map(Key::Like),
        (0_u8..3).prop_map(Key::Comment)
    ];
    let change = (key, any::<bool>(), 1_u64..1 << 40);
    prop::collection::vec(change, 1..14)
        .prop_flat_map(|steps| {
            let mut lsn = 0;
            let changes: Vec<Change> = steps
                .into_iter()
                .map(|(key, removed, gap)| {
                    lsn += gap;
                    Change { key, removed, lsn }
                })
                .collect();
            let again = prop::collection::vec(prop::sample::select(changes.clone()), 0..6);
            (Just(changes), again)
        })
        .prop_flat_map(|(mut changes, again)| {
            changes.extend(again);
            Just(changes).prop_shuffle()
        })
        .prop_flat_map(|arriving| {
            let block = 1_usize..4;
            prop::collection::vec(block, arriving.len()).prop_map(move |sizes| {
                let mut left = arriving.as_slice();
                let mut blocks = Vec::new();
                for size in sizes {
                    let (block, rest) = left.split_at(size.min(left.len()));
                    if !block.is_empty() {
                        blocks.push(block.to_vec());
                    }
                    left = rest;
                }
                blocks
            })
        })
}

fn id(number: u8) -> String {
    format!("0190b5a0-0000-7000-8000-0000000000{number:02x}")
}

async fn apply(engine: &Engine, post: PostId, block: &[Change]) {
    let mut likes = Vec::new();
    let mut comments = Vec::new();
    for change in block {
        let (rows, key) = match change.key {
            Key::Like(user) => (&mut likes, id(user)),
            Key::Comment(comment) => (&mut comments, id(comment)),
        };
        let (lsn, removed) = (change.lsn, u8::from(change.removed));
        rows.push(format!("('{post}', '{key}', '{AT}', {lsn}, {removed})"));
    }
    let tables = [
        ("likes_cdc", "user_id", likes),
        ("comments_cdc", "comment_id", comments),
    ];
    for (table, key, rows) in tables {
        if !rows.is_empty() {
            let columns = format!("post_id, {key}, created_at, _version, _deleted");
            engine.insert(table, &columns, &rows).await;
        }
    }
}

/// Of any two states of a post's facts, the one that includes more of the stream has the greater version; what arrives
/// again or late and superseded changes neither version nor counts. So writing only greater versions never loses a
/// count and never brings an old one back.
#[test]
fn the_version_rises_with_every_change_that_is_applied_and_with_nothing_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(Engine::start());
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let checked = runner.run(&history(), |blocks| {
        runtime.block_on(async {
            let post = PostId::generate();
            let mut newest: BTreeMap<Key, Change> = BTreeMap::new();
            let mut before = engine.counts(post).await;
            prop_assert_eq!((before.likes, before.comments, before.version), (0, 0, 0));
            for block in &blocks {
                apply(&engine, post, block).await;
                let known = newest.clone();
                for change in block {
                    let entry = newest.entry(change.key).or_insert(*change);
                    if entry.lsn < change.lsn {
                        *entry = *change;
                    }
                }
                let live = |like: bool| {
                    let alive = newest.values().filter(|change| !change.removed);
                    let alive = alive.filter(|change| matches!(change.key, Key::Like(_)) == like);
                    u64::try_from(alive.count()).unwrap()
                };
                let now = engine.counts(post).await;
                prop_assert_eq!((now.likes, now.comments), (live(true), live(false)));
                if newest == known {
                    prop_assert_eq!(now, before);
                } else {
                    prop_assert!(now.version > before.version, "{:?} after {:?}", now, before);
                }
                before = now;
            }
            Ok(())
        })
    });
    checked.unwrap();
}

#[tokio::test]
async fn counts_come_in_the_order_asked_for_and_unknown_posts_have_none() {
    let engine = Engine::start().await;
    let posts: Vec<PostId> = (0..3).map(|_| PostId::generate()).collect();
    let big = u64::MAX;
    let like = |key, lsn, removed| Change { key, removed, lsn };
    apply(
        &engine,
        posts[2],
        &[
            like(Key::Like(1), big, false),
            like(Key::Like(2), big, false),
            like(Key::Comment(1), 7, true),
        ],
    )
    .await;
    let counts = engine.olap.post_counts(&posts, LIMIT).await.unwrap();
    let empty = |post| PostCounts {
        post,
        likes: 0,
        comments: 0,
        version: 0,
    };
    let full = PostCounts {
        post: posts[2],
        likes: 2,
        comments: 0,
        // Beyond 64 bits: the sum of LSNs, and one per key.
        version: 2 * u128::from(big) + 7 + 3,
    };
    assert_eq!(counts, [empty(posts[0]), empty(posts[1]), full]);
    assert_eq!(engine.olap.post_counts(&[], LIMIT).await.unwrap(), []);
}

#[tokio::test]
async fn the_newest_version_of_exact_keys_is_told() {
    let engine = Engine::start().await;
    let (post, other) = (PostId::generate(), PostId::generate());
    let (user, author) = (UserId::generate(), UserId::generate());
    let comment = CommentId::generate();
    for (lsn, removed) in [(10, 0), (30, 1), (20, 0)] {
        let rows = [format!("('{post}', '{user}', '{AT}', {lsn}, {removed})")];
        let columns = "post_id, user_id, created_at, _version, _deleted";
        engine.insert("likes_cdc", columns, &rows).await;
    }
    let olap = &engine.olap;
    let asked = [(post, user), (other, user), (post, author)];
    let seen = olap.seen_likes(&asked, LIMIT).await.unwrap();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [((post, user), 30)]);

    let rows = [format!("('{post}', '{comment}', '{AT}', 5, 0)")];
    let columns = "post_id, comment_id, created_at, _version, _deleted";
    engine.insert("comments_cdc", columns, &rows).await;
    let seen = olap.seen_comments(&[(post, comment)], LIMIT).await.unwrap();
    assert_eq!(seen[&(post, comment)], 5);

    let rows = [format!("('{user}', '{author}', '{AT}', 6, 0)")];
    let columns = "follower_id, followee_id, created_at, _version, _deleted";
    engine.insert("follows_cdc", columns, &rows).await;
    let seen = olap
        .seen_follows(&[(user, author), (author, user)], LIMIT)
        .await;
    assert_eq!(
        seen.unwrap().into_iter().collect::<Vec<_>>(),
        [((user, author), 6)]
    );
    let followers = olap.followers(&[author, user], 10, LIMIT).await.unwrap();
    assert_eq!(
        followers.into_iter().collect::<Vec<_>>(),
        [(author, vec![user])]
    );

    let columns = "post_id, author_id, created_at, deleted_at, _version, _deleted";
    let rows = [
        format!("('{post}', '{author}', '{AT}', NULL, 8, 0)"),
        format!("('{other}', '{author}', '{AT}', NULL, 3, 0)"),
        format!("('{other}', '{author}', '{AT}', '{AT}', 4, 0)"),
    ];
    engine.insert("posts_cdc", columns, &rows).await;
    let created_at: DateTime<Utc> = format!("{}Z", AT.replace(' ', "T")).parse().unwrap();
    let key = |post| PostKey {
        author,
        created_at,
        post,
    };
    let elsewhen = PostKey {
        created_at: created_at + chrono::Duration::microseconds(1),
        ..key(other)
    };
    let seen = olap
        .seen_posts(&[key(post), elsewhen], LIMIT)
        .await
        .unwrap();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(post, 8)]);

    let unknown = PostId::generate();
    let mut states = olap
        .post_states(&[post, other, unknown], LIMIT)
        .await
        .unwrap();
    states.sort_by_key(|state| state.lsn);
    let state = |post, deleted, lsn| PostState { post, deleted, lsn };
    assert_eq!(states, [state(other, true, 4), state(post, false, 8)]);
}

#[tokio::test]
async fn a_walk_over_all_posts_tells_what_is_told_of_each() {
    let engine = Engine::start().await;
    let (olap, author, now) = (&engine.olap, UserId::generate(), Utc::now());
    let text = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let posts: Vec<PostId> = (0..60).map(|_| PostId::generate()).collect();
    let too_old = |n: usize| n % 7 == 6;
    let (mut created, mut changed) = (Vec::new(), Vec::new());
    let (mut likes, mut comments, mut hours) = (Vec::new(), Vec::new(), Vec::new());
    for (n, post) in posts.iter().enumerate() {
        let age = chrono::Duration::hours(if too_old(n) { 169 } else { 1 });
        let at = text(now - age);
        created.push(format!("('{post}', '{author}', '{at}', NULL, 5, 0)"));
        let deleted_at = if n % 5 == 0 {
            format!("'{AT}'")
        } else {
            "NULL".to_owned()
        };
        changed.push(format!(
            "('{post}', '{author}', '{at}', {deleted_at}, {}, {})",
            100 + n,
            u8::from(n % 11 == 0)
        ));
        // Some posts have nothing of a kind, some have nothing at all.
        for of_post in 0..n % 4 {
            let user = UserId::generate();
            likes.push(format!(
                "('{post}', '{user}', '{AT}', {}, {})",
                10 + of_post,
                of_post % 2
            ));
        }
        for of_post in 0..n % 3 {
            let comment = CommentId::generate();
            comments.push(format!(
                "('{post}', '{comment}', '{AT}', {}, 0)",
                20 + of_post
            ));
        }
        for hour in 0..n % 2 + n % 4 / 3 {
            let at = (now - chrono::Duration::hours(2 + i64::try_from(hour).unwrap()))
                .format("%Y-%m-%d %H:00:00");
            hours.push(format!(
                "('{post}', '{at}', {}, 2, 1, {})",
                3 + hour,
                1_000 + n
            ));
        }
    }
    let columns = "post_id, author_id, created_at, deleted_at, _version, _deleted";
    engine.insert("posts_cdc", columns, &created).await;
    engine.insert("posts_cdc", columns, &changed).await;
    let columns = "post_id, user_id, created_at, _version, _deleted";
    engine.insert("likes_cdc", columns, &likes).await;
    let columns = "post_id, comment_id, created_at, _version, _deleted";
    engine.insert("comments_cdc", columns, &comments).await;
    let columns = "post_id, hour, impressions, views, shares, _version";
    engine.insert("post_metrics_1h", columns, &hours).await;

    let since = now - chrono::Duration::days(7);
    let (mut found, mut slices) = (Vec::new(), 0);
    let mut after = CountersSlice::START;
    while let Some(slice) = next_counters(olap, after, since, 7, LIMIT).await.unwrap() {
        assert!(slice.posts.len() <= 7);
        found.extend(slice.posts);
        after = slice.last;
        slices += 1;
    }
    assert!(slices >= 9, "{slices}");

    let young = posts.iter().enumerate().filter(|(n, _)| !too_old(*n));
    let young: Vec<PostId> = young.map(|(_, post)| *post).collect();
    let counts = olap.post_counts(&young, LIMIT).await.unwrap();
    let events = olap.event_counts(&young, LIMIT).await.unwrap();
    let states = olap.post_states(&young, LIMIT).await.unwrap();
    let mut expected: Vec<PostCounters> = counts
        .into_iter()
        .map(|counts| PostCounters {
            counts,
            events: events
                .iter()
                .find(|events| events.post == counts.post)
                .copied()
                .unwrap_or_else(|| EventCounts::none(counts.post)),
            state: *states
                .iter()
                .find(|state| state.post == counts.post)
                .unwrap(),
        })
        .collect();
    found.sort_by_key(|one| one.counts.post);
    expected.sort_by_key(|one| one.counts.post);
    assert_eq!(found, expected);
    // It is no walk over nothing.
    assert!(events.len() > 20 && events.len() < young.len());
    assert!(states.iter().any(|state| state.deleted) && states.iter().any(|state| !state.deleted));
    assert!(expected.iter().any(|one| one.counts.version == 0));
}

#[tokio::test]
async fn a_thousand_keys_fit_into_one_question() {
    let engine = Engine::start().await;
    let author = UserId::generate();
    let now = Utc::now();
    let keys: Vec<PostKey> = (0..nova_olap::MOST_KEYS)
        .map(|_| PostKey {
            author,
            created_at: now,
            post: PostId::generate(),
        })
        .collect();
    assert!(
        engine
            .olap
            .seen_posts(&keys, LIMIT)
            .await
            .unwrap()
            .is_empty()
    );
    let likes: Vec<_> = keys.iter().map(|key| (key.post, author)).collect();
    assert!(
        engine
            .olap
            .seen_likes(&likes, LIMIT)
            .await
            .unwrap()
            .is_empty()
    );
    let posts: Vec<PostId> = keys.iter().map(|key| key.post).collect();
    assert_eq!(
        engine.olap.post_counts(&posts, LIMIT).await.unwrap().len(),
        posts.len()
    );
}

#[tokio::test]
async fn followers_are_limited_for_each_author() {
    let engine = Engine::start().await;
    let authors = [UserId::generate(), UserId::generate()];
    let columns = "follower_id, followee_id, created_at, _version, _deleted";
    for (author, followers) in authors.iter().zip([5, 2]) {
        let rows: Vec<String> = (0..followers)
            .map(|_| format!("('{}', '{author}', '{AT}', 1, 0)", UserId::generate()))
            .collect();
        engine.insert("follows_cdc", columns, &rows).await;
    }
    // One that has unfollowed.
    let gone = UserId::generate();
    for (lsn, removed) in [(2, 0), (3, 1)] {
        let rows = [format!(
            "('{gone}', '{}', '{AT}', {lsn}, {removed})",
            authors[1]
        )];
        engine.insert("follows_cdc", columns, &rows).await;
    }
    let found = engine.olap.followers(&authors, 3, LIMIT).await.unwrap();
    assert_eq!((found[&authors[0]].len(), found[&authors[1]].len()), (3, 2));
    assert!(!found[&authors[1]].contains(&gone));
}

#[tokio::test]
async fn messages_put_aside_are_told_from_those_still_to_come() {
    let engine = Engine::start().await;
    for offset in [3, 5] {
        let letter = DeadLetter {
            topic: "cdc.likes",
            partition: 1,
            offset,
            error: "empty message",
        };
        engine.olap.quarantine(&letter, LIMIT).await.unwrap();
    }
    engine
        .insert(
            "dead_letters",
            "topic, partition, offset, disposition, error, raw, received_at",
            &["('cdc.likes', 1, 4, 'applied', 'unknown field: x', '', now64(3))".to_owned()],
        )
        .await;
    let asked = [(1, 3), (1, 4), (1, 6), (2, 5)];
    let found = engine.olap.quarantined("cdc.likes", &asked, LIMIT).await;
    assert_eq!(found.unwrap(), HashSet::from([(1, 3)]));
    let elsewhere = engine.olap.quarantined("cdc.posts", &asked, LIMIT).await;
    assert!(elsewhere.unwrap().is_empty());
}

#[tokio::test]
async fn event_counts_are_sums_of_the_newest_recount_of_every_hour() {
    let engine = Engine::start().await;
    let posts: Vec<PostId> = (0..4).map(|_| PostId::generate()).collect();
    let columns = "post_id, hour, impressions, views, shares, clicks, dwell_ms, _version";
    let row = |post: PostId, hours_ago: u32, impressions: u32, version: u64| {
        format!(
            "('{post}', toStartOfHour(now('UTC') - toIntervalHour({hours_ago})), {impressions}, 2, 1, 0, 0, {version})"
        )
    };
    engine
        .insert(
            "post_metrics_1h",
            columns,
            &[row(posts[0], 0, 10, 1_000), row(posts[0], 1, 5, 1_000)],
        )
        .await;
    engine
        .insert(
            "post_metrics_1h",
            columns,
            &[
                row(posts[0], 0, 11, 2_000),
                row(posts[1], 0, 1, 2_000),
                row(posts[2], 0, 1, 2_000),
                // Older than what is counted.
                row(posts[2], 24 * 91, 7, 1_500),
            ],
        )
        .await;
    let olap = &engine.olap;
    let mut counts = olap.event_counts(&posts, LIMIT).await.unwrap();
    counts.sort_by_key(|counts| posts.iter().position(|post| *post == counts.post));
    let expected = |post, shares, impressions, views| EventCounts {
        post,
        shares,
        impressions,
        views,
        version: 2_000,
    };
    assert_eq!(
        counts,
        [
            expected(posts[0], 2, 16, 4),
            expected(posts[1], 1, 1, 2),
            expected(posts[2], 1, 1, 2)
        ]
    );

    let mut paged = Vec::new();
    let mut after = Recounted::start();
    loop {
        let page = olap.recounted_posts(1_200, after, 2, LIMIT).await.unwrap();
        let Some(last) = page.last() else { break };
        after = *last;
        paged.extend(page);
    }
    assert!(paged.iter().all(|one| one.at == 2_000), "{paged:?}");
    let found: HashSet<PostId> = paged.iter().map(|one| one.post).collect();
    assert_eq!(found, posts[..3].iter().copied().collect());
    assert_eq!(paged.len(), 3);
    let later = olap
        .recounted_posts(2_001, Recounted::start(), 10, LIMIT)
        .await;
    assert_eq!(later.unwrap(), []);
}
