//! The projector on a real Kafka, ClickHouse and Redis: records are produced as the connector writes them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests: a panic is the failure to report"
)]

mod bench;
mod counts;
mod events;
mod faults;
mod feeds;
mod records;

use std::time::Duration;

use bench::Bench;
use nova_projector::ProjectorConfig;

/// What needs neither its own numbers nor servers that are away shares the servers, side by side.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_is_projected() {
    let bench = Bench::start().await;
    let running = bench.project_with(ProjectorConfig {
        events_every: Duration::from_millis(200),
        fanout_cap: feeds::FANOUT_CAP,
        ..bench.config()
    });
    tokio::join!(
        counts::posts_come_and_go(&bench),
        events::impressions_views_and_shares(&bench),
        faults::records_put_aside(&bench),
        feeds::followers_of_a_new_post(&bench),
        feeds::fanout_is_capped(&bench),
        feeds::overlays(&bench),
        feeds::bodies(&bench),
        feeds::heartbeats(&bench),
    );
    running.stop().await;
}
