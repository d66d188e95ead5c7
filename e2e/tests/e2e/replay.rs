//! Every topic again from offset 0: nothing changes.

use std::time::Duration;

use nova_domain::EventId;
use nova_e2e::{
    TOPICS, committed, exclusive, fingerprints, rewind_group, run, settled, wait_until,
};
use nova_testbed::Server;
use serde_json::json;

use crate::ARRIVES;

#[test]
fn a_replay_of_every_topic_changes_nothing() {
    run(async {
        let world = exclusive().await;
        // Something of everything, with deletes, so that the test says something when it runs alone.
        let author = world.person().await;
        let fans = world.people(5).await;
        let post = author.post("replayed").await;
        let gone = author.post("deleted").await;
        for fan in &fans {
            fan.follow(author.id).await;
            fan.like(post).await;
            let comment = fan.comment(post, "a comment").await;
            fan.delete_comment(comment).await;
            let event = |kind: &str| json!({"event_id": EventId::generate(), "type": kind, "post_id": post, "occurred_at": chrono::Utc::now()});
            fan.events(json!([event("impression"), event("share")]))
                .await;
        }
        fans[0].comment(post, "stays").await;
        fans[1].unlike(post).await;
        fans[2].unfollow(author.id).await;
        author.delete_post(gone).await;
        wait_until("the writes in ClickHouse", ARRIVES, || async {
            let seen = "SELECT likes * 100 + comments * 10 + shares FROM post_ranking_scores WHERE post_id";
            let seen = world.number(&format!("{seen} = '{post}'")).await?;
            if seen == 415 { Ok(()) } else { Err(seen.to_string()) }
        })
        .await;
        settled(&world).await;
        let before = fingerprints(&world).await.unwrap();

        world.stack.kill(Server::ClickHouse).await.unwrap();
        for (topic, name) in TOPICS {
            // Kafka refuses while it still counts the dead consumer as a member.
            wait_until(
                &format!("{topic} rewound"),
                Duration::from_secs(60),
                || async { rewind_group(&world, topic, name) },
            )
            .await;
            // Nothing is left of what was consumed: what `settled` waits for is the replay.
            assert!(
                committed(&world, topic, name)
                    .values()
                    .all(|offset| *offset == 0),
                "{topic}"
            );
        }
        world.stack.restart(Server::ClickHouse).await.unwrap();
        settled(&world).await;
        let after = fingerprints(&world).await.unwrap();
        assert_eq!(after, before);
    });
}
