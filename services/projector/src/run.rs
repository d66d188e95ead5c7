//! Everything the projector does, side by side.

use nova_cache::Cache;
use nova_olap::Olap;
use nova_runtime::Shutdown;

use crate::config::ProjectorConfig;
use crate::error::ProjectorError;
use crate::steps::Servers;
use crate::{changes, consumers, events, quarantine};

/// Follows the topics until the signal to stop, and ends within seconds of it: what ClickHouse has by then is written and
/// committed, the rest is read again by the next. While ClickHouse or Redis is down it waits.
///
/// # Errors
/// [`ProjectorError::Stream`] when a consumer cannot be made or fails for good.
pub async fn run(
    config: ProjectorConfig,
    olap: Olap,
    cache: Cache,
    shutdown: Shutdown,
) -> Result<(), ProjectorError> {
    let servers = Servers {
        olap: olap.clone(),
        cache: cache.clone(),
        fanout_cap: config.fanout_cap,
    };
    let counting = async {
        events::run(olap.clone(), cache, config.events_every, shutdown.clone()).await;
        Ok(())
    };
    let quarantining = quarantine::run(&config.brokers, olap.clone(), shutdown.clone());
    let looking_after = async {
        consumers::run(olap.clone(), &config.brokers, shutdown.clone()).await;
        Ok(())
    };
    // On the heap: the largest of them, and the caller's future would be as large.
    let changing = Box::pin(changes::run(&config, servers, &shutdown));
    tokio::try_join!(changing, quarantining, counting, looking_after).map(drop)
}
