//! Likes and comments: exact, whatever happens on the way.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use nova_domain::{CommentId, PostId, UserId};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::bench::Bench;
use crate::records::{Made, Post, comment, like};

/// Records of people who like, take back and comment at random, and what is right in the end.
pub(crate) fn storm(
    seed: u64,
    posts: usize,
    records: usize,
) -> (Vec<Made>, HashMap<PostId, (u64, u64)>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let posts: Vec<PostId> = (0..posts).map(|_| PostId::generate()).collect();
    let users: Vec<UserId> = (0..200).map(|_| UserId::generate()).collect();
    let mut likes: BTreeSet<(PostId, UserId)> = BTreeSet::new();
    let mut comments: Vec<(PostId, CommentId)> = Vec::new();
    let mut made = Vec::with_capacity(records);
    for _ in 0..records {
        // Some posts get most of it.
        let post = posts[rng
            .random_range(0..posts.len())
            .min(rng.random_range(0..posts.len()))];
        match rng.random_range(0..10) {
            0 => {
                let id = CommentId::generate();
                comments.push((post, id));
                made.push(comment("c", post, id));
            }
            1 if !comments.is_empty() => {
                let at = rng.random_range(0..comments.len());
                let (post, id) = comments.swap_remove(at);
                made.push(comment("d", post, id));
            }
            _ => {
                let user = users[rng.random_range(0..users.len())];
                let op = if likes.insert((post, user)) {
                    "c"
                } else {
                    likes.remove(&(post, user));
                    "d"
                };
                made.push(like(op, post, user));
            }
        }
    }
    let touched: BTreeSet<PostId> = posts.iter().copied().collect();
    let expected = touched
        .into_iter()
        .map(|post| {
            let likes = likes.iter().filter(|(liked, _)| *liked == post).count();
            let comments = comments.iter().filter(|(of, _)| *of == post).count();
            (post, (likes as u64, comments as u64))
        })
        .filter(|(post, _)| made.iter().any(|one| one.value.contains(&post.to_string())))
        .collect();
    (made, expected)
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_exact_after_a_storm_with_duplicates_and_kills() {
    let bench = Bench::start().await;
    let (made, expected) = storm(1, 60, 6_000);
    let mut running = bench.project();
    let mut rng = StdRng::seed_from_u64(2);
    for some in made.chunks(1_500) {
        bench.produce(some).await;
        // What was produced before comes again, late: also to ClickHouse.
        let mut again: Vec<Made> = some[..200].to_vec();
        again.shuffle(&mut rng);
        bench.produce(&again).await;
        running.kill().await;
        running = bench.project();
    }
    bench.counts_become(&expected).await;
    // Everything is committed, and a process that starts anew changes nothing.
    bench.flushed().await;
    running.stop().await;
    bench.counts_become(&expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_fast_likes_are_projected() {
    let bench = Bench::start().await;
    let running = bench.project();
    one_by_one(&bench).await;
    let (made, expected) = storm(3, 400, 30_000);
    let started = Instant::now();
    let produced = async {
        bench.produce(&made).await;
        started.elapsed()
    };
    let (produced, ()) = tokio::join!(produced, bench.counts_become(&expected));
    let took = started.elapsed();
    let rate = made.len() as f64 / took.as_secs_f64();
    eprintln!(
        "projected {} records in {took:.2?} (producing took {produced:.2?}): {rate:.0} a second",
        made.len()
    );
    running.stop().await;
}

async fn one_by_one(bench: &Bench) {
    let post = PostId::generate();
    let mut took: Vec<Duration> = Vec::new();
    for nth in 1..=40_u64 {
        let record = like("c", post, UserId::generate());
        bench.produce(&[record]).await;
        let started = Instant::now();
        bench
            .counts_become(&HashMap::from([(post, (nth, 0))]))
            .await;
        took.push(started.elapsed());
    }
    // The first one waits for the groups to form.
    let mut took = took.split_off(1);
    took.sort();
    let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
    eprintln!(
        "from Kafka to Redis, behind ClickHouse: p50 {median:.0?}, max {most:.0?}, n {}",
        took.len()
    );
}

/// A new post has exact zeros, a deleted one is hidden at once, and what comes late changes neither.
pub(crate) async fn posts_come_and_go(bench: &Bench) {
    let post = Post::by(UserId::generate());
    bench.produce(&[post.record("c")]).await;
    bench
        .counts_become(&HashMap::from([(post.id, (0, 0))]))
        .await;
    let deleted = Post {
        deleted: true,
        ..post
    };
    let (deletion, revival) = (deleted.record("u"), post.record("u"));
    bench.produce(std::slice::from_ref(&deletion)).await;
    bench
        .until("the deletion", || async {
            bench
                .row(post.id)
                .await
                .deleted
                .then_some(())
                .ok_or_else(String::new)
        })
        .await;
    bench.produce(&[revival]).await;
    bench
        .until("the revival", || async {
            let deleted = bench.row(post.id).await.deleted;
            (!deleted).then_some(()).ok_or_else(String::new)
        })
        .await;
    // The deletion comes again, late.
    let marker = Post::by(post.author);
    let marker = Post {
        deleted: true,
        ..marker
    };
    bench.produce(&[deletion, marker.record("u")]).await;
    bench
        .until("what came after it", || async {
            let row = bench.row(marker.id).await;
            row.deleted.then_some(()).ok_or_else(String::new)
        })
        .await;
    bench.flushed().await;
    assert!(!bench.row(post.id).await.deleted);
}
