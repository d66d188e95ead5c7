//! A Redis that is down, stands still, comes back, or has forgotten everything.

use std::time::Duration;

use nova_cache::{Cache, CacheConfig, CacheError, PageKey};
use nova_domain::PostCounts;
use nova_testbed::{Server, wait_for};
use tokio::runtime::Builder;
use tokio::time::Instant;
use url::Url;

use crate::support::{Engine, PATIENCE, config, post, user};

const FIRST: PageKey = PageKey {
    offset: 0,
    limit: 20,
};

/// What "at once" is on a busy machine; the deadlines are 200 ms and more.
const AT_ONCE: Duration = Duration::from_millis(50);

async fn until_down(cache: &Cache) -> anyhow::Result<()> {
    wait_for(PATIENCE, async || match cache.ping().await {
        Err(CacheError::Unavailable { .. }) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await?;
    Ok(())
}

async fn until_up(cache: &Cache) -> anyhow::Result<()> {
    wait_for(PATIENCE, async || {
        cache.ping().await.map_err(|e| e.to_string())
    })
    .await?;
    Ok(())
}

/// The median of how long a call takes to fail.
async fn fails_within(cache: &Cache) -> Duration {
    let mut took = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        let look = cache.look(user(1), FIRST, None).await;
        took.push(started.elapsed());
        assert!(
            matches!(look, Err(CacheError::Unavailable { .. })),
            "{look:?}"
        );
    }
    took.sort_unstable();
    took[took.len() / 2]
}

#[tokio::test]
async fn a_killed_redis_fails_calls_at_once_and_is_found_again() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    cache.ping().await?;
    engine.stack.kill(Server::Redis).await?;
    until_down(cache).await?;
    let took = fails_within(cache).await;
    assert!(took < AT_ONCE, "{took:?}");

    engine.stack.restart(Server::Redis).await?;
    let started = Instant::now();
    until_up(cache).await?;
    let recovered = started.elapsed();
    assert!(recovered < Duration::from_secs(1), "{recovered:?}");
    // The scripts went with the server, and are there again.
    let counts = PostCounts {
        post: post(1),
        likes: 1,
        comments: 1,
        version: 1,
    };
    let before = cache.round_trips();
    assert_eq!(cache.apply_counts(&[counts]).await?, 1);
    assert_eq!(
        cache.round_trips() - before,
        1,
        "loaded with the connection"
    );
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_connection_outlives_the_runtime_of_who_used_it_first() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let passing = engine.cache.clone();
    tokio::task::spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(passing.ping())?;
        anyhow::Ok(())
    })
    .await??;
    engine.cache.ping().await?;
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_redis_that_stands_still_is_noticed_and_found_again() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = Cache::new(&CacheConfig::new(Url::parse(engine.url())?))?;
    cache.ping().await?;
    engine.stack.pause(Server::Redis).await?;
    let started = Instant::now();
    let first = cache.look(user(1), FIRST, None).await;
    let took = started.elapsed();
    assert_eq!(
        first,
        Err(CacheError::Timeout {
            after: Duration::from_millis(200)
        })
    );
    assert!(took < Duration::from_millis(400), "{took:?}");
    until_down(&cache).await?;
    let took = fails_within(&cache).await;
    assert!(took < AT_ONCE, "{took:?}");

    engine.stack.resume(Server::Redis).await?;
    let started = Instant::now();
    until_up(&cache).await?;
    let recovered = started.elapsed();
    assert!(recovered < Duration::from_millis(1_500), "{recovered:?}");
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_redis_that_is_down_at_the_start_is_an_error_of_the_call() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    engine.stack.kill(Server::Redis).await?;
    let cache = Cache::new(&config(engine.url())?)?;
    let started = Instant::now();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.ping().await })
        })
        .collect();
    for call in calls {
        let answer = call.await?;
        assert!(
            matches!(answer, Err(CacheError::Unavailable { .. })),
            "{answer:?}"
        );
    }
    assert!(started.elapsed() < Duration::from_millis(700));
    engine.stack.restart(Server::Redis).await?;
    until_up(&cache).await?;
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn forgotten_scripts_are_loaded_again_within_the_call() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let cache = &engine.cache;
    let counts = |n: u128| PostCounts {
        post: post(n),
        likes: 1,
        comments: 1,
        version: 1,
    };
    assert_eq!(cache.apply_counts(&[counts(0)]).await?, 1);
    let _: String = engine.raw(&["SCRIPT", "FLUSH"]).await?;
    let many: Vec<PostCounts> = (0..1_500).map(counts).collect();
    assert_eq!(cache.apply_counts(&many).await?, 1_499);
    let _: String = engine.raw(&["SCRIPT", "FLUSH"]).await?;
    let page = cache
        .store_page(user(1), FIRST, uuid::Uuid::nil(), b"{}", Some((20, 20)))
        .await;
    assert_eq!(page, Ok(()), "a plain command and a script in one pipeline");
    engine.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_password_is_used_and_never_shown() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let at = |credentials: &str| -> anyhow::Result<CacheConfig> {
        config(
            &engine
                .url()
                .replace("redis://", &format!("redis://{credentials}")),
        )
    };
    let _: String = engine
        .raw(&["CONFIG", "SET", "requirepass", "hush"])
        .await?;

    let right = Cache::new(&at(":hush@")?)?;
    right.ping().await?;
    for wrong in ["", ":wrong-hush@"] {
        let config = at(wrong)?;
        let cache = Cache::new(&config)?;
        let error = cache.ping().await.unwrap_err();
        assert!(matches!(error, CacheError::Unavailable { .. }), "{error:?}");
        let shown = format!("{error} {error:?} {config:?} {cache:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
    engine.stack.stop().await;
    Ok(())
}

#[tokio::test]
async fn tls_to_a_server_without_it_is_an_error_of_the_call() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    let mut config = config(&engine.url().replace("redis://", "rediss://"))?;
    config.connect_timeout = Duration::from_millis(500);
    let answer = Cache::new(&config)?.ping().await;
    assert!(
        matches!(answer, Err(CacheError::Unavailable { .. })),
        "{answer:?}"
    );
    engine.stop().await;
    Ok(())
}

#[test]
fn an_address_of_something_else_is_refused_at_once() {
    let config = CacheConfig::new(Url::parse("http://:hush@localhost").unwrap());
    let refused = Cache::new(&config).unwrap_err();
    assert!(matches!(refused, CacheError::Address { .. }), "{refused:?}");
    assert!(!refused.to_string().contains("hush"));
}
