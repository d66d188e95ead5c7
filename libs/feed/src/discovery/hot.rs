//! Makes the hot list.

use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_cache::{HOT_POSTS, HotPost};
use nova_olap::{HotCandidate, OlapError, SourceLimits};
use nova_ranking::{Features, FormulaConfig, Terms, age_hours, hot_score};

use super::deps::Discovery;

/// How far back the list looks.
const WINDOW_HOURS: u32 = 1;

/// The hottest public posts of the last hour as of `now`, at most 200, by
/// [`nova_ranking::hot_score`] of the configured formula; equal ones newer first, then the greater id first.
///
/// One query to ClickHouse, of the posts of one hour.
///
/// # Errors
/// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
pub async fn generate_hot_posts(
    deps: &Discovery,
    now: DateTime<Utc>,
    deadline: Duration,
) -> Result<Vec<HotPost>, OlapError> {
    let limits = SourceLimits {
        window_hours: WINDOW_HOURS,
        max_posts: u32::try_from(HOT_POSTS).unwrap_or(u32::MAX),
    };
    let found = deps
        .olap
        .hot_posts(now, limits, &deps.formula, deadline)
        .await?;
    Ok(found
        .iter()
        .map(|post| hot_post(post, now, &deps.formula))
        .collect())
}

fn hot_post(found: &HotCandidate, now: DateTime<Utc>, formula: &FormulaConfig) -> HotPost {
    let HotCandidate { post, counts } = found;
    let age_hours = age_hours(post.created_at, now);
    let features = Features {
        age_hours,
        counts: *counts,
        interactions: 0,
    };
    let terms = Terms::of(&features, formula);
    HotPost {
        post_id: post.post_id,
        author_id: post.author_id,
        created_at: post.created_at,
        engagement: terms.engagement,
        freshness: terms.freshness,
        score: hot_score(age_hours, counts, formula),
    }
}

#[cfg(test)]
mod tests {
    use nova_domain::Candidate;
    use nova_ranking::Counts;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_element_of_the_list_as_others_read_it() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let found = HotCandidate {
            post: Candidate {
                post_id: Uuid::from_u128(1).into(),
                author_id: Uuid::from_u128(2).into(),
                created_at: now - chrono::TimeDelta::minutes(30),
            },
            counts: Counts {
                likes: 5,
                comments: 4,
                shares: 3,
                impressions: 11,
            },
        };
        insta::assert_json_snapshot!(hot_post(&found, now, &FormulaConfig::default()));
    }
}
