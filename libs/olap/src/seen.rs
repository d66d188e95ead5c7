//! What a viewer has seen.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_domain::{PostId, UserId};

use crate::client::Olap;
use crate::error::OlapError;
use crate::questions::Impressions;

impl Olap {
    /// The posts that were on the viewer's screen later than `hours` before `now`: the `max_posts` seen last. ClickHouse
    /// keeps three days.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn viewer_impressions(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        hours: u32,
        max_posts: u32,
        deadline: Duration,
    ) -> Result<HashSet<PostId>, OlapError> {
        let question = Impressions {
            viewer,
            now,
            hours,
            max_posts,
        };
        self.ask(question, deadline).await
    }
}
