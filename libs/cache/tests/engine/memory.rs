//! A server that has no room for more.

use anyhow::Context as _;

use crate::support::Engine;

const VALUE_BYTES: usize = 100_000;

#[tokio::test]
async fn a_server_tells_how_many_keys_it_forgot() -> anyhow::Result<()> {
    let engine = Engine::start().await?;
    assert_eq!(engine.cache.evicted_keys().await?, 0);
    let told: String = engine.raw(&["INFO", "memory"]).await?;
    let used = told
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .context("the memory used")?;
    let room = used.trim().parse::<usize>()? + 20 * VALUE_BYTES;
    for setting in [
        ["maxmemory-policy", "allkeys-lru"],
        ["maxmemory", &room.to_string()],
    ] {
        let _: String = engine
            .raw(&["CONFIG", "SET", setting[0], setting[1]])
            .await?;
    }
    let value = "x".repeat(VALUE_BYTES);
    for n in 0..60 {
        let _: String = engine.raw(&["SET", &format!("filler:{n}"), &value]).await?;
    }
    let evicted = engine.cache.evicted_keys().await?;
    assert!((1..=60).contains(&evicted), "{evicted}");
    engine.stop().await;
    Ok(())
}
