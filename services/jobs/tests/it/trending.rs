//! The hot list as viewers see it.

use nova_domain::{
    EventCounts, MediaType, PostBody, PostCounts, PostId, Source, UserId, Visibility,
};
use nova_feed::Degraded;
use nova_feed::discovery::{DiscoveryError, ListFrom, Trending, trending};
use nova_jobs::jobs::HotPostGenerator;
use nova_testbed::{Server, wait_for};

use crate::world::{PATIENCE, World};

fn ids(found: &Trending) -> Vec<PostId> {
    found.items.iter().map(|item| item.post_id).collect()
}

async fn ask(world: &World, viewer: UserId, limit: u32) -> Trending {
    trending(&world.discovery, viewer, limit).await.unwrap()
}

/// Four public posts with 4, 3, 2 and 1 likes, of two authors in turn.
async fn posts(world: &World) -> ([UserId; 2], [PostId; 4]) {
    let authors = world.users::<2>("author").await;
    let fans = world.users::<4>("fan").await;
    let mut posts = Vec::new();
    for (n, likes) in [4, 3, 2, 1].into_iter().enumerate() {
        let author = authors[n % 2];
        let post = world.post(author, Visibility::Public).await;
        world.like(&fans[..likes], post, author).await;
        posts.push(post);
    }
    world.recounted("post_engagement").await;
    (authors, posts.try_into().unwrap())
}

async fn generate(world: &World) {
    let job = HotPostGenerator::new(world.discovery.clone(), world.cache.clone());
    world.succeed(&job).await;
}

#[tokio::test]
async fn everybody_sees_what_they_may_of_the_list() {
    let world = World::start().await;
    let ([_, second], posts) = posts(&world).await;
    let [viewer, other] = world.users("viewer").await;
    generate(&world).await;

    let found = ask(&world, viewer, 100).await;
    assert_eq!(found.served_from, ListFrom::Cache);
    assert_eq!(found.degraded, []);
    assert_eq!(ids(&found), posts);
    let first = &found.items[0];
    assert_eq!(first.counts.likes, 4, "counted in ClickHouse");
    assert_eq!(first.sources.iter().collect::<Vec<_>>(), [Source::Trending]);
    let list = world.cache.hot_posts().await.unwrap().unwrap();
    assert_eq!(first.score.to_bits(), list[0].score.to_bits());
    assert!(!first.viewer.liked);
    assert_eq!(ids(&ask(&world, viewer, 2).await), posts[..2]);

    // Counters are those of this moment, of whoever likes it in this moment.
    let counts = PostCounts {
        post: posts[0],
        likes: 40,
        comments: 2,
        version: 7,
    };
    world.cache.apply_counts(&[counts]).await.unwrap();
    let events = EventCounts {
        post: posts[0],
        shares: 3,
        impressions: 100,
        views: 50,
        version: 7,
    };
    world.cache.apply_event_counts(&[events]).await.unwrap();
    world.social.like(viewer, posts[0]).await.unwrap();
    let found = ask(&world, viewer, 100).await;
    let counts = found.items[0].counts;
    assert_eq!((counts.likes, counts.comments, counts.shares), (40, 2, 3));
    assert!(found.items[0].viewer.liked);

    // Hidden from all at once, or from one.
    world
        .cache
        .apply_deleted(&[(posts[0], true, 9)])
        .await
        .unwrap();
    assert_eq!(ids(&ask(&world, viewer, 100).await), posts[1..]);
    world.social.block(second, viewer).await.unwrap();
    assert_eq!(ids(&ask(&world, viewer, 100).await), [posts[2]]);
    assert_eq!(
        ids(&ask(&world, viewer, 1).await),
        [posts[2]],
        "the next moves up"
    );
    assert_eq!(ids(&ask(&world, other, 100).await), posts[1..]);

    for limit in [0, 101] {
        let error = trending(&world.discovery, viewer, limit).await;
        assert!(
            matches!(error, Err(DiscoveryError::Limit { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn posts_for_followers_never_trend() {
    let world = World::start().await;
    let [author, fan] = world.users("user").await;
    world.follow(fan, author).await;
    let post = world.post(author, Visibility::Followers).await;
    world.like(&[fan], post, author).await;
    world.recounted("post_engagement").await;
    generate(&world).await;
    assert_eq!(ids(&ask(&world, fan, 100).await), []);
}

#[tokio::test]
async fn any_one_server_may_be_down() {
    let world = World::start().await;
    let ([first, _], posts) = posts(&world).await;
    let [viewer] = world.users("viewer").await;

    // Nobody made a list.
    let computed = ask(&world, viewer, 100).await;
    assert_eq!(computed.served_from, ListFrom::Computed);
    assert_eq!(ids(&computed), posts);

    generate(&world).await;
    world.stack.kill(Server::ClickHouse).await.unwrap();
    let found = ask(&world, viewer, 100).await;
    assert_eq!(ids(&found), posts);
    assert_eq!(found.served_from, ListFrom::Cache);
    assert_eq!(found.degraded, [Degraded::Counts]);
    assert_eq!(found.items[0].counts.likes, 0, "unknown to Redis");

    world.stack.kill(Server::Redis).await.unwrap();
    let nothing = ask(&world, viewer, 100).await;
    assert_eq!(nothing.served_from, ListFrom::Fallback);
    assert_eq!(
        nothing.degraded,
        [Degraded::Cache, Degraded::Source(Source::Trending)]
    );
    assert_eq!(ids(&nothing), []);

    world.stack.restart(Server::ClickHouse).await.unwrap();
    let computed = wait_for(PATIENCE, async || match ask(&world, viewer, 100).await {
        found if found.served_from == ListFrom::Computed => Ok(found),
        found => Err(format!("{:?}", found.degraded)),
    })
    .await
    .unwrap();
    assert_eq!(ids(&computed), posts);
    assert_eq!(computed.degraded, [Degraded::Cache]);
    assert_eq!(computed.items[0].counts.likes, 4);

    world.stack.restart(Server::Redis).await.unwrap();
    wait_for(PATIENCE, async || {
        world.cache.ping().await.map_err(|error| error.to_string())
    })
    .await
    .unwrap();
    generate(&world).await;
    world.stack.kill(Server::Postgres).await.unwrap();
    let error = trending(&world.discovery, viewer, 100).await;
    assert!(
        matches!(
            error,
            Err(DiscoveryError::Social(_) | DiscoveryError::Late { .. })
        ),
        "nobody knows whom the viewer blocked: {error:?}"
    );

    // Two bodies are in Redis, and so is whom the viewer blocked.
    let hot = world.cache.hot_posts().await.unwrap().unwrap();
    let body = |n: usize| {
        let body = PostBody {
            author_id: hot[n].author_id,
            caption: "from Redis".to_owned(),
            media_url: "https://media.example/1.mp4".to_owned(),
            media_type: MediaType::Video,
            duration_ms: 1_000,
            visibility: Visibility::Public,
            created_at: hot[n].created_at,
        };
        (hot[n].post_id, body)
    };
    for (post, body) in [body(0), body(1)] {
        let cache = &world.cache;
        cache.apply_deleted(&[(post, false, 1)]).await.unwrap();
        cache.store_bodies(&[(post, &body, 1)]).await.unwrap();
    }
    let blocks = [first].into_iter().collect();
    world.cache.store_blocks(viewer, &blocks).await.unwrap();
    let found = ask(&world, viewer, 100).await;
    assert_eq!(ids(&found), [posts[1]]);
    assert_eq!(found.degraded, [Degraded::Posts]);
    assert_eq!(&*found.items[0].caption, "from Redis");
}
