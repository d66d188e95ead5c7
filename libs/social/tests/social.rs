//! The social graph on a real PostgreSQL.

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::{Database, post};
use nova_domain::{CommentBody, DisplayName, Handle, PostId, UserId, Visibility};
use nova_social::{IdempotencyKey, SocialError};

macro_rules! refused {
    ($call:expr, $pattern:pat) => {
        let answer = $call.await;
        assert!(matches!(answer, Err($pattern)), "{answer:?}");
    };
}

use SocialError::{
    HandleTaken, IdempotencyConflict, NotFound, SelfReference, Unavailable, UnknownUser,
};

#[tokio::test]
async fn profiles() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let (ada, social) = (db.user("ada").await?, &db.social);
    let name = DisplayName::parse("Ada L.")?;
    let first = social
        .upsert_profile(ada, &Handle::parse("ada")?, &name)
        .await?;
    let again = social
        .upsert_profile(ada, &Handle::parse("ada")?, &name)
        .await?;
    assert_eq!(first, again, "the same profile changes nothing");
    assert_eq!(again.display_name, "Ada L.");
    refused!(
        social.upsert_profile(UserId::generate(), &Handle::parse("ADA")?, &name),
        HandleTaken
    );
    let bob = db.user("bob").await?;
    refused!(
        social.upsert_profile(bob, &Handle::parse("ada")?, &name),
        HandleTaken
    );
    let nobody = UserId::generate();
    assert_eq!(
        social.known_users(&[ada, nobody, bob]).await?,
        HashSet::from([ada, bob])
    );
    assert!(social.known_users(&[]).await?.is_empty());
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn follows_and_blocks() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let (ada, bob, social) = (db.user("ada").await?, db.user("bob").await?, &db.social);
    let nobody = UserId::generate();

    for _ in 0..2 {
        social.follow(ada, bob).await?;
    }
    social.follow(bob, ada).await?;
    assert_eq!(db.count("follows").await?, 2, "following again counts once");
    refused!(social.follow(ada, ada), SelfReference);
    refused!(social.unfollow(ada, ada), SelfReference);
    refused!(social.follow(ada, nobody), NotFound { what: "user" });
    refused!(social.unfollow(ada, nobody), NotFound { what: "user" });
    refused!(social.follow(nobody, ada), UnknownUser);

    for _ in 0..2 {
        social.block(bob, ada).await?;
    }
    assert_eq!(
        db.count("follows").await?,
        0,
        "a block removes the follows of both directions"
    );
    assert_eq!(db.count("blocks").await?, 1);
    refused!(social.follow(ada, bob), NotFound { what: "user" });
    refused!(social.follow(bob, ada), NotFound { what: "user" });
    refused!(social.block(ada, ada), SelfReference);
    refused!(social.unblock(ada, ada), SelfReference);
    refused!(social.block(ada, nobody), NotFound { what: "user" });
    refused!(social.unblock(ada, nobody), NotFound { what: "user" });
    refused!(social.block(nobody, ada), UnknownUser);

    for _ in 0..2 {
        social.unblock(bob, ada).await?;
    }
    assert_eq!(db.count("follows").await?, 0, "follows do not come back");
    social.follow(ada, bob).await?;
    for _ in 0..2 {
        social.unfollow(ada, bob).await?;
    }
    assert_eq!(db.count("follows").await?, 0);
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_follow_never_slips_in_beside_a_block() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let (ada, bob, social) = (db.user("ada").await?, db.user("bob").await?, &db.social);
    for round in 0..60 {
        let (_, blocked) = tokio::join!(social.follow(ada, bob), social.block(bob, ada));
        blocked?;
        assert_eq!(db.count("follows").await?, 0, "round {round}");
        social.unblock(bob, ada).await?;
    }
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_may_see_a_post() -> anyhow::Result<()> {
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
    social.delete_post(ada, gone).await?;
    let all = [gone, own, PostId::generate(), close, open];

    let without_profile = UserId::generate();
    for (viewer, expected) in [
        (ada, vec![own, close, open]),
        (bob, vec![close, open]),
        (eve, vec![open]),
        (without_profile, vec![open]),
    ] {
        let visible = social.visible_posts(viewer, &all).await?;
        assert_eq!(visible, expected.iter().copied().collect());
        let hydrated = social.hydrate(viewer, &all).await?;
        let ids: Vec<_> = hydrated.iter().map(|p| p.post_id).collect();
        assert_eq!(ids, expected, "in the order asked for");
        for id in all {
            assert_eq!(
                social.get_post(viewer, id).await.is_ok(),
                expected.contains(&id)
            );
        }
    }

    // A block hides in both directions, whoever made it.
    for (blocker, blocked) in [(ada, eve), (eve, ada)] {
        social.block(blocker, blocked).await?;
        assert!(social.visible_posts(eve, &all).await?.is_empty());
        refused!(social.get_post(eve, open), NotFound { what: "post" });
        social.unblock(blocker, blocked).await?;
        assert_eq!(social.visible_posts(eve, &all).await?.len(), 1);
    }

    // Events may tell of posts that are deleted by now.
    let authors = social.post_authors(&all).await?;
    assert_eq!(authors.len(), 4);
    assert_eq!(authors.get(&gone), Some(&ada));
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn posts() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let (ada, bob, social) = (db.user("ada").await?, db.user("bob").await?, &db.social);
    let made = social
        .create_post(ada, &post("影 👋", Visibility::Followers)?, None)
        .await?
        .value;
    assert_eq!(
        social.get_post(ada, made.post_id).await?,
        made,
        "what is made is what is read"
    );
    refused!(
        social.create_post(UserId::generate(), &post("x", Visibility::Public)?, None),
        UnknownUser
    );
    refused!(
        social.delete_post(bob, made.post_id),
        NotFound { what: "post" }
    );
    for _ in 0..2 {
        social.delete_post(ada, made.post_id).await?;
    }
    refused!(
        social.get_post(ada, made.post_id),
        NotFound { what: "post" }
    );
    refused!(
        social.delete_post(ada, PostId::generate()),
        NotFound { what: "post" }
    );
    assert_eq!(
        db.count("posts WHERE deleted_at IS NOT NULL AND updated_at >= deleted_at")
            .await?,
        1
    );
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn likes() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let social = &db.social;
    let (ada, bob) = (db.user("ada").await?, db.user("bob").await?);
    let open = db.post(ada, Visibility::Public).await?;
    let close = db.post(ada, Visibility::Followers).await?;
    for _ in 0..2 {
        social.like(bob, open).await?;
    }
    assert_eq!(db.count("likes").await?, 1, "liking again counts once");
    let author: uuid::Uuid = sqlx::query_scalar("SELECT author_id FROM likes")
        .fetch_one(db.pool())
        .await?;
    assert_eq!(author, ada.uuid());
    assert!(social.get_post(bob, open).await?.liked);
    assert!(!social.get_post(ada, open).await?.liked);

    refused!(
        social.like(bob, PostId::generate()),
        NotFound { what: "post" }
    );
    refused!(
        social.unlike(bob, PostId::generate()),
        NotFound { what: "post" }
    );
    refused!(social.like(bob, close), NotFound { what: "post" });
    refused!(social.unlike(bob, close), NotFound { what: "post" });
    refused!(social.like(UserId::generate(), open), UnknownUser);

    // A like can be taken back although the post has gone from sight.
    social.block(ada, bob).await?;
    refused!(social.like(bob, open), NotFound { what: "post" });
    social.unlike(bob, open).await?;
    assert_eq!(db.count("likes").await?, 0);
    social.unblock(ada, bob).await?;
    social.unlike(bob, open).await?;
    social.delete_post(ada, open).await?;
    refused!(social.like(bob, open), NotFound { what: "post" });
    db.stop().await;
    Ok(())
}

