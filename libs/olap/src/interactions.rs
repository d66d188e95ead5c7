//! Whom a viewer interacts with, and how often.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nova_domain::UserId;

use crate::client::Olap;
use crate::error::OlapError;
use crate::questions::OwnInteractions;
use crate::rows::InteractionsRow;

/// A viewer's live likes, comments and shares of an author's posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorInteractions {
    /// The author.
    pub author: UserId,
    /// How many.
    pub count: u64,
    /// The time of the newest.
    pub newest: DateTime<Utc>,
    /// Whether the viewer follows the author.
    pub followed: bool,
}

/// A viewer's interactions with each author. Authors without any are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interactions(Vec<AuthorInteractions>);

impl Interactions {
    /// How many there are, by author: the input of the affinity term.
    #[must_use]
    pub fn per_author(&self) -> HashMap<UserId, u64> {
        self.0.iter().map(|one| (one.author, one.count)).collect()
    }

    /// The authors closest to the viewer, at most `most`: by number of interactions, then the newest one, then the
    /// greater id. The viewer is not among them.
    #[must_use]
    pub fn closest(&self, viewer: UserId, most: u32) -> Vec<AuthorInteractions> {
        let others = self.0.iter().filter(|one| one.author != viewer);
        let mut closest: Vec<AuthorInteractions> = others.copied().collect();
        let order = |one: &AuthorInteractions| Reverse((one.count, one.newest, one.author));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if most < closest.len() {
            closest.select_nth_unstable_by_key(most, order);
            closest.truncate(most);
        }
        closest.sort_unstable_by_key(order);
        closest
    }
}

impl FromIterator<AuthorInteractions> for Interactions {
    fn from_iter<I: IntoIterator<Item = AuthorInteractions>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Olap {
    /// The viewer's live interactions of the `days` before `now`.
    ///
    /// # Errors
    /// The query failed ([`OlapError::Query`]) or was late ([`OlapError::Deadline`]).
    pub async fn viewer_interactions(
        &self,
        viewer: UserId,
        now: DateTime<Utc>,
        days: u32,
        deadline: Duration,
    ) -> Result<Interactions, OlapError> {
        let question = OwnInteractions { viewer, now, days };
        self.ask(question, deadline).await
    }
}

impl From<InteractionsRow> for AuthorInteractions {
    fn from(row: InteractionsRow) -> Self {
        Self {
            author: UserId::new(row.author_id),
            count: row.interactions,
            newest: row.newest,
            followed: row.followed != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn author(id: u128, count: u64, newest: i64) -> AuthorInteractions {
        AuthorInteractions {
            author: UserId::new(Uuid::from_u128(id)),
            count,
            newest: DateTime::from_timestamp(newest, 0).unwrap(),
            followed: id.is_multiple_of(2),
        }
    }

    #[test]
    fn the_closest_are_those_of_most_interactions_then_the_newest_then_the_greater_id() {
        let all: Interactions = [
            author(1, 5, 10),
            author(2, 7, 1),
            author(3, 5, 20),
            author(4, 5, 20),
            author(5, 9, 0),
        ]
        .into_iter()
        .collect();
        let viewer = author(5, 0, 0).author;
        let ids = |most| {
            let closest = all.closest(viewer, most);
            let ids = closest.iter().map(|one| one.author.uuid().as_u128());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids(10), [2, 4, 3, 1]);
        assert_eq!(ids(2), [2, 4]);
        assert!(ids(0).is_empty());
        assert_eq!(all.per_author().len(), 5);
    }
}
