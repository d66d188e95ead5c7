//! What keeps one slow server from taking every request with it: circuit breakers and a bound on rankings.

mod breaker;
mod gate;
mod outage;

pub use breaker::{Breaker, BreakerConfig, Guarded};
pub(crate) use gate::{Gate, Place};
pub(crate) use outage::FAIR_WAIT;
pub use outage::Outage;

/// One circuit breaker per server. Cheap to clone; clones share their state.
#[derive(Debug, Clone)]
pub struct Guards {
    /// ClickHouse.
    pub clickhouse: Breaker,
    /// Redis.
    pub redis: Breaker,
    /// PostgreSQL.
    pub postgres: Breaker,
}

impl Guards {
    /// Closed breakers: every call is let through.
    #[must_use]
    pub fn new(config: &BreakerConfig) -> Self {
        let breaker = |server| Breaker::new(server, config);
        Self {
            clickhouse: breaker("clickhouse"),
            redis: breaker("redis"),
            postgres: breaker("postgres"),
        }
    }
}
