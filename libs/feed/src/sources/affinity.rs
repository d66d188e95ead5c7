//! F3: the newest posts of the authors the viewer interacted with most.

use std::time::Duration;

use nova_domain::Candidate;
use nova_olap::{Olap, OlapError};

use super::Ask;
use crate::config::FeedConfig;

pub(super) async fn fetch(
    olap: &Olap,
    config: &FeedConfig,
    ask: Ask,
    deadline: Duration,
) -> Result<Vec<Candidate>, OlapError> {
    olap.affinity_candidates(
        ask.viewer,
        ask.now,
        config.affinity,
        config.authors,
        deadline,
    )
    .await
}
