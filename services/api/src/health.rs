//! What the API needs to be ready.

use std::time::Duration;

use futures::future::BoxFuture;
use nova_cache::Cache;
use nova_runtime::HealthCheck;
use nova_social::Social;

const DEADLINE: Duration = Duration::from_secs(1);

/// Ready means: PostgreSQL or Redis answers. With either of them feeds are served; without PostgreSQL writes are refused
/// one by one, which taking every process out of service would not make better. Which of the two is missing is told.
#[must_use]
pub fn checks(social: &Social, cache: Option<&Cache>) -> Vec<HealthCheck> {
    let postgres = {
        let social = social.clone();
        move || {
            let social = social.clone();
            async move { social.ping().await.map_err(|error| error.to_string()) }
        }
    };
    let Some(cache) = cache.cloned() else {
        return vec![HealthCheck::required("postgres", DEADLINE, postgres)];
    };
    let redis = move || {
        let cache = cache.clone();
        async move { cache.ping().await.map_err(|error| error.to_string()) }
    };
    let either = {
        let (postgres, redis) = (postgres.clone(), redis.clone());
        move || {
            let (postgres, redis) = (postgres(), redis());
            async move {
                // Whichever answers first, so that one that hangs costs no readiness.
                let (postgres, redis) = (Box::pin(postgres), Box::pin(redis));
                let first = futures::future::select_ok([
                    postgres as BoxFuture<'_, Result<(), String>>,
                    redis,
                ]);
                first.await.map(drop)
            }
        }
    };
    vec![
        HealthCheck::required("postgres or redis", DEADLINE, either),
        HealthCheck::informative("postgres", DEADLINE, postgres),
        HealthCheck::informative("redis", DEADLINE, redis),
    ]
}
