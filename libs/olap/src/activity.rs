//! Who is active.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::candidates::time_param;
use crate::client::Olap;
use crate::error::OlapError;
use crate::suggestions::UserCount;

const MOST_ACTIVE: &str = include_str!("../../../clickhouse/queries/most_active_users.sql");

impl Olap {
    /// The users with most distinct client events in the `window_hours` clock hours that end with the one of `now`, with
    /// their number: most first, then the greater id. Two days are kept.
    ///
    /// Reads every event of the window: for jobs, not for requests.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn most_active_users(
        &self,
        now: DateTime<Utc>,
        window_hours: u32,
        max_users: u32,
        deadline: Duration,
    ) -> Result<Vec<UserCount>, OlapError> {
        let query = self
            .read(MOST_ACTIVE, deadline)
            .param("now", time_param(now))
            .param("window_hours", window_hours)
            .param("max_users", max_users);
        self.fetch_user_counts(query, deadline).await
    }
}
