//! The hot posts of the last hour.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::Row;
use nova_domain::{Candidate, PostId, UserId};
use nova_ranking::{Counts, FormulaConfig};
use serde::Deserialize;
use uuid::Uuid;

use crate::candidates::{SourceLimits, time_param};
use crate::client::Olap;
use crate::error::OlapError;

const HOT: &str = include_str!("../../../clickhouse/queries/hot_posts.sql");

/// A public post of the window with what everybody did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotCandidate {
    /// The post.
    pub post: Candidate,
    /// Its counts, as of the last recount (every second).
    pub counts: Counts,
}

#[derive(Row, Deserialize)]
struct HotRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
    likes: u64,
    comments: u64,
    shares: u64,
    impressions: u64,
}

impl From<HotRow> for HotCandidate {
    fn from(row: HotRow) -> Self {
        Self {
            post: Candidate {
                post_id: PostId::new(row.post_id),
                author_id: UserId::new(row.author_id),
                created_at: row.created_at,
            },
            counts: Counts {
                likes: row.likes,
                comments: row.comments,
                shares: row.shares,
                impressions: row.impressions,
            },
        }
    }
}

impl Olap {
    /// The public posts of the window with the highest [`nova_ranking::hot_score`] as of `now`, hottest first; equal ones
    /// newer first, then the greater id first.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn hot_posts(
        &self,
        now: DateTime<Utc>,
        limits: SourceLimits,
        formula: &FormulaConfig,
        deadline: Duration,
    ) -> Result<Vec<HotCandidate>, OlapError> {
        let query = self
            .read(HOT, deadline)
            .param("now", time_param(now))
            .param("window_hours", limits.window_hours)
            .param("max_posts", limits.max_posts)
            .param("comment_weight", formula.comment_weight)
            .param("share_weight", formula.share_weight)
            .param("decay_per_hour", formula.decay_per_hour)
            .param("weight_engagement", formula.weights.engagement)
            .param("weight_freshness", formula.weights.freshness);
        self.read_within(deadline, async {
            let rows = query.fetch_all::<HotRow>().await?;
            Ok(rows.into_iter().map(HotCandidate::from).collect())
        })
        .await
    }
}
