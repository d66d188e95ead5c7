//! The schema on a real PostgreSQL: what it refuses, whom it lets in.

mod common;

use common::{CDC_PASSWORD, Database};
use nova_domain::{
    Caption, CommentBody, DisplayName, Handle, MAX_DURATION_MS, MediaUrl, Visibility,
};
use nova_social::{PoolConfig, migrate};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

#[tokio::test]
async fn migrating_again_or_at_once_changes_nothing() -> anyhow::Result<()> {
    let db = Database::start_empty().await?;
    let (one, two, three) = tokio::join!(
        migrate(db.pool(), "first"),
        migrate(db.pool(), CDC_PASSWORD),
        migrate(db.pool(), CDC_PASSWORD)
    );
    for done in [one, two, three] {
        done?;
    }
    migrate(db.pool(), CDC_PASSWORD).await?;
    assert_eq!(db.count("_sqlx_migrations WHERE success").await?, 7);
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn databases_of_one_server_can_migrate_at_once() -> anyhow::Result<()> {
    let db = Database::start_empty().await?;
    let url = url::Url::parse(&db.stack.endpoints().postgres)?;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..4 {
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE other{n}")))
            .execute(db.pool())
            .await?;
        let mut url = url.clone();
        url.set_path(&format!("other{n}"));
        let pool = PoolConfig::default().connect_lazy(url.as_str())?;
        running.spawn(async move { migrate(&pool, CDC_PASSWORD).await });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_replication_role_may_do_what_it_needs_and_no_more() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let mut url = url::Url::parse(&db.stack.endpoints().postgres)?;
    url.set_username("nova_cdc")
        .and_then(|()| url.set_password(Some(CDC_PASSWORD)))
        .expect("a URL with a host");
    let mut cdc = PgConnection::connect(url.as_str()).await?;
    for statement in [
        "SELECT count(*) FROM posts",
        "SELECT count(*) FROM follows",
        "SELECT count(*) FROM comments",
        "SELECT count(*) FROM likes",
        "INSERT INTO public.cdc_heartbeat (id, beat_at) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat_at = EXCLUDED.beat_at",
        "INSERT INTO cdc_signal (id, type, data) VALUES ('a', 'execute-snapshot', '{}')",
        "UPDATE cdc_signal SET data = NULL",
        "DELETE FROM cdc_signal",
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_create_logical_replication_slot('probe', 'pgoutput')",
    ] {
        sqlx::query(statement)
            .execute(&mut cdc)
            .await
            .map_err(|e| anyhow::anyhow!("{statement}: {e}"))?;
    }
    for statement in [
        "SELECT count(*) FROM users",
        "SELECT count(*) FROM blocks",
        "SELECT count(*) FROM idempotency_keys",
        "DELETE FROM likes",
        "UPDATE posts SET caption = 'x'",
        "DELETE FROM cdc_heartbeat",
        "TRUNCATE cdc_signal",
        "CREATE TABLE mine (id int)",
    ] {
        let refused = sqlx::query(statement).execute(&mut cdc).await.unwrap_err();
        let code = refused
            .as_database_error()
            .and_then(|e| e.code())
            .map(|c| c.into_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
    }
    cdc.close().await?;

    let published: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_publication_tables WHERE pubname = 'nova_cdc' ORDER BY 1",
    )
    .fetch_all(db.pool())
    .await?;
    assert_eq!(
        published,
        [
            "cdc_heartbeat",
            "cdc_signal",
            "comments",
            "follows",
            "likes",
            "posts"
        ]
    );
    let full: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relreplident = 'f' ORDER BY 1",
    )
    .fetch_all(db.pool())
    .await?;
    assert_eq!(full, ["comments", "follows", "likes", "posts"]);
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn hand_written_rows_are_checked_as_the_service_checks() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let ada = db.user("ada").await?;
    let post = db.post(ada, Visibility::Public).await?;

    // At the limit of nova-domain it is taken, past it refused.
    for (set, limit) in [
        ("caption = repeat('影', $1)", Caption::MAX_CHARS),
        (
            "media_url = rpad('https://m/', $1, 'x')",
            MediaUrl::MAX_BYTES,
        ),
        ("duration_ms = $1", MAX_DURATION_MS as usize),
    ] {
        let limit = i32::try_from(limit)?;
        let update = |value| {
            sqlx::query(AssertSqlSafe(format!(
                "UPDATE posts SET {set} WHERE post_id = $2"
            )))
            .bind(value)
            .bind(post.uuid())
            .execute(db.pool())
        };
        update(limit).await?;
        check_violation(update(limit + 1).await.unwrap_err(), set);
    }
    for (set, limit) in [
        ("handle = repeat('a', $1)", Handle::MAX_CHARS),
        ("display_name = repeat('影', $1)", DisplayName::MAX_CHARS),
    ] {
        let limit = i32::try_from(limit)?;
        let update = |value| {
            sqlx::query(AssertSqlSafe(format!("UPDATE users SET {set}")))
                .bind(value)
                .execute(db.pool())
        };
        update(limit).await?;
        check_violation(update(limit + 1).await.unwrap_err(), set);
    }
    for statement in [
        "UPDATE users SET handle = 'ab'",
        "UPDATE users SET handle = 'Ada'",
        "UPDATE users SET display_name = E' \\t\\n'",
        "UPDATE posts SET caption = ''",
        "UPDATE posts SET media_url = ''",
        "UPDATE posts SET media_type = 'audio'",
        "UPDATE posts SET duration_ms = -1",
        "UPDATE posts SET visibility = 'everyone'",
        "INSERT INTO follows (follower_id, followee_id) SELECT user_id, user_id FROM users",
        "INSERT INTO blocks (blocker_id, blocked_id) SELECT user_id, user_id FROM users",
        "INSERT INTO cdc_heartbeat (id) VALUES (2)",
    ] {
        check_violation(
            sqlx::query(statement).execute(db.pool()).await.unwrap_err(),
            statement,
        );
    }

    // Keys of the tables downstream never change.
    for set in [
        "post_id = gen_random_uuid()",
        "author_id = gen_random_uuid()",
        "created_at = now()",
    ] {
        let refused = sqlx::query(AssertSqlSafe(format!("UPDATE posts SET {set}")))
            .execute(db.pool())
            .await
            .unwrap_err();
        assert_eq!(
            refused.as_database_error().and_then(|e| e.constraint()),
            Some("posts_fixed_columns"),
            "{set}"
        );
    }

    // A like or a comment by hand gets its author; a wrong author is refused.
    sqlx::query("INSERT INTO likes (post_id, user_id) SELECT post_id, author_id FROM posts")
        .execute(db.pool())
        .await?;
    sqlx::query("INSERT INTO comments (comment_id, post_id, user_id, body) SELECT gen_random_uuid(), post_id, author_id, repeat('影', $1) FROM posts")
        .bind(i32::try_from(CommentBody::MAX_CHARS)?)
        .execute(db.pool())
        .await?;
    assert_eq!(
        db.count("likes JOIN posts USING (post_id, author_id)")
            .await?,
        1
    );
    assert_eq!(
        db.count("comments JOIN posts USING (post_id, author_id)")
            .await?,
        1
    );
    let bob = db.user("bob").await?;
    for statement in [
        "INSERT INTO likes (post_id, user_id, author_id) SELECT post_id, $1, $1 FROM posts",
        "INSERT INTO likes (post_id, user_id) VALUES (gen_random_uuid(), $1)",
    ] {
        let refused = sqlx::query(statement)
            .bind(bob.uuid())
            .execute(db.pool())
            .await
            .unwrap_err();
        assert_eq!(
            refused.as_database_error().and_then(|e| e.constraint()),
            Some("likes_post_fk"),
            "{statement}"
        );
    }
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_may_see_a_post_is_part_of_the_query_plan() -> anyhow::Result<()> {
    let db = Database::start().await?;
    for (name, statement) in [
        ("visible_posts", include_str!("../sql/visible_posts.sql")),
        ("hydrate", include_str!("../sql/hydrate.sql")),
    ] {
        let explain = AssertSqlSafe(format!("EXPLAIN (GENERIC_PLAN) {statement}"));
        // Without parameters: the extended protocol would ask for their values.
        let rows = sqlx::raw_sql(explain).fetch_all(db.pool()).await?;
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(
            !plan.contains("Function Scan on posts_visible_to"),
            "{name}: a call for each row, not a plan\n{plan}"
        );
        assert!(
            plan.contains("Index Cond: (post_id = ANY"),
            "{name}: by key\n{plan}"
        );
    }
    db.stop().await;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "takes what unwrap_err gives")]
fn check_violation(refused: sqlx::Error, what: &str) {
    let code = refused
        .as_database_error()
        .and_then(|e| e.code())
        .map(|c| c.into_owned());
    assert_eq!(code.as_deref(), Some("23514"), "{what}: {refused}");
}
