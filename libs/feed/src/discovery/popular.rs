//! The most followed users are the same for every viewer: one answer serves all requests of a process for a while.

use std::sync::Arc;
use std::time::Duration;

use nova_olap::{Olap, OlapError, UserCount};
use nova_social::{Social, SocialError};
use tokio::time::Instant;

use super::canary;
use crate::remembered::Remembered;
use crate::single_flight::SingleFlight;

/// So long requests do not ask ClickHouse again, which counts followers every 15 s.
const SHARED_FOR: Duration = Duration::from_secs(5);

/// So long an answer stands in for ClickHouse when it is away, before PostgreSQL counts anew.
const STANDS_IN_FOR: Duration = Duration::from_secs(60);

/// What is known of the most followed users. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Popular {
    known: Remembered<Users>,
    /// PostgreSQL counting. It ends, and is kept, also when whoever asked for it waits no longer: where it takes long, it would
    /// be begun by each request and ended by none.
    counting: Arc<SingleFlight<(), Result<Users, Arc<SocialError>>>>,
}

/// Most followed first.
type Users = Arc<Vec<UserCount>>;

impl Popular {
    /// The most followed users, and whether ClickHouse said so just now: an answer from memory does not tell that it is
    /// there.
    ///
    /// # Errors
    /// ClickHouse did not answer within `deadline`.
    pub(super) async fn of_clickhouse(
        &self,
        olap: &Olap,
        max_users: u32,
        deadline: Duration,
    ) -> Result<(Users, bool), OlapError> {
        if let Some(users) = self.known(SHARED_FOR) {
            return Ok((users, false));
        }
        let asked = Instant::now();
        let users = Arc::new(olap.most_followed(max_users, deadline).await?);
        self.known.keep(Arc::clone(&users), asked);
        Ok((users, true))
    }

    /// The same when ClickHouse is away: what it said last, else what PostgreSQL counts, once for all who wait for it.
    ///
    /// # Errors
    /// PostgreSQL did not answer.
    pub(super) async fn without_clickhouse(
        &self,
        social: &Social,
        max_users: u32,
    ) -> Result<Users, SocialError> {
        if let Some(users) = self.known(STANDS_IN_FOR) {
            return Ok(users);
        }
        let (known, social) = (self.known.clone(), social.clone());
        let flight = self.counting.join((), || async move {
            let asked = Instant::now();
            let counted = social
                .most_followed_users(&canary::ids(), max_users)
                .await?;
            let counted = counted.into_iter().map(|user| UserCount {
                user_id: user.user_id,
                count: user.followers,
            });
            let users = Arc::new(counted.collect());
            known.keep(Arc::clone(&users), asked);
            Ok(users)
        });
        match flight.landed().await {
            Ok(counted) => counted.map_err(|error| SocialError::Unavailable(Box::new(error))),
            Err(lost) => Err(SocialError::Unavailable(Box::new(lost))),
        }
    }

    /// What was asked for no longer ago. Nobody at all is not remembered: it would hide the first user there is.
    fn known(&self, within: Duration) -> Option<Users> {
        self.known.within(within).filter(|users| !users.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use nova_domain::UserId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_shared_for_a_while_and_stands_in_for_longer() {
        let popular = Popular::default();
        let nobody = Arc::new(Vec::new());
        popular.known.keep(nobody, Instant::now());
        assert_eq!(popular.known(STANDS_IN_FOR), None);
        let users = Arc::new(vec![UserCount {
            user_id: UserId::generate(),
            count: 3,
        }]);
        popular.known.keep(users, Instant::now());
        for (after, shared, stands_in) in [(0, true, true), (5, false, true), (55, false, false)] {
            tokio::time::advance(Duration::from_secs(after)).await;
            assert_eq!(popular.known(SHARED_FOR).is_some(), shared, "{after}");
            assert_eq!(popular.known(STANDS_IN_FOR).is_some(), stands_in, "{after}");
        }
    }
}
