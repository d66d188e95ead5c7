//! `suggest:users:{user}` and who is shown of it.

use std::time::Duration;

use nova_cache::SuggestionReason;
use nova_domain::{UserId, Visibility};
use nova_feed::discovery::canary::Canary;
use nova_feed::discovery::{
    DiscoveryError, LeftOut, ListFrom, ReasonKind, SuggestedUsers, suggested_users,
};
use nova_jobs::jobs::SuggestedUsersGenerator;
use nova_jobs::{Outcome, UsersConfig};
use nova_testbed::{Server, wait_for};

use crate::world::{PATIENCE, PLAN, World};

const CONFIG: UsersConfig = UsersConfig {
    plan: PLAN,
    users: 500,
    concurrency: 4,
};

/// The viewer likes a post of `liked`; three others like it too and follow `theirs`; many follow `star`.
struct Network {
    viewer: UserId,
    liked: UserId,
    theirs: UserId,
    star: UserId,
}

impl Network {
    async fn make(world: &World) -> Self {
        let [viewer, liked, theirs, star] = world.users("user").await;
        let similar = world.users::<3>("similar").await;
        let fans = world.users::<5>("fan").await;
        let post = world.post(liked, Visibility::Public).await;
        world.like(&[viewer], post, liked).await;
        world.like(&similar, post, liked).await;
        for user in similar {
            world.follow(user, theirs).await;
        }
        for fan in fans {
            world.follow(fan, star).await;
        }
        world.recounted("post_engagement").await;
        let network = Self {
            viewer,
            liked,
            theirs,
            star,
        };
        popular(world, network.star).await;
        network
    }
}

/// Waits until ClickHouse counts this user among the most followed.
async fn popular(world: &World, user: UserId) {
    let query =
        format!("SELECT toInt64(count()) FROM most_followed_users WHERE user_id = '{user}'");
    wait_for(PATIENCE, async || match world.number(&query).await {
        0 => Err("not among the most followed".to_owned()),
        _ => Ok(()),
    })
    .await
    .unwrap();
}

fn reasons(found: &SuggestedUsers) -> Vec<(UserId, ReasonKind, u64)> {
    found
        .users
        .iter()
        .map(|user| (user.user_id, user.reason.kind, user.reason.count))
        .collect()
}

async fn ask(world: &World, viewer: UserId) -> SuggestedUsers {
    suggested_users(&world.discovery, viewer, 20).await.unwrap()
}

#[tokio::test]
async fn the_job_makes_lists_for_the_active_and_requests_make_the_others() {
    let world = World::start().await;
    let network = Network::make(&world).await;
    let expected = [
        (network.theirs, ReasonKind::Similar, 3),
        (network.liked, ReasonKind::Engaged, 1),
        (network.star, ReasonKind::Popular, 5),
    ];

    // Nobody made a list: it is computed, and kept.
    assert_eq!(world.cache.suggestions(network.viewer).await.unwrap(), None);
    let computed = ask(&world, network.viewer).await;
    assert_eq!(computed.served_from, ListFrom::Computed);
    assert_eq!(computed.degraded, []);
    assert_eq!(reasons(&computed), expected);
    let first = &computed.users[0];
    assert_eq!(
        (first.handle.as_str(), first.display_name.as_str()),
        ("user_002", "USER_002")
    );
    assert!((first.score - 4.0_f64.ln()).abs() < 1e-12);
    assert_eq!(first.interactions, 3);

    let kept = ask(&world, network.viewer).await;
    assert_eq!(kept.served_from, ListFrom::Cache);
    assert_eq!(kept.users, computed.users);
    let one = suggested_users(&world.discovery, network.viewer, 1).await;
    assert_eq!(one.unwrap().users, computed.users[..1]);

    // The job makes the same for whoever is active, before they ask.
    let [other, idle] = world.users("newcomer").await;
    world.events(other, 3).await;
    world.events(network.viewer, 5).await;
    let job = SuggestedUsersGenerator::new(world.discovery.clone(), world.cache.clone(), CONFIG);
    let report = world.succeed(&job).await;
    assert_eq!(report.items, 2, "{report}");
    let list = world.cache.suggestions(other).await.unwrap().unwrap();
    assert!(
        list.iter()
            .all(|user| matches!(user.reason, SuggestionReason::Popular { .. }))
    );
    assert_eq!(list[0].user_id, network.star);
    assert_eq!(world.cache.suggestions(idle).await.unwrap(), None);
    assert_eq!(
        ask(&world, network.viewer).await.served_from,
        ListFrom::Cache
    );
}

