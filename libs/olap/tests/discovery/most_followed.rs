//! Who is followed most.

use chrono::Utc;
use nova_olap::Olap;
use uuid::Uuid;

use crate::engine::{self, DEADLINE, becomes, insert};
use crate::rows::FollowRow;

fn follow(follower: u128, followee: u128, version: u64, deleted: bool) -> FollowRow {
    FollowRow {
        follower_id: Uuid::from_u128(follower),
        followee_id: Uuid::from_u128(followee),
        created_at: Utc::now(),
        _version: version,
        _deleted: u8::from(deleted),
    }
}

async fn top(olap: &Olap, limit: u32) -> Vec<(u128, u64)> {
    let found = olap.most_followed(limit, DEADLINE).await.unwrap();
    found
        .iter()
        .map(|user| (user.user_id.uuid().as_u128(), user.count))
        .collect()
}

#[tokio::test]
async fn followers_are_counted_exactly_and_follow_every_change() {
    let (olap, _stack) = engine::start().await;
    assert_eq!(top(&olap, 10).await, []);
    let mut rows: Vec<FollowRow> = (10..20).map(|n| follow(n, 1, 1, false)).collect();
    rows.extend((10..15).map(|n| follow(n, 2, 1, false)));
    rows.extend((10..15).map(|n| follow(n, 3, 1, false)));
    // Came twice.
    rows.extend((10..15).map(|n| follow(n, 2, 1, false)));
    insert(&olap, "follows_cdc", &rows).await;
    becomes(vec![(1, 10), (3, 5), (2, 5)], async || top(&olap, 10).await).await;
    assert_eq!(top(&olap, 1).await, [(1, 10)]);

    let mut gone: Vec<FollowRow> = (10..18).map(|n| follow(n, 1, 2, true)).collect();
    gone.extend((10..15).map(|n| follow(n, 3, 2, true)));
    insert(&olap, "follows_cdc", &gone).await;
    // One who lost the last follower is nobody's favourite any more.
    becomes(vec![(2, 5), (1, 2)], async || top(&olap, 10).await).await;
}

#[tokio::test]
async fn follows_from_before_the_work_list_are_counted_too() {
    let (olap, _stack) = engine::start().await;
    let rows: Vec<FollowRow> = (10..13).map(|n| follow(n, 1, 1, false)).collect();
    // All of them are there before the first recount.
    let view = async |what: &str| {
        let statement = format!("SYSTEM {what} VIEW mv_author_followers");
        olap.client().query(&statement).execute().await.unwrap();
    };
    view("STOP").await;
    insert(&olap, "follow_graph", &rows).await;
    view("START").await;
    becomes(vec![(1, 3)], async || top(&olap, 10).await).await;
}
