//! Whether the recounted counts changed.

use std::time::Duration;

use crate::client::Olap;
use crate::error::OlapError;

/// Every insert into a table takes a higher block number; merges keep it.
const STATE: &str = "\
    SELECT max(max_block_number) FROM system.parts \
    WHERE database = {database:String} AND table = 'post_engagement' AND active";

/// Names the content of `post_engagement` as one server has it: while it stays the same, so does every answer made of that
/// table alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EngagementState(u64);

impl EngagementState {
    /// The state after so many inserts.
    #[must_use]
    pub const fn new(inserts: u64) -> Self {
        Self(inserts)
    }
}

impl Olap {
    /// The state of the recounted counts, from the server's list of parts: some milliseconds, however much there is.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn engagement_state(&self, deadline: Duration) -> Result<EngagementState, OlapError> {
        let query = self.read(STATE, deadline).param("database", &self.database);
        self.read_within(deadline, async {
            let inserts: i64 = query.fetch_one().await?;
            Ok(EngagementState(inserts.unsigned_abs()))
        })
        .await
    }
}