#[tokio::test]
async fn whom_one_follows_or_must_not_meet_is_gone_from_the_next_answer() {
    let world = World::start().await;
    let network = Network::make(&world).await;
    let (viewer, social) = (network.viewer, &world.social);
    let shows = async |user: UserId| {
        let found = ask(&world, viewer).await;
        assert_eq!(found.degraded, []);
        found.users.iter().any(|shown| shown.user_id == user)
    };
    for user in [network.theirs, network.liked, network.star] {
        assert!(shows(user).await);
    }
    social.follow(viewer, network.liked).await.unwrap();
    assert!(!shows(network.liked).await, "followed");
    social.unfollow(viewer, network.liked).await.unwrap();
    assert!(shows(network.liked).await, "unfollowed");
    for (blocker, blocked) in [(network.theirs, viewer), (viewer, network.theirs)] {
        social.block(blocker, blocked).await.unwrap();
        assert!(!shows(network.theirs).await, "blocked");
        social.unblock(blocker, blocked).await.unwrap();
        assert!(shows(network.theirs).await, "unblocked");
    }
    let [stranger] = world.users("stranger").await;
    assert!(!shows(stranger).await);
    assert!(!shows(viewer).await, "oneself");
}

#[tokio::test]
async fn the_probe_s_accounts_are_nobody_s_suggestion() {
    let world = World::start().await;
    let network = Network::make(&world).await;
    let canary = Canary::Author;
    let handle = nova_domain::Handle::parse(canary.handle()).unwrap();
    let name = nova_domain::DisplayName::parse("Probe").unwrap();
    world
        .social
        .upsert_profile(canary.id(), &handle, &name)
        .await
        .unwrap();
    for fan in world.users::<8>("probe_fan").await {
        world.follow(fan, canary.id()).await;
    }
    popular(&world, canary.id()).await;
    let absent = |found: &SuggestedUsers| {
        assert!(!found.users.is_empty());
        assert!(found.users.iter().all(|user| user.user_id != canary.id()));
    };
    absent(&ask(&world, network.viewer).await);
    world.stack.kill(Server::ClickHouse).await.unwrap();
    let [newcomer] = world.users("newcomer").await;
    let found = ask(&world, newcomer).await;
    assert_eq!(found.served_from, ListFrom::Fallback);
    absent(&found);
}

#[tokio::test]
async fn any_one_server_may_be_down() {
    let world = World::start().await;
    let network = Network::make(&world).await;
    let [newcomer] = world.users("newcomer").await;
    let list = ask(&world, network.viewer).await;

    world.stack.kill(Server::ClickHouse).await.unwrap();
    let kept = ask(&world, network.viewer).await;
    assert_eq!(kept.served_from, ListFrom::Cache);
    assert_eq!(kept.users, list.users);
    let simple = ask(&world, newcomer).await;
    assert_eq!(simple.served_from, ListFrom::Fallback);
    assert_eq!(
        simple.degraded,
        [LeftOut::Engaged, LeftOut::Similar, LeftOut::Popular]
    );
    assert_eq!(reasons(&simple)[0], (network.star, ReasonKind::Popular, 5));
    // What is less than a list is not kept.
    assert_eq!(world.cache.suggestions(newcomer).await.unwrap(), None);
    let job = SuggestedUsersGenerator::new(world.discovery.clone(), world.cache.clone(), CONFIG);
    let report = world.run(&job).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    world.stack.restart(Server::ClickHouse).await.unwrap();

    world.stack.kill(Server::Redis).await.unwrap();
    let computed = ask(&world, network.viewer).await;
    assert_eq!(computed.served_from, ListFrom::Computed);
    assert_eq!(computed.degraded, [LeftOut::Cache]);
    assert_eq!(computed.users, list.users);
    world.stack.restart(Server::Redis).await.unwrap();

    world.stack.kill(Server::Postgres).await.unwrap();
    let error = suggested_users(&world.discovery, network.viewer, 20)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            DiscoveryError::Social(_) | DiscoveryError::Late { .. }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_list_that_has_worn_out_is_made_anew() {
    let world = World::start().await;
    let network = Network::make(&world).await;
    ask(&world, network.viewer).await;
    for user in [network.theirs, network.liked, network.star] {
        world.follow(network.viewer, user).await;
    }
    let [star] = world.users("next_star").await;
    for fan in world.users::<4>("next_fan").await {
        world.follow(fan, star).await;
    }
    popular(&world, star).await;
    let found = ask(&world, network.viewer).await;
    assert_eq!(found.served_from, ListFrom::Computed);
    assert_eq!(reasons(&found), [(star, ReasonKind::Popular, 4)]);
}

#[tokio::test]
async fn a_limit_out_of_range_is_refused() {
    let world = World::start().await;
    let [viewer] = world.users("viewer").await;
    for limit in [0, 21] {
        let error = suggested_users(&world.discovery, viewer, limit).await;
        assert!(
            matches!(error, Err(DiscoveryError::Limit { given, max: 20 }) if given == limit),
            "{error:?}"
        );
    }
    // In an empty network there is nobody, and that is not kept.
    let nobody = ask(&world, viewer).await;
    assert_eq!((nobody.users.len(), nobody.degraded.len()), (0, 0));
    assert_eq!(world.cache.suggestions(viewer).await.unwrap(), None);
    let budget = Duration::from_millis(1);
    let mut hasty = world.discovery.clone();
    hasty.suggest.budget = budget;
    let late = suggested_users(&hasty, viewer, 20).await;
    assert!(
        matches!(late, Err(DiscoveryError::Late { .. }) | Ok(_)),
        "{late:?}"
    );
}
