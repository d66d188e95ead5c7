//! Nova on real servers, end to end: each test starts from a row in PostgreSQL or a call to the API and ends at
//! ClickHouse or the feed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: a panic is the failure to report"
)]

mod bad_input;
mod console;
mod consumers;
mod degraded;
mod discovery;
mod events;
mod faults;
mod freshness;
mod latency;
mod migration;
mod projector;
mod propagation;
mod quarantine;
mod ranking;
mod replay;
mod snapshot;
mod walking;

use std::time::Duration;

/// How long a change may take to arrive where the time is not what is tested.
const ARRIVES: Duration = Duration::from_secs(30);

/// The contract's limit from a like to the feed.
const LIKE_TO_FEED: Duration = Duration::from_secs(5);
