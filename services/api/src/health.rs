//! What the API needs to be ready.

use std::time::Duration;

use nova_cache::Cache;
use nova_runtime::HealthCheck;
use nova_social::Social;

const DEADLINE: Duration = Duration::from_secs(1);

/// Ready means: PostgreSQL answers. Without it nothing can be written or shown. Redis, Kafka and ClickHouse cost some of
/// the answers, or some of their speed; taking every process out of service because one of them is down would cost all.
/// So Redis is told and does not count.
#[must_use]
pub fn checks(social: &Social, cache: Option<&Cache>) -> Vec<HealthCheck> {
    let social = social.clone();
    let mut checks = vec![HealthCheck::required("postgres", DEADLINE, move || {
        let social = social.clone();
        async move { social.ping().await.map_err(|error| error.to_string()) }
    })];
    if let Some(cache) = cache.cloned() {
        checks.push(HealthCheck::informative("redis", DEADLINE, move || {
            let cache = cache.clone();
            async move { cache.ping().await.map_err(|error| error.to_string()) }
        }));
    }
    checks
}
