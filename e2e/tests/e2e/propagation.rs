//! Every kind of change, from the API or a row in PostgreSQL to ClickHouse and the feed.

use nova_domain::PostId;
use nova_e2e::{Counts, Person, World, run, shared, wait_until};

use crate::ARRIVES;

async fn counts_in_feed(viewer: &Person, post: PostId, expected: Counts) {
    wait_until("the counts in the feed", ARRIVES, || async {
        let counts = viewer
            .feed_when_there()
            .await?
            .item(post)
            .map(|item| item.counts);
        if counts == Some(expected) {
            Ok(())
        } else {
            Err(format!("{counts:?} instead of {expected:?}"))
        }
    })
    .await;
}

fn likes(likes: u64) -> Counts {
    Counts {
        likes,
        comments: 0,
        shares: 0,
    }
}

/// An author with a post, and a viewer who follows them and has it in the feed.
async fn scene(world: &World) -> (Person, Person, PostId) {
    let author = world.person().await;
    let viewer = world.person().await;
    viewer.follow(author.id).await;
    let post = author.post("a post").await;
    viewer.sees(post, true, ARRIVES).await;
    (author, viewer, post)
}

#[test]
fn unlike_and_like_again_count_once() {
    run(async {
        let world = shared().await;
        let (_, viewer, post) = scene(&world).await;
        let fan = world.person().await;
        for _ in 0..3 {
            fan.like(post).await;
            fan.like(post).await;
            counts_in_feed(&viewer, post, likes(1)).await;
            fan.unlike(post).await;
            counts_in_feed(&viewer, post, likes(0)).await;
            fan.unlike(post).await;
        }
        fan.like(post).await;
        counts_in_feed(&viewer, post, likes(1)).await;
        world
            .becomes(
                &format!(
                    "SELECT count() FROM user_author_90d FINAL WHERE user_id = '{}'",
                    fan.id
                ),
                1,
                ARRIVES,
            )
            .await;
        world
            .becomes(
                &format!("SELECT sum(likes) FROM post_engagement FINAL WHERE post_id = '{post}'"),
                1,
                ARRIVES,
            )
            .await;
    });
}

#[test]
fn unfollow_and_follow_again_count_once() {
    run(async {
        let world = shared().await;
        let (author, viewer, _) = scene(&world).await;
        let post = author.post_as("for followers", "followers").await;
        viewer.sees(post, true, ARRIVES).await;
        for _ in 0..2 {
            viewer.unfollow(author.id).await;
            viewer.sees(post, false, ARRIVES).await;
            viewer.follow(author.id).await;
            viewer.follow(author.id).await;
            viewer.sees(post, true, ARRIVES).await;
        }
        let edges = format!(
            "SELECT count() FROM follows_cdc FINAL WHERE follower_id = '{}'",
            viewer.id
        );
        world.becomes(&edges, 1, ARRIVES).await;
        let reverse = format!(
            "SELECT count() FROM follow_graph FINAL WHERE followee_id = '{}'",
            author.id
        );
        world.becomes(&reverse, 1, ARRIVES).await;
    });
}

#[test]
fn a_deleted_post_leaves_feed_and_recount() {
    run(async {
        let world = shared().await;
        let (author, viewer, post) = scene(&world).await;
        author.delete_post(post).await;
        viewer.sees(post, false, ARRIVES).await;
        let hidden =
            format!("SELECT countIf(hidden) FROM posts_by_author FINAL WHERE post_id = '{post}'");
        world.becomes(&hidden, 1, ARRIVES).await;
        let recount =
            format!("SELECT countIf(hidden) FROM post_engagement FINAL WHERE post_id = '{post}'");
        world.becomes(&recount, 1, ARRIVES).await;
    });
}

