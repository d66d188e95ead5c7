//! What the feed shows and in which order.

use nova_e2e::{Feed, exclusive, run, shared, wait_until};

use crate::{ARRIVES, LIKE_TO_FEED};

#[test]
fn likes_lift_a_post_in_the_feed_of_a_follower() {
    run(async {
        let world = shared().await;
        let author = world.person().await;
        let viewer = world.person().await;
        viewer.follow(author.id).await;
        let first = author.post("first").await;
        let second = author.post("second").await;
        // Two of the same age and without engagement: the newer one leads.
        wait_until("the newer post above the older", ARRIVES, || async {
            let feed = viewer.feed_when_there().await?;
            match (feed.rank(first), feed.rank(second)) {
                (Some(first), Some(second)) if second < first => Ok(()),
                ranks => Err(format!("{ranks:?}")),
            }
        })
        .await;

        for liker in world.people(5).await {
            liker.like(first).await;
        }
        // Likes change the order of the next ranking, not of the one being looked at: somebody who asks for the first time.
        wait_until("the liked post above the other", LIKE_TO_FEED, || async {
            let newcomer = world.person().await;
            newcomer.follow(author.id).await;
            let feed = newcomer.feed_when_there().await?;
            match (feed.item(first), feed.rank(first), feed.rank(second)) {
                (Some(item), Some(first), Some(second))
                    if first < second && item.counts.likes == 5 =>
                {
                    Ok(())
                }
                state => Err(format!("{state:?}")),
            }
        })
        .await;
    });
}

#[test]
fn each_source_brings_its_posts_and_says_so() {
    run(async {
        let world = shared().await;
        let viewer = world.person().await;
        let followed = world.person().await;
        let liked_author = world.person().await;
        viewer.follow(followed.id).await;
        let of_followed = followed.post_as("followers only", "followers").await;
        let liked = liked_author.post("liked").await;
        let next = liked_author.post("the next of the same author").await;
        viewer.like(liked).await;

        // A feed is ranked once and then kept: everything it is made of has to be there first.
        for (what, count) in [
            (
                format!(
                    "posts_by_author FINAL WHERE post_id IN ('{of_followed}', '{liked}', '{next}')"
                ),
                3,
            ),
            (
                format!("follows_cdc FINAL WHERE follower_id = '{}'", viewer.id),
                1,
            ),
            (
                format!("user_author_90d FINAL WHERE user_id = '{}'", viewer.id),
                1,
            ),
            (
                format!("post_engagement FINAL WHERE post_id = '{liked}' AND likes = 1"),
                1,
            ),
        ] {
            world
                .becomes(&format!("SELECT count() FROM {what}"), count, ARRIVES)
                .await;
        }
        let has = |feed: &Feed, post, source: &str| {
            let item = feed.item(post);
            item.is_some_and(|item| item.sources.iter().any(|found| found == source))
        };
        // But for the list of trending posts, which all rankings share: it may be older by a quarter of a second.
        let feed = wait_until("the liked post trending", ARRIVES, || async {
            let feed = viewer.feed_when_there().await?;
            if has(&feed, liked, "trending") {
                return Ok(feed);
            }
            world.forget_feeds_of(viewer.id).await;
            Err(format!("{feed:?}"))
        })
        .await;
        let of_followed = feed.item(of_followed).map(|item| &*item.sources);
        assert_eq!(of_followed, Some(&["follow".to_owned()][..]), "{feed:?}");
        assert!(
            has(&feed, liked, "affinity") && has(&feed, next, "affinity"),
            "{feed:?}"
        );
        assert!(feed.item(liked).is_some_and(|item| item.viewer.liked));
        assert!(feed.degraded.is_empty(), "{:?}", feed.degraded);
        assert_eq!(feed.served_from, "ranked");
    });
}

#[test]
fn nobody_sees_what_is_not_for_them() {
    run(async {
        let world = shared().await;
        let author = world.person().await;
        let follower = world.person().await;
        let stranger = world.person().await;
        let blocked = world.person().await;
        for viewer in [&follower, &blocked] {
            viewer.follow(author.id).await;
        }
        let public = author.post("public").await;
        let followers = author.post_as("followers", "followers").await;
        let private = author.post_as("private", "private").await;
        wait_until("the posts in the follower's feed", ARRIVES, || async {
            let feed = follower.feed_when_there().await?;
            if feed.item(public).is_some() && feed.item(followers).is_some() {
                Ok(())
            } else {
                Err(format!("{feed:?}"))
            }
        })
        .await;
        assert!(follower.feed().await.item(private).is_none(), "private");
        assert!(
            author.feed().await.item(public).is_none(),
            "own posts are not recommended"
        );

        // Interaction makes an author's posts candidates by affinity: visibility still holds. The follower's feed may be made
        // of what PostgreSQL knows of a post that is on its way.
        stranger.like(public).await;
        for arrived in [
            format!("posts_by_author FINAL WHERE post_id = '{public}'"),
            format!("user_author_90d FINAL WHERE user_id = '{}'", stranger.id),
        ] {
            let arrived = format!("SELECT count() FROM {arrived}");
            world.becomes(&arrived, 1, ARRIVES).await;
        }
        let feed = stranger.feed().await;
        assert!(feed.item(public).is_some(), "{feed:?}");
        assert!(
            feed.item(followers).is_none() && feed.item(private).is_none(),
            "{feed:?}"
        );

        author.block(blocked.id).await;
        for (viewer, other) in [(&blocked, &author), (&author, &blocked)] {
            assert!(
                viewer
                    .feed()
                    .await
                    .items
                    .iter()
                    .all(|item| item.author_id != other.id),
                "a block works both ways"
            );
        }
    });
}

#[test]
fn offset_and_limit_cut_the_same_list() {
    run(async {
        // Alone: a post that others delete between two pages would shift the rest.
        let world = exclusive().await;
        let author = world.person().await;
        let viewer = world.person().await;
        viewer.follow(author.id).await;
        for number in 0..7 {
            author.post(&format!("post {number}")).await;
        }
        let own = |items: Vec<nova_e2e::Item>| -> Vec<_> {
            items
                .into_iter()
                .filter(|item| item.author_id == author.id)
                .map(|item| item.post_id)
                .collect()
        };
        let whole = wait_until("seven posts", ARRIVES, || async {
            let posts = own(viewer.feed_when_there().await?.items);
            if posts.len() == 7 {
                Ok(posts)
            } else {
                Err(format!("{} posts", posts.len()))
            }
        })
        .await;
        let first = viewer.page(0, 100).await.items;
        let mut pages = Vec::new();
        let mut offset = 0;
        while offset < first.len() + 20 {
            let page = viewer.page(offset, 3).await;
            assert!(page.items.len() <= 3);
            pages.extend(page.items);
            offset += 3;
        }
        let paged = own(pages);
        assert_eq!(paged, whole);
        assert!(
            viewer.page(10_000, 100).await.items.is_empty(),
            "past the end"
        );
    });
}
