//! What the viewer has just done counts although ClickHouse has not heard of it: with a real PostgreSQL beside it.

use std::time::Duration;

use chrono::{SubsecRound as _, Utc};
use nova_cache::Overlay;
use nova_domain::{
    Caption, DisplayName, Handle, MediaType, NewPost, PostId, Source, SourceSet, UserId, Visibility,
};
use nova_feed::{Ask, Budget, FeedConfig, Guards, RankContext, RankedFeed, rank};
use nova_olap::Olap;
use nova_social::{PoolConfig, Social, migrate};
use nova_testbed::Server;

use crate::support::engine;

struct Network {
    olap: Olap,
    social: Social,
    config: FeedConfig,
}

impl Network {
    async fn user(&self, name: &str) -> UserId {
        let user = UserId::generate();
        let (handle, shown) = (
            Handle::parse(name).unwrap(),
            DisplayName::parse(name).unwrap(),
        );
        self.social
            .upsert_profile(user, &handle, &shown)
            .await
            .unwrap();
        user
    }

    async fn post(&self, author: UserId, visibility: Visibility) -> PostId {
        let post = NewPost {
            caption: Caption::parse("a caption").unwrap(),
            media_url: "https://media.example/1.mp4".parse().unwrap(),
            media_type: MediaType::Video,
            duration_ms: 1_000,
            visibility,
        };
        let made = self.social.create_post(author, &post, None).await.unwrap();
        made.value.post_id
    }

    async fn feed(&self, viewer: UserId, overlay: &Overlay) -> RankedFeed {
        let context = RankContext {
            olap: &self.olap,
            posts: &self.social,
            cache: None,
            config: &self.config,
            shared: None,
            guards: &Guards::new(&self.config.breaker),
        };
        let ask = Ask {
            viewer,
            now: Utc::now().trunc_subsecs(6),
            overlay,
            live: false,
            awaited: true,
            standing_ms: None,
        };
        rank(&context, &ask, &Budget::start(&self.config))
            .await
            .unwrap()
    }
}

fn ids(feed: &RankedFeed) -> Vec<PostId> {
    feed.items
        .iter()
        .map(|i| i.ranked.candidate.post_id)
        .collect()
}

#[tokio::test]
async fn a_follow_a_like_an_unfollow_and_a_block_count_at_once() {
    let (olap, stack) = engine::start_with(&[Server::ClickHouse, Server::Postgres]).await;
    let pool = PoolConfig::default()
        .connect_lazy(&stack.endpoints().postgres)
        .unwrap();
    migrate(&pool, "secret").await.unwrap();
    let network = Network {
        olap,
        social: Social::new(pool),
        config: FeedConfig {
            source_deadline: Duration::from_secs(10),
            posts_deadline: Duration::from_secs(10),
            budget: Duration::from_secs(30),
            ..FeedConfig::default()
        },
    };
    let social = &network.social;
    let (viewer, ada, bob) = (
        network.user("viewer").await,
        network.user("ada").await,
        network.user("bob").await,
    );
    let open = network.post(ada, Visibility::Public).await;
    let close = network.post(ada, Visibility::Followers).await;
    network.post(ada, Visibility::Private).await;
    network.post(bob, Visibility::Public).await;
    let mut overlay = Overlay::default();
    assert!(ids(&network.feed(viewer, &overlay).await).is_empty());

    social.follow(viewer, ada).await.unwrap();
    social.like(viewer, open).await.unwrap();
    overlay.follows.insert(ada, true);
    let feed = network.feed(viewer, &overlay).await;
    assert_eq!(ids(&feed), [close, open], "newest first");
    assert!(feed.degraded.is_empty());
    let first = feed.items[0];
    assert_eq!(first.ranked.sources, SourceSet::of(Source::Follow));
    assert_eq!(first.visibility, Visibility::Followers);
    assert!(!first.liked && feed.items[1].liked);

    // The answer of the overlay alone is no permission: another viewer's feed has only what is public.
    let feed = network.feed(bob, &overlay).await;
    assert_eq!(ids(&feed), [open]);

    social.delete_post(ada, open).await.unwrap();
    assert_eq!(ids(&network.feed(viewer, &overlay).await), [close]);

    social.unfollow(viewer, ada).await.unwrap();
    assert!(ids(&network.feed(viewer, &overlay).await).is_empty());
    overlay.follows.insert(ada, false);
    assert!(ids(&network.feed(viewer, &overlay).await).is_empty());

    social.block(ada, viewer).await.unwrap();
    let feed = network.feed(viewer, &Overlay::default()).await;
    assert_eq!(feed.blocks, Some([ada].into()));
}
