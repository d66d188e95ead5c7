//! Two counts of users become one list; pure.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use nova_cache::{Suggestion, SuggestionReason};
use nova_domain::UserId;
use nova_olap::UserCount;

/// Joins the viewer's interactions and the follows of similar users: most of both together first, then the greater id. The
/// reason is the greater of the two, the viewer's own interactions where they are equal.
pub(crate) fn merge(
    engaged: &[UserCount],
    similar: &[UserCount],
    except: &HashSet<UserId>,
) -> Vec<Suggestion> {
    let mut counts: HashMap<UserId, (u64, u64)> = HashMap::new();
    for user in engaged {
        counts.entry(user.user_id).or_default().0 += user.count;
    }
    for user in similar {
        counts.entry(user.user_id).or_default().1 += user.count;
    }
    let mut merged: Vec<Suggestion> = counts
        .into_iter()
        .filter(|(user, _)| !except.contains(user))
        .map(|(user_id, (own, of_similar))| {
            let interactions = own + of_similar;
            Suggestion {
                user_id,
                score: score(interactions),
                interactions,
                reason: if own >= of_similar {
                    SuggestionReason::Engaged { interactions: own }
                } else {
                    SuggestionReason::Similar { users: of_similar }
                },
            }
        })
        .collect();
    // No two are equal. The score grows with the interactions, which tell apart what a logarithm rounds together.
    merged.sort_unstable_by_key(|user| Reverse((user.interactions, user.user_id)));
    merged
}

/// Those of the most followed who are not in the list, in their order. They score 0: behind everybody with a reason of
/// the viewer's own.
pub(crate) fn popular_besides(
    list: &[Suggestion],
    popular: &[UserCount],
    except: &HashSet<UserId>,
) -> Vec<Suggestion> {
    let listed: HashSet<UserId> = list.iter().map(|user| user.user_id).collect();
    popular
        .iter()
        .filter(|user| !listed.contains(&user.user_id) && !except.contains(&user.user_id))
        .map(|user| popular_user(user.user_id, user.count))
        .collect()
}

/// One who is suggested for having followers.
fn popular_user(user_id: UserId, followers: u64) -> Suggestion {
    Suggestion {
        user_id,
        score: score(0),
        interactions: 0,
        reason: SuggestionReason::Popular { followers },
    }
}

/// `ln(1 + interactions)`.
fn score(interactions: u64) -> f64 {
    // Exact up to 2^53.
    (interactions as f64).ln_1p()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    fn counts(of: &[(u128, u64)]) -> Vec<UserCount> {
        of.iter()
            .map(|(n, count)| UserCount {
                user_id: user(*n),
                count: *count,
            })
            .collect()
    }

    #[test]
    fn both_sources_add_up_and_the_stronger_is_the_reason() {
        let engaged = counts(&[(1, 5), (2, 3), (3, 2), (9, 100)]);
        let similar = counts(&[(3, 4), (2, 3), (4, 6)]);
        let merged = merge(&engaged, &similar, &HashSet::from([user(9)]));
        let listed: Vec<_> = merged
            .iter()
            .map(|s| (s.user_id.uuid().as_u128(), s.interactions, s.reason))
            .collect();
        assert_eq!(
            listed,
            [
                (4, 6, SuggestionReason::Similar { users: 6 }),
                (3, 6, SuggestionReason::Similar { users: 4 }),
                (2, 6, SuggestionReason::Engaged { interactions: 3 }),
                (1, 5, SuggestionReason::Engaged { interactions: 5 }),
            ]
        );
        assert!((merged[3].score - 6.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_most_followed_fill_up_behind() {
        let list = merge(&counts(&[(1, 5)]), &[], &HashSet::new());
        let popular = counts(&[(7, 900), (1, 800), (8, 700), (9, 600)]);
        let more = popular_besides(&list, &popular, &HashSet::from([user(8)]));
        assert_eq!(
            more,
            [popular_user(user(7), 900), popular_user(user(9), 600)]
        );
        assert!(more.iter().all(|user| user.score < list[0].score));
    }
}
