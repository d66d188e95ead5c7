//! F2: what everybody engages with most.

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
    olap.trending_candidates(ask.now, config.trending, &config.formula, deadline)
        .await
}