#[test]
fn a_post_removed_from_postgresql_is_hidden_too() {
    run(async {
        let world = shared().await;
        let (_, viewer, post) = scene(&world).await;
        viewer.like(post).await;
        counts_in_feed(&viewer, post, likes(1)).await;
        world
            .sql(&format!("DELETE FROM posts WHERE post_id = '{post}'"))
            .await;
        viewer.sees(post, false, ARRIVES).await;
        world
            .becomes(
                &format!("SELECT count() FROM posts_cdc FINAL WHERE post_id = '{post}'"),
                0,
                ARRIVES,
            )
            .await;
        world
            .becomes(
                &format!("SELECT count() FROM likes_cdc FINAL WHERE post_id = '{post}'"),
                0,
                ARRIVES,
            )
            .await;
        let recount =
            format!("SELECT countIf(hidden) FROM post_engagement FINAL WHERE post_id = '{post}'");
        world.becomes(&recount, 1, ARRIVES).await;
    });
}

#[test]
fn comments_come_and_go() {
    run(async {
        let world = shared().await;
        let (_, viewer, post) = scene(&world).await;
        let reader = world.person().await;
        let first = reader.comment(post, "first").await;
        reader.comment(post, "second").await;
        counts_in_feed(
            &viewer,
            post,
            Counts {
                comments: 2,
                ..likes(0)
            },
        )
        .await;
        reader.delete_comment(first).await;
        counts_in_feed(
            &viewer,
            post,
            Counts {
                comments: 1,
                ..likes(0)
            },
        )
        .await;
        world
            .becomes(
                &format!(
                    "SELECT count() FROM user_author_90d FINAL WHERE user_id = '{}'",
                    reader.id
                ),
                1,
                ARRIVES,
            )
            .await;
    });
}

#[test]
fn an_updated_post_arrives_updated() {
    run(async {
        let world = shared().await;
        let (_, viewer, post) = scene(&world).await;
        world
            .sql(&format!(
                "UPDATE posts SET caption = 'edited' WHERE post_id = '{post}'"
            ))
            .await;
        wait_until("the new caption in the feed", ARRIVES, || async {
            let caption = viewer
                .feed()
                .await
                .item(post)
                .map(|item| item.caption.clone());
            if caption.as_deref() == Some("edited") {
                Ok(())
            } else {
                Err(format!("{caption:?}"))
            }
        })
        .await;
        world.becomes(&format!(
                "SELECT countIf(caption = 'edited') FROM posts_cdc FINAL WHERE post_id = '{post}'"
            ), 1, ARRIVES)
        .await;

        world
            .sql(&format!(
                "UPDATE posts SET visibility = 'private' WHERE post_id = '{post}'"
            ))
            .await;
        viewer.sees(post, false, ARRIVES).await;
        world.becomes(&format!("SELECT countIf(visibility = 'private') FROM post_engagement FINAL WHERE post_id = '{post}'"), 1, ARRIVES)
        .await;
    });
}

#[test]
fn rows_written_by_hand_flow_like_others() {
    run(async {
        let world = shared().await;
        let (_, viewer, post) = scene(&world).await;
        let fans = world.people(3).await;
        for fan in &fans {
            // Without the author: PostgreSQL fills it in.
            world
                .sql(&format!(
                    "INSERT INTO likes (post_id, user_id) VALUES ('{post}', '{}')",
                    fan.id
                ))
                .await;
        }
        counts_in_feed(&viewer, post, likes(3)).await;
        world
            .sql(&format!("DELETE FROM likes WHERE post_id = '{post}'"))
            .await;
        counts_in_feed(&viewer, post, likes(0)).await;
    });
}

#[test]
fn several_changes_of_a_row_in_one_transaction_leave_the_last() {
    run(async {
        let world = shared().await;
        let (_, viewer, post) = scene(&world).await;
        let fan = world.person().await;
        let like = format!(
            "INSERT INTO likes (post_id, user_id) VALUES ('{post}', '{}')",
            fan.id
        );
        let unlike = format!("DELETE FROM likes WHERE post_id = '{post}'");
        let mut transaction = world.postgres.begin().await.unwrap();
        for statement in [&like, &unlike, &like, &unlike, &like] {
            sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        counts_in_feed(&viewer, post, likes(1)).await;

        let mut transaction = world.postgres.begin().await.unwrap();
        for statement in [&unlike, &like, &unlike] {
            sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        counts_in_feed(&viewer, post, likes(0)).await;
    });
}
