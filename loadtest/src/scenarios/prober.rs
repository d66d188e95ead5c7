//! The prober: how long it takes from a like until the feed of somebody else shows it.
//!
//! Three users of its own and a post for followers only: nobody else can like it, so a count that moved has moved because
//! of the like that is waited for. The reads of the prober are not part of the measured feed reads, which they would
//! flatter.

use std::time::Duration;

use goose::goose::{GooseMethod, GooseUser};
use nova_domain::{PostId, UserId};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Run, second};
use crate::api::{Answer, Ask};
use crate::measurements::Measure;

/// Between two looks at the feed: how exactly the moment is known. A look costs the server a hit.
const RESOLUTION: Duration = Duration::from_millis(20);
/// A like that is not there by then has failed, and counts as having taken so long.
const LIMIT: Duration = Duration::from_secs(10);
/// For the comments to be counted, before the viewer's feed is ranked for the first time: a ranking counts for a minute, and one
/// that knows of no comments has other posts at its top.
const COUNTED: Duration = Duration::from_secs(5);
/// For the post to arrive at the top of the viewer's feed: more than a ranking counts and is served.
const ARRIVES: Duration = Duration::from_secs(100);
/// Comments under the post: they keep it at the top of the viewer's feed, whatever else is posted during the run.
const COMMENTS: usize = 10;

struct Stage {
    viewer: UserId,
    liker: UserId,
    author: UserId,
    post: PostId,
}

#[derive(Deserialize)]
struct Feed {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    post_id: PostId,
    counts: Counts,
}

#[derive(Deserialize)]
struct Counts {
    likes: u64,
}

/// Follows one like after the other until the run ends.
pub(crate) async fn probes(run: &Run, user: &mut GooseUser) {
    if run.probes <= 0.0 {
        return;
    }
    let stage = match set(run, user).await {
        Ok(stage) => stage,
        Err(error) => {
            run.recorder.broken(format!("the prober: {error}"));
            return;
        }
    };
    let gap = Duration::from_secs_f64(1.0 / run.probes);
    let mut next = run.begin.max(Instant::now());
    while next < run.measured_to() {
        sleep_until(next).await;
        let measured = Instant::now().checked_duration_since(run.measured_from());
        if let Err(error) = probe(run, user, &stage, measured).await
            && let Some(into) = measured
        {
            run.recorder
                .error(Measure::LikeVisible.name(), &error, second(into));
        }
        // A probe that took longer than the gap is followed by the next one at once; none are made up for.
        next = (next + gap).max(Instant::now());
    }
    let path = format!("/api/v1/posts/{}", stage.post);
    let _ = say(
        run,
        user,
        stage.author,
        Ask::new(GooseMethod::Delete, &path, "prober"),
    )
    .await;
}

/// Makes the users and the post, and waits until the viewer's feed has it.
async fn set(run: &Run, user: &mut GooseUser) -> Result<Stage, String> {
    let people = [UserId::generate(), UserId::generate(), UserId::generate()];
    for person in people {
        let handle: String = person.uuid().simple().to_string().split_off(12);
        let profile = json!({"handle": format!("nova_load_{handle}"), "display_name": "A probe"});
        let ask = Ask::new(GooseMethod::Put, "/api/v1/users/me", "prober").body(profile);
        say(run, user, person, ask).await?;
    }
    let [author, viewer, liker] = people;
    for follower in [viewer, liker] {
        let path = format!("/api/v1/users/{author}/follow");
        say(
            run,
            user,
            follower,
            Ask::new(GooseMethod::Put, &path, "prober"),
        )
        .await?;
    }
    let body = json!({
        "caption": "Watched by a probe", "media_url": "https://media.example/probe.mp4", "media_type": "video",
        "duration_ms": 15_000, "visibility": "followers",
    });
    let ask = Ask::new(GooseMethod::Post, "/api/v1/posts", "prober").body(body);
    let answer = say(run, user, author, ask).await?;
    #[derive(Deserialize)]
    struct Made {
        post_id: PostId,
    }
    let made: Made = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let post = made.post_id;
    for _ in 0..COMMENTS {
        let path = format!("/api/v1/posts/{post}/comments");
        let ask = Ask::new(GooseMethod::Post, &path, "prober").body(json!({"body": "Once more"}));
        say(run, user, viewer, ask).await?;
    }
    let stage = Stage {
        viewer,
        liker,
        author,
        post,
    };
    sleep(COUNTED).await;
    let begun = Instant::now();
    loop {
        let found = likes(run, user, &stage, None).await;
        match found {
            Ok(Some(0)) => return Ok(stage),
            _ if begun.elapsed() < ARRIVES => sleep(Duration::from_millis(250)).await,
            Ok(None) => return Err("its post does not reach its viewer's feed".to_owned()),
            Ok(Some(likes)) => {
                return Err(format!("its post has {likes} likes and nobody liked it"));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Likes and takes the like back, and waits for each in the viewer's feed.
async fn probe(
    run: &Run,
    user: &mut GooseUser,
    stage: &Stage,
    measured: Option<Duration>,
) -> Result<(), String> {
    let path = format!("/api/v1/posts/{}/like", stage.post);
    let begun = Instant::now();
    let like = Ask::new(GooseMethod::Put, &path, "prober");
    let asked = run.ask(user, stage.liker, like, measured).await;
    // A failed request has been counted as one.
    let liked = asked.answer.is_ok();
    let shown = match liked {
        true => shows(run, user, stage, 1, begun, measured).await,
        false => Ok(()),
    };
    if liked && measured.is_some() {
        let took = begun.elapsed();
        run.recorder.took(Measure::LikeVisible, took, took);
    }
    let begun = Instant::now();
    let unlike = Ask::new(GooseMethod::Delete, &path, "prober");
    let asked = run.ask(user, stage.liker, unlike, measured).await;
    if asked.answer.is_ok() {
        shows(run, user, stage, 0, begun, measured).await?;
    }
    shown
}

/// Waits until the feed shows so many likes.
async fn shows(
    run: &Run,
    user: &mut GooseUser,
    stage: &Stage,
    expected: u64,
    begun: Instant,
    measured: Option<Duration>,
) -> Result<(), String> {
    loop {
        // A read that fails has been counted; the next one tells.
        if let Ok(Some(found)) = likes(run, user, stage, measured).await
            && found == expected
        {
            return Ok(());
        }
        if begun.elapsed() >= LIMIT {
            return Err(format!("not visible within {} s", LIMIT.as_secs()));
        }
        sleep(RESOLUTION).await;
    }
}

/// The likes of the post in the viewer's feed; none when it is not there.
async fn likes(
    run: &Run,
    user: &mut GooseUser,
    stage: &Stage,
    measured: Option<Duration>,
) -> Result<Option<u64>, String> {
    let ask = Ask::new(GooseMethod::Get, "/api/v1/feed?limit=20", "prober");
    let asked = run.ask(user, stage.viewer, ask, measured).await;
    let feed: Feed =
        serde_json::from_slice(&asked.answer?.body).map_err(|error| error.to_string())?;
    let item = feed.items.iter().find(|item| item.post_id == stage.post);
    Ok(item.map(|item| item.counts.likes))
}

/// A request that is no part of the measurement.
async fn say(run: &Run, user: &mut GooseUser, who: UserId, ask: Ask<'_>) -> Result<Answer, String> {
    let path = ask.path.to_owned();
    let asked = run.ask(user, who, ask, None).await;
    asked.answer.map_err(|error| format!("{path}: {error}"))
}
