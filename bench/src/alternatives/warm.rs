//! Keeps the pages of all viewers, so that they are hits for a while.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hyper::StatusCode;
use nova_cache::keys;
use redis::Pipeline;
use tokio::time::{Instant, sleep, timeout};

use super::plan::Page;
use crate::feed::{Common, FIRST_PAGE, Viewer, is_hit};
use crate::http::Connection;
use crate::link;
use crate::measure::DEADLINE;

/// For so long after it was made a ranking is served and nothing else is done for it: at 45 s the next one is made ahead,
/// at 54 s the first pages are gone.
const COUNTS: Duration = Duration::from_secs(40);
/// Viewers at once.
const AT_ONCE: usize = 4;
/// Requests until one is a hit: the first ranks, the second notes where the walk is.
const TRIES: usize = 8;
/// After a request that was turned away.
const PAUSE: Duration = Duration::from_millis(500);

/// Since when the oldest of the pages is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Warmth(Instant);

impl Warmth {
    /// How much longer all of them are hits and nothing but hits.
    pub(super) fn left(self) -> Duration {
        COUNTS.saturating_sub(self.0.elapsed())
    }
}

/// Has every viewer ranked anew and reads each page until it is a hit. Gives the pages, in the order of the viewers.
pub(super) async fn warm(
    api: &str,
    viewers: &[Viewer],
    common: &Common,
) -> anyhow::Result<(Warmth, Vec<Page>)> {
    let warmth = Warmth(Instant::now());
    // A ranking that is kept already would be of unknown age.
    let mut forget = Pipeline::with_capacity(viewers.len());
    for viewer in viewers {
        forget.cmd("DEL").arg(keys::viewer(viewer.id));
    }
    link::ask(&mut common.redis.clone(), &forget)
        .await
        .context("forgetting rankings")?;
    let pages = stream::iter(viewers)
        .map(|viewer| page(api, viewer, common))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    ensure!(
        !warmth.left().is_zero(),
        "ranking for {} viewers took {:.0} s, longer than their pages are kept: ask for fewer --viewers",
        viewers.len(),
        warmth.0.elapsed().as_secs_f64()
    );
    Ok((warmth, pages))
}

async fn page(api: &str, viewer: &Viewer, common: &Common) -> anyhow::Result<Page> {
    let mut connection = Connection::to(api)?;
    let mut last = String::new();
    for _ in 0..TRIES {
        let asking = connection.get(FIRST_PAGE, Some(&viewer.authorization));
        let answer = timeout(DEADLINE, asking)
            .await
            .context("no answer in time")?;
        let answer = answer.map_err(anyhow::Error::msg)?;
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            // As many rankings as may be are under way, of the jobs too.
            "unavailable".clone_into(&mut last);
            sleep(PAUSE).await;
            continue;
        }
        if answer.status != StatusCode::OK {
            bail!("a feed: status {}", answer.status);
        }
        let (posts, degraded) = common
            .checks
            .page(&answer.body)
            .map_err(anyhow::Error::msg)?;
        if is_hit(&answer) && !degraded {
            let body = String::from_utf8(answer.body.to_vec()).context("a page")?;
            return Ok(Page {
                viewer: viewer.id,
                posts,
                body,
            });
        }
        last = if degraded { "degraded" } else { "no hit" }.to_owned();
    }
    bail!("after {TRIES} requests a feed is still {last}")
}
