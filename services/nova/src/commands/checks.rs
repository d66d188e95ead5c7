//! Whether the servers answer, for `/health/ready`.

use std::time::Duration;

use nova_cache::Cache;
use nova_olap::Olap;
use nova_runtime::HealthCheck;
use nova_social::Social;

const DEADLINE: Duration = Duration::from_secs(1);

/// What the API needs to be ready: PostgreSQL or Redis. With either of them feeds are served; without PostgreSQL writes
/// are refused one by one, which taking every process out of service would not make better.
pub(crate) fn of_api(social: Social, cache: Option<Cache>) -> Vec<HealthCheck> {
    const EITHER: &str = "postgres or redis";
    let mut checks = vec![HealthCheck::one_of(
        EITHER,
        "postgres",
        DEADLINE,
        move || {
            let social = social.clone();
            async move { social.ping().await.map_err(|error| error.to_string()) }
        },
    )];
    if let Some(cache) = cache {
        checks.push(HealthCheck::one_of(EITHER, "redis", DEADLINE, move || {
            ping_redis(cache.clone())
        }));
    }
    checks
}

/// Redis, for a process that waits for it.
pub(crate) fn redis(cache: Cache) -> HealthCheck {
    HealthCheck::informative("redis", DEADLINE, move || ping_redis(cache.clone()))
}

/// ClickHouse, for a process that waits for it.
pub(crate) fn clickhouse(olap: Olap) -> HealthCheck {
    HealthCheck::informative("clickhouse", DEADLINE, move || {
        let olap = olap.clone();
        async move { olap.ping(DEADLINE).await.map_err(|error| error.to_string()) }
    })
}

async fn ping_redis(cache: Cache) -> Result<(), String> {
    cache.ping().await.map_err(|error| error.to_string())
}
