//! How much memory one hit asks for: a first page that is kept, through the real router over TCP, from a real Redis.
//! A count and not a time, so it is the same on every machine; the bounds are there for what doubles it unnoticed.
//!
//! Who asks for it: `NOVA_HEAP_PROFILE=hit.json cargo nextest run -p nova-api --test allocations` writes a profile for
//! the viewer of DHAT.

#[path = "../common/mod.rs"]
mod common;
mod population;
mod raw_client;

use common::{Api, Servers};
use nova_cache::PageKey;
use nova_domain::UserId;
use nova_feed::{CursorKey, FeedAt, FeedConfig, FeedRequest, FeedService, ServedFrom};
use nova_olap::schema;
use nova_runtime::{Env, LogConfig, telemetry};
use nova_social::migrate;
use nova_testbed::{Server, Stack};
use raw_client::RawClient;

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

/// Posts on the page.
const LIMIT: u32 = 20;

/// Requests of which the middle one counts; before them as many that fill what is kept.
const REQUESTS: usize = 31;

/// Blocks that one hit may ask for, growing ones once more for each time.
const MOST_BLOCKS: u64 = 1_500;

/// Bytes that one hit may ask for.
const MOST_BYTES: u64 = 250_000;

/// What was asked for between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Heap {
    blocks: u64,
    bytes: u64,
}

impl Heap {
    /// Everything since the profiler was made.
    fn now() -> Self {
        let stats = dhat::HeapStats::get();
        Self {
            blocks: stats.total_blocks,
            bytes: stats.total_bytes,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            blocks: self.blocks - before.blocks,
            bytes: self.bytes - before.bytes,
        }
    }
}

/// The middle one: what happens once a second is in some of them.
fn median(mut of: Vec<Heap>) -> Heap {
    of.sort_unstable();
    of[of.len() / 2]
}

/// A profiler that counts, and writes who asked for what if it is to.
fn profiler() -> dhat::Profiler {
    match std::env::var_os("NOVA_HEAP_PROFILE") {
        Some(file) => dhat::Profiler::builder().file_name(file).build(),
        None => dhat::Profiler::builder().testing().build(),
    }
}

/// One thread for everything but the client, which asks for no memory.
#[tokio::test]
async fn a_hit_asks_for_a_bounded_amount_of_memory() -> anyhow::Result<()> {
    // As in production: a recorder of metrics, and the log.
    telemetry::install_metrics()?;
    telemetry::init_logging(&LogConfig::from_env(&Env::from_pairs([(
        "NOVA_LOG_FORMAT",
        "text",
    )]))?)?;
    let servers = [Server::Postgres, Server::ClickHouse, Server::Redis];
    let stack = Stack::builder().servers(&servers).start().await?;
    let api = Api::start(&Servers::of(stack.endpoints()), &[]).await?;
    migrate(api.social.pool(), "password").await?;
    schema::apply(&api.olap).await?;
    let viewer = population::fill(&api.social, &api.olap).await?;

    let whole = over_http(&api, viewer).await?;
    let feed = in_process(&api, viewer).await?;
    let look = look(&api, viewer).await?;
    for (what, heap) in [
        ("a hit over HTTP", whole),
        ("of which the feed library", feed),
        ("of which the look in Redis", look),
    ] {
        println!("{what}: {} blocks, {} bytes", heap.blocks, heap.bytes);
    }
    assert!(
        whole.blocks <= MOST_BLOCKS && whole.bytes <= MOST_BYTES,
        "{whole:?}"
    );
    assert!(whole > feed && feed > look && look.blocks > 0);

    api.request_stop();
    api.stopped().await?;
    stack.stop().await;
    Ok(())
}

async fn over_http(api: &Api, viewer: UserId) -> anyhow::Result<Heap> {
    let mut client = RawClient::new(
        api.addr,
        &format!("/api/v1/feed?limit={LIMIT}"),
        &common::token(viewer)?,
    )?;
    let asked = tokio::task::spawn_blocking(move || -> anyhow::Result<Vec<Heap>> {
        // The first is ranked, the next ones fill what this process and Redis keep.
        for _ in 0..REQUESTS {
            client.ask()?;
        }
        let profiler = profiler();
        let mut each = Vec::with_capacity(REQUESTS);
        let mut before = Heap::now();
        for _ in 0..REQUESTS {
            client.ask()?;
            anyhow::ensure!(client.was_hit(), "{}", client.answer());
            // What the server does behind an answer counts to it or to the next one.
            let now = Heap::now();
            each.push(now.since(before));
            before = now;
        }
        drop(profiler);
        Ok(each)
    });
    Ok(median(asked.await??))
}

/// The same without HTTP: what the library does for it.
async fn in_process(api: &Api, viewer: UserId) -> anyhow::Result<Heap> {
    let service = FeedService::new(
        api.olap.clone(),
        api.social.clone(),
        Some(api.cache.clone()),
        FeedConfig::default(),
        CursorKey::derive(b"a key of its own"),
    )?;
    let request = FeedRequest {
        viewer,
        at: FeedAt::Offset(0),
        limit: LIMIT,
        explain: false,
    };
    let mut each = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        service.feed(request.clone()).await?;
    }
    let _profiler = dhat::Profiler::builder().testing().build();
    for _ in 0..REQUESTS {
        let before = Heap::now();
        let page = service.feed(request.clone()).await?;
        each.push(Heap::now().since(before));
        anyhow::ensure!(page.served_from == ServedFrom::Cache, "{page:?}");
        anyhow::ensure!(page.items.len() == LIMIT as usize, "{page:?}");
    }
    Ok(median(each))
}

/// The one round trip of a hit.
async fn look(api: &Api, viewer: UserId) -> anyhow::Result<Heap> {
    let key = PageKey {
        offset: 0,
        limit: LIMIT,
    };
    let feed = FeedService::new(
        api.olap.clone(),
        api.social.clone(),
        Some(api.cache.clone()),
        FeedConfig::default(),
        CursorKey::derive(b"a key of its own"),
    )?;
    let page = feed.get_personalized_feed(viewer, 0, LIMIT).await?;
    let posts: Vec<_> = page.items.iter().map(|item| item.post_id).collect();
    let mut each = Vec::with_capacity(REQUESTS);
    let _profiler = dhat::Profiler::builder().testing().build();
    for _ in 0..REQUESTS {
        let before = Heap::now();
        let look = api.cache.look(viewer, key, Some(&posts)).await?;
        each.push(Heap::now().since(before));
        anyhow::ensure!(look.counters.len() == posts.len(), "{look:?}");
    }
    Ok(median(each))
}
