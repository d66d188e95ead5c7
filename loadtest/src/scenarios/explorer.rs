//! Explorers: whom to follow, what is trending.

use goose::goose::{GooseMethod, GooseUser};

use super::Run;
use crate::api::Ask;
use crate::arrivals::Look;
use crate::measurements::{Flow, Measure};

/// Serves looks around until there are no more.
pub(crate) async fn explores(run: &Run, user: &mut GooseUser) {
    while let Some(due) = run.queues.looks.next(&run.recorder).await {
        let (viewer, path, measure, flow) = match due.what {
            Look::Suggested(viewer) => (
                viewer,
                "/api/v1/discover/suggested-users",
                Measure::Suggested,
                Flow::Suggested,
            ),
            Look::Trending(viewer) => (
                viewer,
                "/api/v1/discover/trending",
                Measure::Trending,
                Flow::Trending,
            ),
        };
        let ask = Ask::new(GooseMethod::Get, path, measure.name());
        run.timed(user, viewer, ask, measure, due.at, due.measured)
            .await;
        if due.measured.is_some() {
            run.recorder.done(flow);
        }
    }
}
