//! What a ranking asks of PostgreSQL.

mod common;

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use common::Database;
use nova_domain::{Candidate, PostId, UserId, Visibility};
use nova_social::PostVerdict;
use sqlx::{AssertSqlSafe, Row as _};

/// As early and as late as no post is.
fn always() -> (DateTime<Utc>, DateTime<Utc>) {
    let now = Utc::now();
    (now - TimeDelta::days(1), now + TimeDelta::days(1))
}

fn ids(candidates: &[Candidate]) -> Vec<PostId> {
    candidates.iter().map(|c| c.post_id).collect()
}

#[tokio::test]
async fn verdicts_name_every_reason() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let social = &db.social;
    let (ada, bob, eve) = (
        db.user("ada").await?,
        db.user("bob").await?,
        db.user("eve").await?,
    );
    social.follow(bob, ada).await?;
    let open = db.post(ada, Visibility::Public).await?;
    let close = db.post(ada, Visibility::Followers).await?;
    let own = db.post(ada, Visibility::Private).await?;
    let gone = db.post(ada, Visibility::Public).await?;
    social.like(bob, open).await?;
    social.like(eve, gone).await?;
    social.delete_post(ada, gone).await?;
    let never = PostId::generate();
    // A post asked for twice is one post.
    let all = [open, close, own, gone, never, open];
    let verdict = |visible, visibility| PostVerdict {
        visible,
        deleted: false,
        blocked: false,
        liked: false,
        visibility,
    };

    let seen = social.verdicts(bob, &all).await?;
    assert_eq!(seen.posts.len(), 4);
    assert_eq!(seen.posts.get(&never), None);
    assert_eq!(
        seen.posts[&open],
        PostVerdict {
            liked: true,
            ..verdict(true, Visibility::Public)
        }
    );
    assert_eq!(seen.posts[&close], verdict(true, Visibility::Followers));
    assert_eq!(seen.posts[&own], verdict(false, Visibility::Private));
    assert_eq!(
        seen.posts[&gone],
        PostVerdict {
            deleted: true,
            ..verdict(false, Visibility::Public)
        }
    );
    assert_eq!(seen.blocks, Some(HashSet::new()));

    let seen = social.verdicts(eve, &all).await?;
    assert!(!seen.posts[&close].visible);
    assert!(seen.posts[&gone].liked, "a like outlives the post");
    let seen = social.verdicts(ada, &all).await?;
    assert!(seen.posts[&own].visible && seen.posts[&close].visible && !seen.posts[&gone].visible);

    for (blocker, blocked) in [(ada, eve), (eve, ada)] {
        social.block(blocker, blocked).await?;
        let seen = social.verdicts(eve, &all).await?;
        assert!(seen.posts.values().all(|v| v.blocked && !v.visible));
        assert_eq!(seen.blocks, Some(HashSet::from([ada])));
        // Nobody else is concerned, and whoever asks about nothing still learns of the blocks.
        assert!(!social.verdicts(bob, &all).await?.posts[&open].blocked);
        assert_eq!(
            social.verdicts(ada, &[]).await?.blocks,
            Some(HashSet::from([eve]))
        );
        social.unblock(blocker, blocked).await?;
    }
    // `visible` is what everything else goes by too.
    for viewer in [ada, bob, eve] {
        let visible = social.visible_posts(viewer, &all).await?;
        let seen = social.verdicts(viewer, &all).await?;
        assert!(
            seen.posts
                .iter()
                .all(|(post, v)| v.visible == visible.contains(post))
        );
    }
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_set_of_blocks_too_large_to_keep_is_no_set() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let ada = db.user("ada").await?;
    let people = "INSERT INTO users (user_id, handle, display_name) \
                  SELECT gen_random_uuid(), 'user' || n, 'user' FROM generate_series(1, 10001) AS n";
    sqlx::query(people).execute(db.pool()).await?;
    let blocks = "INSERT INTO blocks (blocker_id, blocked_id) SELECT user_id, $1 FROM users \
                  WHERE user_id <> $1 ORDER BY handle LIMIT $2 ON CONFLICT DO NOTHING";
    for (count, known) in [(10_000_i64, Some(10_000)), (10_001, None)] {
        sqlx::query(blocks)
            .bind(ada.uuid())
            .bind(count)
            .execute(db.pool())
            .await?;
        let verdicts = db.social.verdicts(ada, &[]).await?;
        assert_eq!(verdicts.blocks.map(|b| b.len()), known);
    }
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_newest_posts_of_followed_and_of_given_authors() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let social = &db.social;
    let (ada, bob, eve, viewer) = (
        db.user("ada").await?,
        db.user("bob").await?,
        db.user("eve").await?,
        db.user("viewer").await?,
    );
    social.follow(viewer, ada).await?;
    social.follow(viewer, bob).await?;
    let mut posts = Vec::new();
    for (author, visibility) in [
        (ada, Visibility::Public),
        (bob, Visibility::Followers),
        (eve, Visibility::Public),
        (ada, Visibility::Private),
        (bob, Visibility::Public),
        (ada, Visibility::Public),
        (bob, Visibility::Public),
    ] {
        posts.push(db.post(author, visibility).await?);
    }
    social.delete_post(bob, posts[6]).await?;
    assert_eq!(db.count("posts").await?, 7, "deleted ones stay");
    let (since, until) = always();

    let feed = social.follow_feed(viewer, since, until, 10).await?;
    assert_eq!(ids(&feed), [posts[5], posts[4], posts[1], posts[0]]);
    assert_eq!(feed[0].author_id, ada);
    let two = social.follow_feed(viewer, since, until, 2).await?;
    assert_eq!(two, feed[..2]);
    // Open at the old edge, closed at the new one.
    let between = social
        .follow_feed(viewer, feed[2].created_at, feed[1].created_at, 10)
        .await?;
    assert_eq!(between, feed[1..2]);
    assert!(social.follow_feed(eve, since, until, 10).await?.is_empty());

    let of = async |authors: &[UserId], limit| {
        let found = social.recent_posts_of(authors, since, until, limit).await;
        ids(&found.unwrap())
    };
    assert_eq!(of(&[], 10).await, []);
    assert_eq!(of(&[eve], 10).await, [posts[2]]);
    assert_eq!(of(&[eve, bob], 10).await, [posts[4], posts[2], posts[1]]);
    assert_eq!(of(&[eve, bob, ada], 2).await, [posts[5], posts[4]]);
    assert_eq!(of(&[UserId::generate()], 10).await, []);
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_may_see_a_post_is_part_of_the_plan_of_the_verdicts() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let explain = AssertSqlSafe(format!(
        "EXPLAIN (GENERIC_PLAN) {}",
        include_str!("../sql/verdicts.sql")
    ));
    let rows = sqlx::raw_sql(explain).fetch_all(db.pool()).await?;
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(
        !plan.contains("Function Scan on posts_visible_to"),
        "{plan}"
    );
    assert!(plan.contains("Index Cond: (post_id = ANY"), "{plan}");
    db.stop().await;
    Ok(())
}
