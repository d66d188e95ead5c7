//! The viewer's interactions with each author; needs no candidates, so it is asked together with the sources.

use std::collections::HashMap;
use std::time::Duration;

use nova_domain::UserId;
use nova_olap::{Olap, OlapError};

use crate::config::FeedConfig;
use crate::sources::Ask;

pub(crate) async fn fetch(
    olap: &Olap,
    config: &FeedConfig,
    ask: Ask,
    deadline: Duration,
) -> Result<HashMap<UserId, u64>, OlapError> {
    olap.viewer_interactions(
        ask.viewer,
        ask.now,
        config.authors.interaction_days,
        deadline,
    )
    .await
}
