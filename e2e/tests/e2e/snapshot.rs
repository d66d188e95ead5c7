//! Rows that were there before the connector.

use nova_e2e::{World, exclusive, run, start_stack, wait_until};

use crate::ARRIVES;

#[test]
fn rows_from_before_the_connector_arrive_by_its_snapshot() {
    run(async {
        // A stack of its own: the shared one has its connector already. Nobody measures while it starts.
        let _alone = exclusive().await;
        let world = World::start(start_stack()).await;
        world.nova(&["migrate"]).await.unwrap();
        for statement in [
            "INSERT INTO users (user_id, handle, display_name)
             SELECT gen_random_uuid(), 'user.' || n, 'User' FROM generate_series(1, 40) n",
            "INSERT INTO posts (post_id, author_id, caption, media_url, media_type, duration_ms, visibility)
             SELECT gen_random_uuid(), user_id, 'before', 'https://media.example/1', 'video', 1, 'public' FROM users",
            "INSERT INTO likes (post_id, user_id, author_id)
             SELECT p.post_id, u.user_id, p.author_id FROM posts p, users u",
            "INSERT INTO follows (follower_id, followee_id)
             SELECT a.user_id, b.user_id FROM users a, users b WHERE a.user_id <> b.user_id",
            "INSERT INTO comments (comment_id, post_id, user_id, author_id, body)
             SELECT gen_random_uuid(), post_id, author_id, author_id, 'before' FROM posts",
        ] {
            world.sql(statement).await;
        }
        let tables = ["posts", "likes", "follows", "comments"];
        for table in tables {
            assert_eq!(
                world
                    .number(&format!("SELECT count() FROM {table}_cdc"))
                    .await,
                Ok(0),
                "{table}"
            );
        }

        // As an operator does it: the file as it stands, posted to the worker.
        let deployed = world
            .http
            .post(format!("{}/connectors", world.stack.endpoints().connect))
            .header("Content-Type", "application/json")
            .body(nova_stream::connector::DEFINITION)
            .send()
            .await
            .unwrap();
        assert_eq!(deployed.status().as_u16(), 201);
        for (table, rows) in tables.into_iter().zip([40, 1600, 1560, 40]) {
            wait_until(table, ARRIVES, || async {
                let found = world
                    .number(&format!("SELECT count() FROM {table}_cdc FINAL"))
                    .await?;
                if found == rows {
                    Ok(())
                } else {
                    Err(format!("{found} of {rows}"))
                }
            })
            .await;
        }
        let said = world.nova(&["connector", "apply"]).await.unwrap();
        assert!(said.contains("RUNNING: updated, 0 restarts"), "{said}");
        assert!(
            world
                .nova(&["connector", "status"])
                .await
                .unwrap()
                .contains("task 0: RUNNING")
        );

        // The stream goes on where the snapshot ended.
        world.sql("DELETE FROM likes WHERE user_id = (SELECT user_id FROM users WHERE handle = 'user.1')").await;
        wait_until("the deletes", ARRIVES, || async {
            let found = world.number("SELECT count() FROM likes_cdc FINAL").await?;
            if found == 1560 {
                Ok(())
            } else {
                Err(format!("{found} likes"))
            }
        })
        .await;
        world.stack.stop().await;
    });
}