/// Of two states of one thing the later one has the greater LSN, also when a write found nothing to do; a write that does
/// nothing stays behind the one that comes after it.
#[tokio::test]
async fn writes_are_ordered() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let social = &db.social;
    let (ada, bob) = (db.user("ada").await?, db.user("bob").await?);
    let open = db.post(ada, Visibility::Public).await?;
    let mut last = nova_social::Written { lsn: 0 };
    for _ in 0..3 {
        for _ in 0..2 {
            last = later(last, social.like(bob, open).await?);
        }
        for _ in 0..2 {
            last = later(last, social.unlike(bob, open).await?);
        }
        for _ in 0..2 {
            last = later(last, social.follow(bob, ada).await?);
        }
        for _ in 0..2 {
            last = later(last, social.unfollow(bob, ada).await?);
        }
        for _ in 0..2 {
            last = later(last, social.block(bob, ada).await?);
        }
        last = later(last, social.block(ada, bob).await?);
        let half = social.unblock(bob, ada).await?;
        assert!(half.still_blocked, "the other one still blocks");
        last = later(last, half.written);
        for _ in 0..2 {
            let none = social.unblock(ada, bob).await?;
            assert!(!none.still_blocked);
            last = later(last, none.written);
        }
    }
    for _ in 0..2 {
        last = later(last, social.delete_post(ada, open).await?);
    }
    let now: i64 = sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
        .fetch_one(db.pool())
        .await?;
    assert!(last.lsn <= u64::try_from(now)?, "a position in the log");
    db.stop().await;
    Ok(())
}

