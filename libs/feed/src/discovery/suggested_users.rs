//! `GET /discover/suggested-users`, without HTTP.

use chrono::Utc;
use nova_cache::{Overlay, Suggestion};
use nova_domain::UserId;
use nova_social::UserNames;
use tokio::time::{Instant, timeout_at};

use super::answer::{ListFrom, SuggestedUser, SuggestedUsers};
use super::deps::Discovery;
use super::error::{DiscoveryError, MAX_SUGGESTED, check_limit};
use super::generate::{Generated, generate_suggestions, named};
use super::left_out::LeftOut;
use super::metrics;

/// Users whom `viewer` may want to follow, best first, at most `limit` (1 to [`MAX_SUGGESTED`]).
///
/// From the list in Redis if there is one, else computed ([`generate_suggestions`]) and kept. Either way PostgreSQL is
/// asked, in one query, who of them exists, is not followed and not blocked *now*; what the viewer did lately is taken
/// off as well. A list of which most has been followed or blocked since is computed anew.
///
/// ClickHouse down: the list in Redis, else the most followed users as PostgreSQL knows them. Redis down: computed.
/// PostgreSQL down: there is no answer, although a list may lie in Redis. It holds no names, and it may be older than a
/// block: a suggestion is never worth showing somebody to whom they hide from.
///
/// # Errors
/// [`DiscoveryError::Limit`]; [`DiscoveryError::Social`] when PostgreSQL did not answer; [`DiscoveryError::Late`].
pub async fn suggested_users(
    deps: &Discovery,
    viewer: UserId,
    limit: u32,
) -> Result<SuggestedUsers, DiscoveryError> {
    let limit = check_limit(limit, MAX_SUGGESTED)?;
    let started = Instant::now();
    let budget = deps.suggest.budget;
    let answer = match timeout_at(started + budget, serve(deps, viewer, limit)).await {
        Ok(answer) => answer,
        Err(_) => Err(DiscoveryError::Late { budget }),
    };
    metrics::record(
        "suggested",
        started.elapsed(),
        &answer,
        |answer| answer.served_from.as_str(),
        |answer| answer.degraded.iter().map(ToString::to_string).collect(),
    );
    answer
}

async fn serve(
    deps: &Discovery,
    viewer: UserId,
    limit: usize,
) -> Result<SuggestedUsers, DiscoveryError> {
    let kept = Kept::read(deps, viewer).await;
    if let Some(list) = &kept.list {
        let ids: Vec<UserId> = list.iter().map(|user| user.user_id).collect();
        let names = deps.social.suggestable_users(viewer, &ids).await?;
        let mut users = named(list, names);
        kept.take_off(&mut users);
        if !is_worn(list.len(), users.len(), limit) {
            return Ok(answer(users, limit, ListFrom::Cache, kept.degraded));
        }
    }
    let generated = generate_suggestions(deps, viewer, Utc::now(), deps.suggest.deadline).await?;
    keep(deps, viewer, &generated).await;
    let mut degraded = generated.left_out.clone();
    degraded.extend(&kept.degraded);
    let from = if generated.is_without_clickhouse() {
        ListFrom::Fallback
    } else {
        ListFrom::Computed
    };
    let mut users = generated.users;
    kept.take_off(&mut users);
    Ok(answer(users, limit, from, degraded))
}

/// What Redis knows of the viewer.
#[derive(Default)]
struct Kept {
    list: Option<Vec<Suggestion>>,
    overlay: Overlay,
    degraded: Vec<LeftOut>,
}

impl Kept {
    async fn read(deps: &Discovery, viewer: UserId) -> Self {
        let Some(cache) = &deps.cache else {
            return Self::default();
        };
        match tokio::try_join!(cache.suggestions(viewer), cache.overlay(viewer)) {
            Ok((list, overlay)) => Self {
                list,
                overlay,
                degraded: Vec::new(),
            },
            Err(error) => {
                tracing::warn!(%error, "suggestions go on without Redis");
                Self {
                    degraded: vec![LeftOut::Cache],
                    ..Self::default()
                }
            }
        }
    }

    /// Removes whom the viewer followed or blocked lately, or was blocked by.
    fn take_off(&self, users: &mut Vec<(Suggestion, UserNames)>) {
        let is = |changes: &std::collections::HashMap<UserId, bool>, user| {
            changes.get(&user).copied().unwrap_or(false)
        };
        users.retain(|(user, _)| {
            !is(&self.overlay.follows, user.user_id) && !is(&self.overlay.blocks, user.user_id)
        });
    }
}

/// Whether so much of a list has gone that a new one should be made: not even half of what could be shown is left.
fn is_worn(listed: usize, left: usize, limit: usize) -> bool {
    left < listed && left * 2 < listed.min(limit)
}

/// Keeps a list for the next request. A failure costs only that.
async fn keep(deps: &Discovery, viewer: UserId, generated: &Generated) {
    if let Some(cache) = &deps.cache
        && generated.is_worth_keeping()
        && let Err(error) = cache
            .store_suggestions(viewer, &generated.suggestions())
            .await
    {
        tracing::warn!(%error, "suggestions were not kept");
    }
}

fn answer(
    users: Vec<(Suggestion, UserNames)>,
    limit: usize,
    served_from: ListFrom,
    degraded: Vec<LeftOut>,
) -> SuggestedUsers {
    SuggestedUsers {
        users: users
            .into_iter()
            .take(limit)
            .map(|(suggestion, names)| SuggestedUser::new(&suggestion, names))
            .collect(),
        served_from,
        degraded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_wears_out_when_most_of_it_is_gone() {
        assert!(!is_worn(20, 20, 20));
        assert!(!is_worn(20, 10, 20));
        assert!(is_worn(20, 9, 20));
        assert!(!is_worn(20, 9, 5), "enough for who asks for five");
        assert!(!is_worn(3, 3, 20), "there are no more");
        assert!(is_worn(3, 1, 20));
        assert!(is_worn(1, 0, 1));
        assert!(!is_worn(0, 0, 20));
    }
}
