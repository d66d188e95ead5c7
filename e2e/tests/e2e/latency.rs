//! From a like to somebody else's feed, measured.

use std::time::{Duration, Instant};

use nova_e2e::{Latencies, exclusive, poll_until, run, say};

use crate::{ARRIVES, LIKE_TO_FEED};

const LIKES: usize = 40;

/// Between two looks at the feed: a user may ask a hundred times a second.
const RESOLUTION: Duration = Duration::from_millis(15);

#[test]
fn a_like_shows_in_the_feed_of_another_user_within_the_limit() {
    run(async {
        let world = exclusive().await;
        let author = world.person().await;
        let viewer = world.person().await;
        let likers = world.people(LIKES).await;
        viewer.follow(author.id).await;
        let post = author.post("measured").await;
        viewer.sees(post, true, ARRIVES).await;

        let mut latencies = Latencies::default();
        for (before, liker) in likers.iter().enumerate() {
            let expected = u64::try_from(before).unwrap() + 1;
            let started = Instant::now();
            liker.like(post).await;
            let seen = poll_until("the like in the feed", RESOLUTION, LIKE_TO_FEED, || async {
                let likes = viewer
                    .feed_when_there()
                    .await?
                    .item(post)
                    .map(|item| item.counts.likes);
                if likes == Some(expected) {
                    Ok(started.elapsed())
                } else {
                    Err(format!("{likes:?} likes of {expected}"))
                }
            })
            .await;
            latencies.add(seen);
        }
        say(&format!(
            "like to feed: {latencies} (goal p95 < 500 ms, limit 5 s)"
        ));
        assert!(latencies.max() <= LIKE_TO_FEED, "{latencies}");
        assert!(latencies.quantile(0.5) > Duration::ZERO);
    });
}
