//! What the API needs to be ready.

use std::time::Duration;

use nova_runtime::HealthCheck;
use nova_social::Social;

const DEADLINE: Duration = Duration::from_secs(1);

/// Ready means: PostgreSQL answers. Without it nothing can be written or shown. Kafka and ClickHouse cost some of the
/// answers only; taking every process out of service because one of them is down would cost all.
#[must_use]
pub fn checks(social: &Social) -> Vec<HealthCheck> {
    let social = social.clone();
    vec![HealthCheck::required("postgres", DEADLINE, move || {
        let social = social.clone();
        async move { social.ping().await.map_err(|error| error.to_string()) }
    })]
}
