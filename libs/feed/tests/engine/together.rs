//! What is asked for several viewers at once is what each of them would get alone.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use nova_domain::{Candidate, UserId};
use nova_olap::{Interactions, NewPost, Olap};

use crate::support::graph::{Case, Facts};
use crate::support::{engine, generate};

const CASES: u64 = 60;
const VIEWERS: usize = 20;
const DEADLINE: Duration = Duration::from_secs(20);

/// Everybody who follows or likes somebody.
fn viewers(facts: &Facts) -> Vec<UserId> {
    let follow = facts.follows.iter().map(|row| row.follower_id);
    let like = facts.likes.iter().map(|row| row.user_id);
    let all: BTreeSet<UserId> = follow.chain(like).map(UserId::new).collect();
    all.into_iter().take(VIEWERS).collect()
}

/// What a ranking asks for its viewer, and one that completes an older one.
#[derive(Debug, PartialEq)]
struct Answers {
    follow: Vec<Candidate>,
    interactions: Vec<(UserId, u64, DateTime<Utc>, bool)>,
    affinity: Vec<Candidate>,
    newest: Vec<NewPost>,
    seen: BTreeSet<u128>,
}

impl Answers {
    fn rows(&self) -> [usize; 5] {
        [
            self.follow.len(),
            self.interactions.len(),
            self.affinity.len(),
            self.newest.len(),
            self.seen.len(),
        ]
    }
}

async fn ask(olap: &Olap, case: &Case, viewer: UserId, place: usize) -> Answers {
    let (now, config) = (case.now, &case.config);
    let (authors, hours) = (config.authors, config.filters.seen_hours);
    // Each looks back differently far.
    let since = now - TimeDelta::hours(1 + i64::try_from(place).unwrap());
    let closest = async {
        let days = authors.interaction_days;
        let own = olap.viewer_interactions(viewer, now, days, DEADLINE);
        let own: Interactions = own.await.unwrap();
        let posts = olap.posts_of_closest(viewer, &own, now, config.affinity, authors, DEADLINE);
        let posts = posts.await.unwrap();
        let them = own.closest(viewer, authors.max_authors);
        let them = them.into_iter().map(|one| one.author).collect();
        let newest = olap.newest_candidates(viewer, them, since, now, 5, DEADLINE);
        (own, posts, newest.await.unwrap())
    };
    let (follow, (own, affinity, newest), seen) = tokio::join!(
        olap.follow_candidates(viewer, now, config.follow, DEADLINE),
        closest,
        olap.viewer_impressions(viewer, now, hours, 7, DEADLINE),
    );
    let own = own.closest(UserId::new(uuid::Uuid::nil()), u32::MAX);
    Answers {
        follow: follow.unwrap(),
        interactions: own
            .iter()
            .map(|one| (one.author, one.count, one.newest, one.followed))
            .collect(),
        affinity,
        newest,
        seen: seen
            .unwrap()
            .iter()
            .map(|post| post.uuid().as_u128())
            .collect(),
    }
}

/// Queries that the engine has been asked.
async fn queries(olap: &Olap) -> u64 {
    let count = "SELECT value FROM system.events WHERE event = 'SelectQuery'";
    olap.client().query(count).fetch_one().await.unwrap()
}

#[tokio::test]
async fn viewers_asked_for_together_get_what_each_gets_alone() {
    let cases = generate::cases(70_000, CASES);
    let mut facts = Facts::default();
    for case in &cases {
        facts.extend(&case.facts);
    }
    let (olap, _stack) = engine::start().await;
    engine::load(&olap, &facts).await;
    olap.client()
        .query("SYSTEM STOP VIEWS")
        .execute()
        .await
        .unwrap();
    let together = olap.asking_together();
    let (mut rows, mut asked, mut alone, mut joined) = ([0; 5], 0, 0, 0);
    for case in &cases {
        let viewers = viewers(&case.facts);
        let before = queries(&olap).await;
        let mut expected = Vec::new();
        for (place, viewer) in viewers.iter().enumerate() {
            expected.push(ask(&olap, case, *viewer, place).await);
        }
        let between = queries(&olap).await;
        let all = viewers.iter().enumerate();
        let all = all.map(|(place, viewer)| ask(&together, case, *viewer, place));
        let found = join_all(all).await;
        let after = queries(&olap).await;
        for ((viewer, expected), found) in viewers.iter().zip(&expected).zip(&found) {
            assert_eq!(found, expected, "{viewer:?}, seed {}", case.seed);
            for (all, here) in rows.iter_mut().zip(expected.rows()) {
                *all += here;
            }
        }
        asked += viewers.len();
        alone += between - before;
        joined += after - between;
    }
    // Viewers who find nothing would prove nothing, nor would queries for one viewer each.
    assert!(rows.iter().all(|n| *n > 200), "{rows:?} of {asked} viewers");
    assert!(joined * 3 < alone, "{joined} and {alone} queries");
}
