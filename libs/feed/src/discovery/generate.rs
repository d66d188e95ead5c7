//! Computes the suggestions of one viewer.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_cache::{SUGGESTED_USERS, Suggestion};
use nova_domain::UserId;
use nova_olap::OlapError;
use nova_social::{SocialError, UserNames};
use tokio::time::Instant;

use super::canary;
use super::deps::Discovery;
use super::left_out::LeftOut;
use super::merge::{merge, popular_besides};
use super::metrics;

/// Suggestions made for a viewer, checked against PostgreSQL.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Generated {
    /// At most 20, best first, with their names.
    pub users: Vec<(Suggestion, UserNames)>,
    /// Sources that failed or were late: then the list is not worth keeping.
    pub left_out: Vec<LeftOut>,
}

impl Generated {
    /// Whether ClickHouse said nothing at all.
    pub(crate) fn is_without_clickhouse(&self) -> bool {
        self.left_out.len() == 3
    }

    /// Whether the list is whole, and so worth keeping for others to read. An empty list is not: it would hide the first
    /// user there is for a quarter of an hour.
    #[must_use]
    pub fn is_worth_keeping(&self) -> bool {
        self.left_out.is_empty() && !self.users.is_empty()
    }

    /// The list as it is kept.
    #[must_use]
    pub fn suggestions(&self) -> Vec<Suggestion> {
        self.users.iter().map(|(user, _)| *user).collect()
    }
}

/// Computes the suggestions of `viewer` as of `now`: the authors whom the viewer interacts with, and whom those follow who
/// like what the viewer likes, by `ln(1 + interactions)`; filled up with the most followed users. Nobody whom the viewer
/// follows, nobody blocked in either direction, not the viewer, not the accounts of the freshness probe.
///
/// Costs two queries to ClickHouse in parallel, each within `deadline`, and every 5 s a third, for the most followed users;
/// then one to PostgreSQL. A source that fails or is late is left out; when all that were asked are, there are the most
/// followed users as ClickHouse said within the last minute, else as PostgreSQL counts them, once a minute.
///
/// # Errors
/// PostgreSQL did not answer.
pub async fn generate_suggestions(
    deps: &Discovery,
    viewer: UserId,
    now: DateTime<Utc>,
    deadline: Duration,
) -> Result<Generated, SocialError> {
    let started = Instant::now();
    let config = &deps.suggest;
    // Three queries in flight are 17 kB of state: on the heap, not in every caller's future.
    let (engaged, similar, popular) = Box::pin(async {
        tokio::join!(
            deps.olap.engaged_authors(
                viewer,
                now,
                config.similar.interaction_days,
                config.max_engaged,
                deadline,
            ),
            deps.olap
                .similar_users_follows(viewer, now, &config.similar, deadline),
            deps.popular
                .of_clickhouse(&deps.olap, config.max_popular, deadline),
        )
    })
    .await;
    let mut generated = Generated::default();
    let left_out = &mut generated.left_out;
    let engaged = take(left_out, LeftOut::Engaged, engaged);
    let similar = take(left_out, LeftOut::Similar, similar);
    let (popular, asked) = take(left_out, LeftOut::Popular, popular);
    if !asked && *left_out == [LeftOut::Engaged, LeftOut::Similar] {
        // What is remembered does not tell that ClickHouse is there.
        left_out.push(LeftOut::Popular);
    }
    let except: HashSet<UserId> = canary::ids().into_iter().chain([viewer]).collect();
    generated.users = if generated.is_without_clickhouse() {
        most_followed(deps, viewer, &except).await?
    } else {
        let mut list = merge(&engaged, &similar, &except);
        list.truncate(config.max_checked);
        list.extend(popular_besides(&list, &popular, &except));
        allowed(deps, viewer, &list).await?
    };
    metrics::generated(started.elapsed());
    Ok(generated)
}

/// What a source answered; nothing where it did not, which is noted and logged.
fn take<T: Default>(left_out: &mut Vec<LeftOut>, what: LeftOut, answer: Result<T, OlapError>) -> T {
    answer.unwrap_or_else(|error| {
        tracing::warn!(left_out = %what, %error, "suggestions go on without a source");
        left_out.push(what);
        T::default()
    })
}

/// The first 20 whom PostgreSQL lets the viewer see, in their order.
async fn allowed(
    deps: &Discovery,
    viewer: UserId,
    list: &[Suggestion],
) -> Result<Vec<(Suggestion, UserNames)>, SocialError> {
    let ids: Vec<UserId> = list.iter().map(|user| user.user_id).collect();
    let names = deps.social.suggestable_users(viewer, &ids).await?;
    let mut users = named(list, names);
    users.truncate(SUGGESTED_USERS);
    Ok(users)
}

/// Joins two lists of the same order, the second of which lacks some.
pub(crate) fn named(list: &[Suggestion], names: Vec<UserNames>) -> Vec<(Suggestion, UserNames)> {
    let mut list = list.iter();
    names
        .into_iter()
        .filter_map(|names| {
            let suggestion = list.find(|user| user.user_id == names.user_id)?;
            Some((*suggestion, names))
        })
        .collect()
}

async fn most_followed(
    deps: &Discovery,
    viewer: UserId,
    except: &HashSet<UserId>,
) -> Result<Vec<(Suggestion, UserNames)>, SocialError> {
    let popular = deps
        .popular
        .without_clickhouse(&deps.social, deps.suggest.max_popular)
        .await?;
    let list = popular_besides(&[], &popular, except);
    allowed(deps, viewer, &list).await
}
