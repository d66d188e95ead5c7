//! Recounts on the real engine: what the events of a post add up to, however they come in.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use std::time::Duration;

use nova_olap::{Olap, OlapConfig, schema};
use nova_testbed::{Stack, wait_for};

const POST: &str = "0190b5a0-0000-7000-8000-0000000000b1";
const AUTHOR: &str = "0190b5a0-0000-7000-8000-000000000002";

/// An empty engine.
async fn engine() -> (Olap, Stack) {
    let stack = nova_testbed::clickhouse().await.unwrap();
    let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
    let olap = Olap::new(&config);
    schema::apply(&olap).await.unwrap();
    (olap, stack)
}

/// An engine with one post that rests: it has been recounted for the last time, ten seconds after it came.
async fn with_a_post() -> (Olap, Stack) {
    let (olap, stack) = engine().await;
    run(
        &olap,
        &format!(
            "INSERT INTO posts_cdc (post_id, author_id, created_at, visibility, _version, _deleted) \
             VALUES ('{POST}', '{AUTHOR}', now64(6), 'public', 1, 0)"
        ),
    )
    .await;
    let rests = "SELECT toUInt64(max(at) >= assumeNotNull((SELECT max(changed_at) FROM post_changes)) + INTERVAL 10 SECOND) \
                 FROM post_recounts WHERE recount = 'post_engagement'";
    becomes(&olap, rests, 1).await;
    (olap, stack)
}

async fn run(olap: &Olap, statement: &str) {
    olap.client().query(statement).execute().await.unwrap();
}

async fn becomes(olap: &Olap, query: &str, expected: u64) {
    wait_for(Duration::from_secs(60), async || {
        let found: u64 = olap.client().query(query).fetch_one().await.unwrap();
        if found == expected {
            Ok(())
        } else {
            Err(format!("{found} instead of {expected}: {query}"))
        }
    })
    .await
    .unwrap();
}

/// Impressions by so many users in the hour so many hours ago, each delivered twice.
async fn impressions(olap: &Olap, users: std::ops::Range<u32>, hours_ago: u32) {
    let (from, n) = (users.start, users.len());
    let statement = format!(
        "INSERT INTO events_raw SELECT \
         reinterpretAsUUID(toUInt128({from} + number)), reinterpretAsUUID(toUInt128({from} + number)), 'impression', \
         toUUID('{POST}'), toUUID('{AUTHOR}'), NULL, now64(3) - INTERVAL {hours_ago} HOUR, now64(3), 1 FROM numbers({n})"
    );
    for _ in 0..2 {
        run(olap, &statement).await;
    }
}

const ENGAGEMENT: &str = "SELECT sum(impressions) FROM post_engagement FINAL";

#[tokio::test]
async fn a_post_s_counts_are_those_of_all_its_hours() {
    let (olap, _stack) = with_a_post().await;
    impressions(&olap, 0..40, 0).await;
    impressions(&olap, 40..70, 5).await;
    becomes(&olap, ENGAGEMENT, 70).await;
    becomes(&olap, "SELECT count() FROM post_metrics_1h FINAL", 2).await;
    // Later ones, in an hour that was counted before.
    impressions(&olap, 70..75, 5).await;
    becomes(&olap, ENGAGEMENT, 75).await;
    // The same, counted from the facts.
    let facts = "SELECT sum(impressions) FROM post_ranking_scores";
    becomes(&olap, facts, 75).await;
}

/// A recount of very many hours writes them in several blocks, and a recount of posts may come between two of them.
#[tokio::test]
async fn hours_of_one_recount_that_come_in_two_blocks_are_all_added_up() {
    let (olap, _stack) = with_a_post().await;
    let at: u64 = olap
        .client()
        .query("SELECT toUInt64(toUnixTimestamp64Milli(now64(3)))")
        .fetch_one()
        .await
        .unwrap();
    for (hours_ago, impressions, sum) in [(1, 7, 7), (2, 11, 18)] {
        run(
            &olap,
            &format!(
                "INSERT INTO post_metrics_1h SELECT toUUID('{POST}'), toStartOfHour(now() - INTERVAL {hours_ago} HOUR), \
                 {impressions}, 0, 0, 0, 0, {at}"
            ),
        )
        .await;
        becomes(&olap, ENGAGEMENT, sum).await;
    }
}

/// Events of the posts of these numbers, so many each, by users counted from one.
async fn events_of(olap: &Olap, posts: std::ops::Range<u32>, each: u32, first_user: u32) {
    let (from, n) = (posts.start, posts.len());
    run(
        olap,
        &format!(
            "INSERT INTO events_raw SELECT reinterpretAsUUID(toUInt128({first_user} + number)), \
             reinterpretAsUUID(toUInt128({first_user} + number)), 'impression', \
             reinterpretAsUUID(toUInt128({from} + number % {n})), toUUID('{AUTHOR}'), NULL, now64(3), now64(3), 1 \
             FROM numbers({n} * {each})"
        ),
    )
    .await;
}

/// The hours of the post of this number, added up.
fn counted(post: u32) -> String {
    format!(
        "SELECT sum(impressions) FROM post_metrics_1h FINAL WHERE post_id = reinterpretAsUUID(toUInt128({post}))"
    )
}

/// All events of a post are read to recount it.
#[tokio::test]
async fn where_many_posts_have_events_one_that_has_very_many_rests_longer() {
    let (olap, _stack) = engine().await;
    events_of(&olap, 0..1, 100_000, 1).await;
    events_of(&olap, 1..400, 1, 200_000).await;
    becomes(&olap, &counted(0), 100_000).await;
    becomes(&olap, &counted(1), 1).await;
    // 400 posts share 100,000 events a second: the first rests for five minutes, the others for 4 s.
    events_of(&olap, 0..400, 1, 300_000).await;
    becomes(&olap, &counted(1), 2).await;
    becomes(&olap, &counted(0), 100_000).await;
}

#[tokio::test]
async fn a_recount_that_finds_nothing_does_not_look_ever_again_at_what_came_last() {
    let (olap, _stack) = engine().await;
    run(
        &olap,
        &format!(
            "INSERT INTO posts_cdc (post_id, author_id, created_at, visibility, _version, _deleted) \
             SELECT reinterpretAsUUID(toUInt128(number + 1)), '{AUTHOR}', now64(6), 'public', 1, 0 FROM numbers(20000)"
        ),
    )
    .await;
    becomes(&olap, "SELECT count() FROM post_engagement FINAL", 20_000).await;
    let quiet = "SELECT toUInt64(countIf(read_rows < 2000)) FROM system.view_refreshes \
                 WHERE view = 'mv_post_engagement' AND status = 'Scheduled' AND written_rows = 0";
    becomes(&olap, quiet, 1).await;
}
