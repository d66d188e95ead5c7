//! Writers: likes of what viewers have seen, and posts.

use goose::goose::{GooseMethod, GooseUser};
use nova_domain::{PostId, UserId};
use serde_json::json;

use super::Run;
use crate::api::Ask;
use crate::arrivals::{Due, Write};
use crate::measurements::{Flow, Measure};

/// Serves writes until there are no more.
pub(crate) async fn writes(run: &Run, user: &mut GooseUser) {
    while let Some(due) = run.queues.writes.next(&run.recorder).await {
        let flow = match due.what {
            Write::Like { viewer, seed } => {
                like(run, user, viewer, seed, &due).await;
                Flow::Likes
            }
            Write::Post { author } => {
                post(run, user, author, &due).await;
                Flow::Posts
            }
        };
        if due.measured.is_some() {
            run.recorder.done(flow);
        }
    }
}

/// The oldest wish comes true; when nobody wishes anything, `viewer` likes a recent post.
async fn like(run: &Run, user: &mut GooseUser, viewer: UserId, seed: u64, due: &Due<Write>) {
    let wish = run.wishes.take().or_else(|| {
        let post = recent(&run.posts, seed)?;
        Some((viewer, post))
    });
    let Some((viewer, post)) = wish else { return };
    let path = format!("/api/v1/posts/{post}/like");
    let ask = Ask::new(GooseMethod::Put, &path, "like");
    run.timed(user, viewer, ask, Measure::Like, due.at, due.measured)
        .await;
}

async fn post(run: &Run, user: &mut GooseUser, author: UserId, due: &Due<Write>) {
    let body = json!({
        "caption": "Posted under load", "media_url": "https://media.example/load.mp4", "media_type": "video",
        "duration_ms": 15_000, "visibility": "public",
    });
    let ask = Ask::new(GooseMethod::Post, "/api/v1/posts", "post")
        .body(body)
        .key();
    run.timed(user, author, ask, Measure::Post, due.at, due.measured)
        .await;
}

fn recent(posts: &[PostId], seed: u64) -> Option<PostId> {
    let count = u64::try_from(posts.len()).ok().filter(|count| *count > 0)?;
    let index = usize::try_from(seed % count).ok()?;
    posts.get(index).copied()
}
