//! ClickHouse's consumers of Kafka: one that is made anew goes on where the last one was.

use std::time::Duration;

use nova_e2e::{Exclusive, exclusive, run};
use nova_testbed::Server;

use crate::ARRIVES;

const DEADLINE: Duration = Duration::from_secs(60);

/// Somebody new with this many followers; none is lost, and none double.
async fn follows_arrive(world: &Exclusive, followers: usize) {
    let author = world.person().await;
    for follower in world.people(followers).await {
        follower.follow(author.id).await;
    }
    let arrived = format!(
        "SELECT count() FROM follows_cdc FINAL WHERE followee_id = '{}'",
        author.id
    );
    world.becomes(&arrived, followers as u64, ARRIVES).await;
}

#[test]
fn a_consumer_made_anew_goes_on_where_the_last_one_was() {
    run(async {
        let world = exclusive().await;
        follows_arrive(&world, 1).await;
        let restart = world.olap.restart_consumer("follows_kafka", DEADLINE);
        restart.await.unwrap();
        follows_arrive(&world, 3).await;
        // Nor does making it anew while changes come in lose one.
        let (restarted, ()) = tokio::join!(
            world.olap.restart_consumer("follows_kafka", DEADLINE),
            follows_arrive(&world, 40)
        );
        restarted.unwrap();
        let lost = world.olap.consumers_in_no_group(DEADLINE).await.unwrap();
        assert_eq!(lost, Vec::<String>::new());
    });
}

#[test]
fn a_consumer_that_was_left_detached_is_attached_by_the_next_start() {
    run(async {
        let world = exclusive().await;
        world.stack.kill(Server::Nova).await.unwrap();
        let detached = world.olap.client().query("DETACH TABLE follows_kafka SYNC");
        detached.execute().await.unwrap();
        world.stack.restart(Server::Nova).await.unwrap();
        follows_arrive(&world, 3).await;
    });
}
