//! How soon a change takes effect in feeds that are cached, each as a distribution over many trials.

use std::time::{Duration, Instant};

use nova_domain::PostId;
use nova_e2e::{Exclusive, Feed, Latencies, Person, exclusive, poll_until, run, say};

use crate::ARRIVES;

const TRIALS: usize = 30;

/// How long a change may take to show; the goal is p95 < 1 s.
const LIMIT: Duration = Duration::from_secs(5);

/// Between two looks at the feed.
const RESOLUTION: Duration = Duration::from_millis(5);

/// The first page, as clients ask for it: where a followee's new post has to appear.
const TOP: usize = 20;

/// An author and a viewer who follows them, interacts with them, and reads a cached feed.
struct Pair {
    author: Person,
    viewer: Person,
}

async fn pairs(world: &Exclusive) -> Vec<Pair> {
    let people = world.people(2 * TRIALS).await;
    let mut pairs = Vec::with_capacity(TRIALS);
    for pair in people.chunks_exact(2) {
        let pair = Pair {
            author: pair[0].clone(),
            viewer: pair[1].clone(),
        };
        pair.viewer.follow(pair.author.id).await;
        let first = pair.author.post_as("the first", "followers").await;
        // Affinity: the formula puts nothing new above what everybody engages with, unless the viewer likes its author.
        // For followers, or it would be what everybody engages with in the other trials.
        for _ in 0..5 {
            pair.viewer.comment(first, "more of it").await;
        }
        pair.viewer.sees(first, true, ARRIVES).await;
        pairs.push(pair);
    }
    pairs
}

/// Reads the first page until it comes from the cache, so that what follows has to get past it.
async fn cached(viewer: &Person) -> Feed {
    poll_until("a cached feed", RESOLUTION, ARRIVES, || async {
        let (status, cache, feed) = viewer.try_feed(TOP).await.map_err(|e| e.to_string())?;
        match feed {
            Some(feed) if cache == "hit" => Ok(feed),
            _ => Err(format!("{status} {cache}")),
        }
    })
    .await
}

/// From now until the first page satisfies the condition.
async fn until(viewer: &Person, what: &str, holds: impl Fn(&Feed) -> bool) -> Duration {
    let started = Instant::now();
    poll_until(what, RESOLUTION, LIMIT, || async {
        let feed = viewer.page_when_there(0, TOP).await?;
        if holds(&feed) {
            Ok(started.elapsed())
        } else {
            Err(format!(
                "{} items, served from {}",
                feed.items.len(),
                feed.served_from
            ))
        }
    })
    .await
}

fn told(what: &str, latencies: &Latencies) {
    say(&format!(
        "{what}: {latencies} (goal p95 < 1000 ms, limit 5 s)"
    ));
    assert!(latencies.max() <= LIMIT, "{what}: {latencies}");
}

fn shows(post: PostId) -> impl Fn(&Feed) -> bool {
    move |feed| feed.item(post).is_some()
}

#[test]
fn a_followee_s_new_post_reaches_the_top_of_a_cached_feed() {
    run(async {
        let world = exclusive().await;
        let mut latencies = Latencies::default();
        for pair in pairs(&world).await {
            cached(&pair.viewer).await;
            let post = pair.author.post("the new one").await;
            latencies.add(until(&pair.viewer, "the new post at the top", shows(post)).await);
        }
        told("new post to the top of a cached feed", &latencies);
    });
}

#[test]
fn a_delete_an_unfollow_and_a_block_take_effect_in_a_cached_feed() {
    run(async {
        let world = exclusive().await;
        let (mut deletes, mut unfollows, mut blocks) = (
            Latencies::default(),
            Latencies::default(),
            Latencies::default(),
        );
        for Pair { author, viewer } in pairs(&world).await {
            let deleted = author.post("to be deleted").await;
            until(&viewer, "the post", shows(deleted)).await;
            cached(&viewer).await;
            author.delete_post(deleted).await;
            deletes.add(until(&viewer, "the delete", |feed| !shows(deleted)(feed)).await);

            let restricted = author.post_as("for followers", "followers").await;
            until(&viewer, "the post for followers", shows(restricted)).await;
            cached(&viewer).await;
            viewer.unfollow(author.id).await;
            unfollows.add(until(&viewer, "the unfollow", |feed| !shows(restricted)(feed)).await);

            let of_author = |feed: &Feed| feed.items.iter().any(|i| i.author_id == author.id);
            viewer.follow(author.id).await;
            until(&viewer, "the author again", shows(restricted)).await;
            cached(&viewer).await;
            author.block(viewer.id).await;
            blocks.add(until(&viewer, "the block", |feed| !of_author(feed)).await);
        }
        told("delete out of a cached feed", &deletes);
        told("unfollow out of a cached feed", &unfollows);
        told("block out of the blocked user's cached feed", &blocks);
    });
}

#[test]
fn changes_made_past_the_api_take_effect_too() {
    run(async {
        let world = exclusive().await;
        let (mut deletes, mut unfollows) = (Latencies::default(), Latencies::default());
        for Pair { author, viewer } in pairs(&world).await {
            let deleted = author.post("to be deleted").await;
            until(&viewer, "the post", shows(deleted)).await;
            cached(&viewer).await;
            world
                .sql(&format!(
                    "UPDATE posts SET deleted_at = now() WHERE post_id = '{deleted}'"
                ))
                .await;
            deletes.add(until(&viewer, "the delete", |feed| !shows(deleted)(feed)).await);

            let restricted = author.post_as("for followers", "followers").await;
            until(&viewer, "the post for followers", shows(restricted)).await;
            cached(&viewer).await;
            world
                .sql(&format!(
                    "DELETE FROM follows WHERE follower_id = '{}' AND followee_id = '{}'",
                    viewer.id, author.id
                ))
                .await;
            unfollows.add(until(&viewer, "the unfollow", |feed| !shows(restricted)(feed)).await);
        }
        told("delete by hand out of a cached feed", &deletes);
        told("unfollow by hand out of a cached feed", &unfollows);
    });
}

#[test]
fn one_s_own_actions_show_at_once() {
    run(async {
        let world = exclusive().await;
        for Pair { author, viewer } in pairs(&world).await.into_iter().take(5) {
            let post = author.post("to like").await;
            until(&viewer, "the post", shows(post)).await;
            // The very next answer, whatever the pipeline has done by then.
            viewer.like(post).await;
            let liked = |feed: Feed| feed.item(post).map(|item| item.viewer.liked);
            assert_eq!(liked(viewer.page(0, TOP).await), Some(true));
            viewer.unlike(post).await;
            assert_eq!(liked(viewer.page(0, TOP).await), Some(false));

            viewer.unfollow(author.id).await;
            let restricted = author.post_as("for followers", "followers").await;
            assert!(viewer.page(0, TOP).await.item(restricted).is_none());
            viewer.follow(author.id).await;
            let feed = viewer.page(0, TOP).await;
            assert!(
                feed.item(restricted).is_some(),
                "a new follow brings the followee's posts: {feed:?}"
            );

            viewer.block(author.id).await;
            let feed = viewer.page(0, TOP).await;
            assert!(
                feed.items.iter().all(|item| item.author_id != author.id),
                "{feed:?}"
            );
        }
    });
}
