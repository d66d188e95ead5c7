//! Who follows an author.

use std::collections::HashMap;
use std::time::Duration;

use clickhouse::Row;
use nova_domain::UserId;
use serde::Deserialize;
use uuid::Uuid;

use crate::client::Olap;
use crate::error::OlapError;

const FOLLOWERS: &str = include_str!("../../../clickhouse/queries/followers.sql");

impl Olap {
    /// The followers of authors, at most `limit` of each, in no order. Authors without any are missing.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn followers(
        &self,
        authors: &[UserId],
        limit: u32,
        deadline: Duration,
    ) -> Result<HashMap<UserId, Vec<UserId>>, OlapError> {
        if authors.is_empty() {
            return Ok(HashMap::new());
        }
        let query = self
            .read(FOLLOWERS, deadline)
            .param("author_ids", authors)
            .param("max_followers", limit);
        self.read_within(deadline, async {
            let mut found: HashMap<UserId, Vec<UserId>> = HashMap::new();
            for row in query.fetch_all::<FollowerRow>().await? {
                let author = UserId::new(row.author_id);
                let follower = UserId::new(row.follower_id);
                found.entry(author).or_default().push(follower);
            }
            Ok(found)
        })
        .await
    }
}

#[derive(Row, Deserialize)]
struct FollowerRow {
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    follower_id: Uuid,
}
