//! F1: the newest posts of the authors the viewer follows.

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
    olap.follow_candidates(ask.viewer, ask.now, config.follow, deadline)
        .await
}
