//! With any one server out, feeds are served, and say what they do without.

use std::time::Duration;

use nova_domain::PostId;
use nova_e2e::{Exclusive, Feed, Person, World, exclusive, run, wait_until};
use nova_testbed::Server;
use reqwest::StatusCode;

use crate::ARRIVES;

/// How long an outage may take to be noticed and told: heartbeats come every 5 s, and three have to be missing.
const NOTICED: Duration = Duration::from_secs(60);

/// Two viewers who follow an author with posts and have read their feed, and one who has not.
struct Scene {
    author: Person,
    posts: Vec<PostId>,
    reader: Person,
    forgotten: Person,
}

async fn scene(world: &World) -> Scene {
    let author = world.person().await;
    let people = world.people(2).await;
    for viewer in &people {
        viewer.follow(author.id).await;
    }
    let mut posts = Vec::new();
    for number in 0..3 {
        posts.push(author.post(&format!("post {number}")).await);
    }
    for viewer in &people {
        for post in &posts {
            viewer.sees(*post, true, ARRIVES).await;
        }
        viewer.page(0, 20).await;
    }
    // The feeds above may be made of what PostgreSQL knows of a follow that is on its way.
    for (table, column, rows) in [
        ("follows_cdc", "followee_id", 2),
        ("posts_cdc", "author_id", 3),
    ] {
        let arrived = format!(
            "SELECT count() FROM {table} FINAL WHERE {column} = '{}'",
            author.id
        );
        world.becomes(&arrived, rows, ARRIVES).await;
    }
    let [reader, forgotten] = people.try_into().unwrap();
    Scene {
        author,
        posts,
        reader,
        forgotten,
    }
}

impl Scene {
    fn complete(&self, feed: &Feed) -> bool {
        self.posts.iter().all(|post| feed.item(*post).is_some())
    }
}

/// Asks until the answer satisfies; every answer on the way has to be a feed.
async fn served(viewer: &Person, what: &str, holds: impl Fn(&Feed) -> bool) -> Feed {
    wait_until(what, NOTICED, || async {
        let (status, cache, feed) = viewer.try_feed(20).await.map_err(|e| e.to_string())?;
        assert_eq!(status, StatusCode::OK, "{what}: {cache}");
        let feed = feed.unwrap_or_else(|| panic!("{what}: not a feed"));
        if holds(&feed) {
            Ok(feed)
        } else {
            Err(format!(
                "{} items, {} {:?}",
                feed.items.len(),
                feed.served_from,
                feed.degraded
            ))
        }
    })
    .await
}

fn lacks(feed: &Feed, word: &str) -> bool {
    feed.degraded.iter().any(|left_out| left_out == word)
}

/// Waits until nothing is left out any more for somebody who has no feed yet.
async fn recovered(world: &Exclusive, author: &Person) {
    wait_until("a whole feed again", NOTICED, || async {
        let newcomer = world.person().await;
        newcomer.follow(author.id).await;
        // Of somebody of whom nothing is known nothing is safe to show while PostgreSQL is left alone.
        let (status, said, feed) = newcomer.try_feed(20).await.map_err(|e| e.to_string())?;
        let feed = feed.ok_or_else(|| format!("{status}: {said}"))?;
        if feed.degraded.is_empty() && feed.served_from == "ranked" {
            Ok(())
        } else {
            Err(format!("{} {:?}", feed.served_from, feed.degraded))
        }
    })
    .await;
}

#[test]
fn without_clickhouse_the_last_ranking_or_the_followees_are_shown() {
    run(async {
        let world = exclusive().await;
        let scene = scene(&world).await;
        world.forget_feeds_of(scene.forgotten.id).await;
        world.stack.pause(Server::ClickHouse).await.unwrap();
        let feed = served(&scene.reader, "a cached feed", |feed| scene.complete(feed)).await;
        assert!(feed.served_from != "ranked", "{}", feed.served_from);
        // What other tests have made hot would come first.
        world.forget_hot_posts().await;
        let feed = served(&scene.forgotten, "a feed of the followees", |feed| {
            feed.served_from == "fallback" && scene.complete(feed)
        })
        .await;
        assert!(lacks(&feed, "source:follow"), "{:?}", feed.degraded);
        world.stack.resume(Server::ClickHouse).await.unwrap();
        recovered(&world, &scene.author).await;

        world.stack.kill(Server::ClickHouse).await.unwrap();
        world.forget_feeds_of(scene.forgotten.id).await;
        served(&scene.forgotten, "a feed without ClickHouse", |feed| {
            feed.served_from == "fallback" && scene.complete(feed)
        })
        .await;
        world.stack.restart(Server::ClickHouse).await.unwrap();
        recovered(&world, &scene.author).await;
    });
}

#[test]
fn without_redis_feeds_are_ranked_anew() {
    run(async {
        let world = exclusive().await;
        let scene = scene(&world).await;
        for kill in [false, true] {
            if kill {
                world.stack.kill(Server::Redis).await.unwrap();
            } else {
                world.stack.pause(Server::Redis).await.unwrap();
            }
            let feed = served(&scene.reader, "a ranked feed", |feed| {
                feed.served_from == "ranked" && lacks(feed, "cache")
            })
            .await;
            assert!(scene.complete(&feed), "{feed:?}");
            // Counts come from ClickHouse, and so does what changes now.
            let post = scene.posts[usize::from(kill)];
            scene.forgotten.like(post).await;
            served(&scene.reader, "the like without Redis", |feed| {
                feed.item(post).is_some_and(|item| item.counts.likes == 1)
            })
            .await;
            if kill {
                world.stack.restart(Server::Redis).await.unwrap();
            } else {
                world.stack.resume(Server::Redis).await.unwrap();
            }
            recovered(&world, &scene.author).await;
            served(&scene.reader, "the like after the outage", |feed| {
                !lacks(feed, "cache") && feed.item(post).is_some_and(|item| item.counts.likes == 1)
            })
            .await;
        }
    });
}

#[test]
fn without_postgresql_feeds_are_shown_and_blocks_still_hold() {
    run(async {
        let world = exclusive().await;
        let scene = scene(&world).await;
        let blocked = world.person().await;
        let hidden = blocked.post("of somebody blocked").await;
        scene.reader.block(blocked.id).await;
        served(&scene.reader, "the feed once more", |feed| {
            scene.complete(feed)
        })
        .await;
        world.stack.pause(Server::Postgres).await.unwrap();
        let feed = served(&scene.reader, "a cached feed", |feed| scene.complete(feed)).await;
        assert!(feed.item(hidden).is_none());
        world.forget_feeds_of(scene.reader.id).await;
        let feed = served(&scene.reader, "a feed ranked without PostgreSQL", |feed| {
            scene.complete(feed) && lacks(feed, "posts")
        })
        .await;
        assert!(feed.item(hidden).is_none(), "a block holds");
        world.stack.resume(Server::Postgres).await.unwrap();
        recovered(&world, &scene.author).await;
    });
}

#[test]
fn a_pipeline_that_stands_still_is_told() {
    run(async {
        let world = exclusive().await;
        let scene = scene(&world).await;
        for server in [Server::Connect, Server::Kafka] {
            world.stack.pause(server).await.unwrap();
            let feed = served(&scene.reader, &format!("a feed without {server}"), |feed| {
                lacks(feed, "pipeline")
            })
            .await;
            assert!(scene.complete(&feed), "{feed:?}");
            world.stack.resume(server).await.unwrap();
            served(
                &scene.reader,
                &format!("the end of {server}'s outage"),
                |feed| feed.degraded.is_empty(),
            )
            .await;
        }
    });
}
