//! Servers that die under load.

use std::time::Duration;

use nova_e2e::{World, exclusive, run, wait_until};
use nova_testbed::Server;
use tokio::sync::Notify;
use uuid::Uuid;

const POSTS: i64 = 50;
const FANS: i64 = 400;
const LIMIT: Duration = Duration::from_secs(120);

/// An author, posts and fans, by hand: `prefix` keeps them apart from everybody else's. The posts are private: with so
/// many likes they would fill every feed.
async fn population(world: &World, prefix: &str) -> Uuid {
    let author = Uuid::now_v7();
    world
        .sql(&format!("INSERT INTO users (user_id, handle, display_name) VALUES ('{author}', '{prefix}.author', 'Author')"))
        .await;
    world
        .sql(&format!(
            "INSERT INTO users (user_id, handle, display_name)
             SELECT gen_random_uuid(), '{prefix}.' || n, 'Fan' FROM generate_series(1, {FANS}) n"
        ))
        .await;
    world
        .sql(&format!(
            "INSERT INTO posts (post_id, author_id, caption, media_url, media_type, duration_ms, visibility)
             SELECT gen_random_uuid(), '{author}', 'post ' || n, 'https://media.example/1', 'video', 1, 'private'
             FROM generate_series(1, {POSTS}) n"
        ))
        .await;
    author
}

/// The likes of one post after the other, with every seventh taken back. The second half of them follows when the server has
/// died: however fast PostgreSQL is, the stream is not over by then.
async fn like_everything(world: &World, author: Uuid, prefix: &str, died: &Notify) {
    for nth in 0..POSTS {
        if nth == POSTS / 2 {
            died.notified().await;
        }
        world
            .sql(&format!(
                "INSERT INTO likes (post_id, user_id, author_id)
                 SELECT p.post_id, u.user_id, p.author_id
                 FROM (SELECT post_id, author_id FROM posts WHERE author_id = '{author}' ORDER BY post_id OFFSET {nth} LIMIT 1) p,
                      users u WHERE u.handle LIKE '{prefix}.%' AND u.display_name = 'Fan'"
            ))
            .await;
        world
            .sql(&format!(
                "DELETE FROM likes WHERE (post_id, user_id) IN (
                     SELECT l.post_id, l.user_id FROM likes l JOIN users u USING (user_id)
                     WHERE l.author_id = '{author}' AND right(u.handle, 1) = '7')"
            ))
            .await;
    }
}

/// Every post's likes, in PostgreSQL and in ClickHouse, as one hash and one sum of each.
async fn same_likes(world: &World, author: Uuid) -> Result<u64, String> {
    let expected = world
        .sql_number(&format!(
            "SELECT count(*) FROM likes WHERE author_id = '{author}'"
        ))
        .await;
    let pairs = format!("SELECT count() FROM likes_cdc FINAL WHERE author_id = '{author}'");
    let found = world.number(&pairs).await?;
    if i64::try_from(found).unwrap() == expected {
        Ok(found)
    } else {
        Err(format!("{found} likes of {expected}"))
    }
}

async fn survives(prefix: &str, server: Server) {
    let world = exclusive().await;
    let author = population(&world, prefix).await;
    let died = Notify::new();
    let writing = like_everything(&world, author, prefix, &died);
    let killing = async {
        // Mid-stream: some of the likes are there.
        wait_until("the first likes", LIMIT, || async {
            let query = format!("SELECT count() FROM likes_cdc WHERE author_id = '{author}'");
            if world.number(&query).await? > 0 {
                Ok(())
            } else {
                Err("none yet".to_owned())
            }
        })
        .await;
        world.stack.kill(server).await.unwrap();
        died.notify_one();
        world.stack.restart(server).await.unwrap();
    };
    futures::join!(writing, killing);
    let likes = wait_until("the same likes at both ends", LIMIT, || {
        same_likes(&world, author)
    })
    .await;
    assert!(likes > u64::try_from(POSTS * FANS / 2).unwrap(), "{likes}");

    // Not only as many: the same ones, and the recounts agree.
    let (keys, recounted): (String, i64) = {
        let keys = sqlx::query_scalar(
            "SELECT coalesce(string_agg(post_id::text || user_id::text, ',' ORDER BY post_id::text, user_id::text), '')
             FROM likes WHERE author_id = $1",
        )
        .bind(author)
        .fetch_one(&world.postgres)
        .await
        .unwrap();
        (keys, i64::try_from(likes).unwrap())
    };
    let same: String = world
        .olap
        .client()
        .query(
            "SELECT arrayStringConcat(arraySort(groupArray(concat(toString(post_id), toString(user_id)))), ',')
             FROM likes_cdc FINAL WHERE author_id = ?",
        )
        .bind(author.to_string())
        .fetch_one()
        .await
        .unwrap();
    assert!(keys == same, "other likes in ClickHouse than in PostgreSQL");
    wait_until("the recount", LIMIT, || async {
        let query =
            format!("SELECT sum(likes) FROM post_engagement FINAL WHERE author_id = '{author}'");
        let found = i64::try_from(world.number(&query).await?).unwrap();
        if found == recounted {
            Ok(())
        } else {
            Err(format!("{found} of {recounted}"))
        }
    })
    .await;
}

#[test]
fn clickhouse_killed_mid_stream_loses_and_doubles_nothing() {
    run(survives("chkill", Server::ClickHouse));
}

#[test]
fn connect_killed_mid_stream_loses_and_doubles_nothing() {
    run(survives("cnkill", Server::Connect));
}

#[test]
fn kafka_killed_mid_stream_loses_and_doubles_nothing() {
    run(survives("kfkill", Server::Kafka));
}