/// The heartbeat of the server writes to the log as well, so only the order is certain.
fn later(before: nova_social::Written, after: nova_social::Written) -> nova_social::Written {
    assert!(after >= before, "{after:?} after {before:?}");
    after
}

/// The LSN is that behind the row's own change: what change data capture tells of the same change is not greater.
#[tokio::test]
async fn an_lsn_is_behind_the_rows_own_change() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let social = &db.social;
    let (ada, bob) = (db.user("ada").await?, db.user("bob").await?);
    let open = db.post(ada, Visibility::Public).await?;
    let position = || async {
        let now = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        let now: i64 = sqlx::query_scalar(now).fetch_one(db.pool()).await?;
        anyhow::Ok(u64::try_from(now)?)
    };
    for _ in 0..3 {
        let before = position().await?;
        assert!(social.like(bob, open).await?.lsn > before, "like");
        let before = position().await?;
        assert!(social.unlike(bob, open).await?.lsn > before, "unlike");
        let before = position().await?;
        assert!(social.follow(bob, ada).await?.lsn > before, "follow");
        let before = position().await?;
        assert!(social.unfollow(bob, ada).await?.lsn > before, "unfollow");
        let before = position().await?;
        assert!(social.block(bob, ada).await?.lsn > before, "block");
        let before = position().await?;
        assert!(
            social.unblock(bob, ada).await?.written.lsn > before,
            "unblock"
        );
    }
    let before = position().await?;
    assert!(social.delete_post(ada, open).await?.lsn > before, "delete");
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn comments() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let social = &db.social;
    let (ada, bob, eve) = (
        db.user("ada").await?,
        db.user("bob").await?,
        db.user("eve").await?,
    );
    let open = db.post(ada, Visibility::Public).await?;
    let own = db.post(ada, Visibility::Private).await?;
    let body = |n: usize| CommentBody::parse(format!("comment {n}"));
    assert!(
        social
            .list_comments(bob, open, None, 10)
            .await?
            .comments
            .is_empty()
    );

    let mut written = Vec::new();
    for n in 0..7 {
        let user = if n % 2 == 0 { bob } else { eve };
        written.push(
            social
                .create_comment(user, open, &body(n)?, None)
                .await?
                .value,
        );
    }
    written.reverse();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = social.list_comments(bob, open, after, 3).await?;
        assert!(page.comments.len() <= 3);
        listed.extend(page.comments);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, written, "newest first, none twice, none left out");

    refused!(
        social.create_comment(bob, own, &body(0)?, None),
        NotFound { what: "post" }
    );
    refused!(
        social.create_comment(bob, PostId::generate(), &body(0)?, None),
        NotFound { what: "post" }
    );
    refused!(
        social.create_comment(UserId::generate(), open, &body(0)?, None),
        UnknownUser
    );
    refused!(
        social.list_comments(bob, own, None, 3),
        NotFound { what: "post" }
    );

    social.block(eve, bob).await?;
    let seen = social.list_comments(bob, open, None, 10).await?.comments;
    assert!(
        seen.iter().all(|c| c.user_id == bob),
        "a block hides comments, too"
    );
    assert_eq!(seen.len(), 4);

    // Whoever wrote it, or whose post it is on; nobody else.
    let (of_bob, of_eve) = (written[0].comment_id, written[1].comment_id);
    refused!(
        social.delete_comment(eve, of_bob),
        NotFound { what: "comment" }
    );
    social.delete_comment(bob, of_bob).await?;
    refused!(
        social.delete_comment(bob, of_bob),
        NotFound { what: "comment" }
    );
    social.delete_comment(ada, of_eve).await?;
    assert_eq!(db.count("comments").await?, 5);
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn idempotency_keys() -> anyhow::Result<()> {
    let db = Database::start().await?;
    let social = &db.social;
    let (ada, bob) = (db.user("ada").await?, db.user("bob").await?);
    let key = IdempotencyKey::parse("key-1")?;
    let (hello, other) = (
        post("hello", Visibility::Public)?,
        post("other", Visibility::Public)?,
    );

    // Eight at once, and one later: one post.
    let calls = (0..8).map(|_| {
        let (social, hello, key) = (social.clone(), hello.clone(), key.clone());
        tokio::spawn(async move { social.create_post(ada, &hello, Some(&key)).await })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await??);
    }
    answers.push(social.create_post(ada, &hello, Some(&key)).await?);
    assert_eq!(answers.iter().filter(|a| !a.replayed).count(), 1);
    assert!(
        answers.iter().all(|a| a.value == answers[0].value),
        "the same answer to all"
    );
    assert_eq!(db.count("posts").await?, 1);

    refused!(
        social.create_post(ada, &other, Some(&key)),
        IdempotencyConflict
    );
    let first = answers[0].value.post_id;
    let body = CommentBody::parse("nice")?;
    refused!(
        social.create_comment(ada, first, &body, Some(&key)),
        IdempotencyConflict
    );
    assert!(
        !social.create_post(bob, &other, Some(&key)).await?.replayed,
        "keys are the user's own"
    );
    refused!(
        social.create_post(UserId::generate(), &hello, Some(&key)),
        UnknownUser
    );

    // A refused request leaves its key free.
    let key = IdempotencyKey::parse("key-2")?;
    refused!(
        social.create_comment(ada, PostId::generate(), &body, Some(&key)),
        NotFound { what: "post" }
    );
    let made = social.create_comment(ada, first, &body, Some(&key)).await?;
    let again = social.create_comment(ada, first, &body, Some(&key)).await?;
    assert_eq!((made.value, true), (again.value, again.replayed));
    assert_eq!(db.count("comments").await?, 1);

    let day = Duration::from_secs(86_400);
    assert_eq!(social.purge_idempotency_keys(day, 100).await?, 0);
    assert_eq!(social.purge_idempotency_keys(Duration::ZERO, 2).await?, 2);
    assert_eq!(social.purge_idempotency_keys(Duration::ZERO, 100).await?, 1);
    db.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_silent_or_gone_is_unavailable() -> anyhow::Result<()> {
    use nova_testbed::Server;

    let db = Database::start().await?;
    let ada = db.user("ada").await?;
    let social = db.social.clone().with_deadline(Duration::from_millis(300));
    let open = db.post(ada, Visibility::Public).await?;

    db.stack.pause(Server::Postgres).await?;
    refused!(social.like(ada, open), Unavailable(_));
    db.stack.resume(Server::Postgres).await?;
    nova_testbed::wait_for(Duration::from_secs(10), || async {
        social.like(ada, open).await.map_err(|e| e.to_string())
    })
    .await?;

    db.stack.kill(Server::Postgres).await?;
    refused!(social.hydrate(ada, &[open]), Unavailable(_));
    db.stack.restart(Server::Postgres).await?;
    nova_testbed::wait_for(Duration::from_secs(10), || async {
        social
            .hydrate(ada, &[open])
            .await
            .map_err(|e| e.to_string())
    })
    .await?;
    assert_eq!(db.count("likes").await?, 1);
    db.stop().await;
    Ok(())
}
