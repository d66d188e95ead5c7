//! `FeedCacheWarmer`: ranks the feeds of the most active users before they ask.

use std::sync::Mutex;

use chrono::Utc;
use futures::{StreamExt as _, stream};
use nova_cache::{Cache, Look, PageKey, PageLook};
use nova_domain::UserId;
use nova_feed::FeedService;
use nova_olap::Olap;

use crate::config::UsersConfig;
use crate::error::JobError;
use crate::job::{Job, JobFuture, JobName};
use crate::jobs::ACTIVE_HOURS;
use crate::run::Run;

/// The page that clients ask for first.
const FIRST_PAGE: PageKey = PageKey {
    offset: 0,
    limit: 20,
};

/// Makes ranking and first page for the users with most events of the last 24 hours, the most active first, a few at
/// once. Whose first page is there and counts is passed over; whoever is walking through a feed goes on in the ranking
/// they began with.
#[derive(Debug)]
pub struct FeedCacheWarmer {
    olap: Olap,
    cache: Cache,
    feed: FeedService,
    config: UsersConfig,
}

impl FeedCacheWarmer {
    /// Takes who tells the active users, where their pages are, and who ranks.
    #[must_use]
    pub fn new(olap: Olap, cache: Cache, feed: FeedService, config: UsersConfig) -> Self {
        Self {
            olap,
            cache,
            feed,
            config,
        }
    }

    async fn warm(&self, run: &Run) -> Result<(), JobError> {
        let users = self
            .olap
            .most_active_users(Utc::now(), ACTIVE_HOURS, self.config.users, run.left())
            .await?;
        let failures = Mutex::new(Failures::default());
        stream::iter(&users)
            .for_each_concurrent(self.config.concurrency, async |user| {
                match self.warm_one(user.user_id).await {
                    Ok(warmed) => run.wrote(warmed.into()),
                    Err(error) => {
                        let mut failures = failures.lock().unwrap_or_else(|p| p.into_inner());
                        failures.count += 1;
                        failures.last = Some(error);
                    }
                }
            })
            .await;
        let failures = failures.into_inner().unwrap_or_else(|p| p.into_inner());
        match failures.last {
            // One user's feed may fail; all of them failing is a server that does.
            Some(error) if failures.count == users.len() => Err(error),
            Some(error) => {
                run.remark(format!(
                    "{} feeds failed, the last: {error}",
                    failures.count
                ));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Tells whether there was anything to do.
    async fn warm_one(&self, user: UserId) -> Result<bool, JobError> {
        if is_warm(&self.cache.look(user, FIRST_PAGE, None).await?) {
            return Ok(false);
        }
        self.feed.warm(user, FIRST_PAGE.limit).await?;
        Ok(true)
    }
}

/// Whether the next request would be a hit: the page is there (it does not outlive its freshness), cut from the newest
/// ranking, and nothing has happened since that one was made.
fn is_warm(look: &Look) -> bool {
    let PageLook::Full { snapshot, .. } = &look.page else {
        return false;
    };
    let Some(viewer) = &look.viewer else {
        return false;
    };
    let is_stale = viewer.stale_ms.is_some() && viewer.stale_ms >= viewer.generated_ms;
    viewer.fresh == Some(*snapshot) && !is_stale
}

#[derive(Default)]
struct Failures {
    count: usize,
    last: Option<JobError>,
}

impl Job for FeedCacheWarmer {
    fn name(&self) -> JobName {
        JobName::FeedCacheWarmer
    }

    fn run<'a>(&'a self, run: &'a Run) -> JobFuture<'a> {
        Box::pin(self.warm(run))
    }
}
