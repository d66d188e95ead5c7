//! The answers as clients read them.

use std::sync::atomic::Ordering;

use nova_domain::{PostId, UserId};
use uuid::Uuid;

use super::world::{World, ask, engine, noon, page, redis, settle};
use crate::answer::FeedPage;
use crate::service::{FeedAt, FeedRequest};

/// The answer with names in the place of ids, which are new each time.
fn readable(world: &World, page: &FeedPage) -> serde_json::Value {
    let mut text = serde_json::to_string(page).unwrap();
    let mut name = |id: String, name: &str| text = text.replace(&id, name);
    let posts: Vec<PostId> = world.state().posts.keys().copied().collect();
    for (n, post) in posts.iter().enumerate() {
        name(post.to_string(), &format!("post {n}"));
    }
    let mut authors: Vec<UserId> = Vec::new();
    for post in world.state().posts.values() {
        if !authors.contains(&post.author) {
            authors.push(post.author);
        }
    }
    for (n, author) in authors.iter().enumerate() {
        name(author.to_string(), &format!("author {n}"));
    }
    name(page.snapshot.id.uuid().to_string(), "the snapshot");
    if let Some(cursor) = &page.next_cursor {
        name(cursor.clone(), "the cursor");
    }
    serde_json::from_str(&text).unwrap()
}

/// Every id is the same each time: their last bit decides what is trending.
fn world() -> std::sync::Arc<World> {
    let world = World::new(2, 2);
    let mut state = world.state();
    let posts = std::mem::take(&mut state.posts);
    let authors: Vec<UserId> = posts.values().map(|post| post.author).collect();
    let mut renamed: Vec<_> = posts.into_values().collect();
    renamed.sort_by_key(|post| post.created_at);
    state.follows = [UserId::new(Uuid::from_u128(100))].into();
    for (n, mut post) in (1_u128..).zip(renamed) {
        let first = post.author == authors[0];
        let author = UserId::new(Uuid::from_u128(if first { 100 } else { 101 }));
        post.author = author;
        post.likes = 2;
        state.posts.insert(PostId::new(Uuid::from_u128(n)), post);
    }
    drop(state);
    world
}

#[tokio::test]
async fn each_shape_of_an_answer() {
    let (cache, _stack) = redis().await;
    let world = world();
    let engine = engine(&world, Some(&cache));
    let request = FeedRequest {
        viewer: world.viewer,
        at: FeedAt::Offset(0),
        limit: 1,
        explain: true,
    };
    let explained = engine.feed(&request, Some(noon())).await.unwrap();
    insta::assert_json_snapshot!("ranked_and_explained", readable(&world, &explained));
    settle(&engine).await;

    let hit = page(&engine, 0, 1, 5).await.unwrap();
    insta::assert_json_snapshot!("cache", readable(&world, &hit));

    let stale = page(&engine, 0, 1, 75).await.unwrap();
    settle(&engine).await;
    assert_eq!(readable(&world, &stale)["served_from"], "stale");

    world.lame.store(true, Ordering::SeqCst);
    let gone = crate::cursor::Cursor {
        viewer: world.viewer,
        snapshot: super::world::no_snapshot(),
        position: 1,
    };
    let cursor = FeedAt::Cursor(gone.encode(&engine.key));
    let restarted = ask(&engine, cursor, 1, 300).await.unwrap();
    insta::assert_json_snapshot!("restarted_and_degraded", readable(&world, &restarted));

    let fresh_world = self::world();
    fresh_world.clickhouse_down.store(true, Ordering::SeqCst);
    let fallback = super::world::engine(&fresh_world, Some(&cache));
    let answer = page(&fallback, 0, 1, 0).await.unwrap();
    insta::assert_json_snapshot!("fallback", readable(&fresh_world, &answer));

    let last = page(&engine, 3, 1, 301).await.unwrap();
    assert_eq!(
        readable(&world, &last)["next_cursor"],
        serde_json::Value::Null
    );
}
