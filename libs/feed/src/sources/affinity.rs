//! F3: the newest posts of the authors the viewer interacted with most.

use nova_domain::{Candidate, Source};
use nova_olap::Interactions;

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::features::interactions;
use crate::trace::Degraded;

/// Whom the viewer interacts with, which the affinity term needs as well, and then the posts of the closest. What took
/// both is the time of the source; without the first there is no second.
pub(super) async fn fetch<P>(
    asking: &Asking<'_, P>,
) -> (Attempt<Interactions>, Attempt<Vec<Candidate>>) {
    let interactions = interactions::fetch(asking).await;
    let posts = match &interactions.result {
        Err(outcome) => Attempt {
            result: Err(*outcome),
            took: interactions.took,
        },
        Ok(found) => {
            let posts = posts_of_closest(asking, found).await;
            Attempt {
                took: interactions.took + posts.took,
                ..posts
            }
        }
    };
    (interactions, posts)
}

/// The newest posts of the closest of these authors.
pub(super) async fn posts_of_closest<P>(
    asking: &Asking<'_, P>,
    interactions: &Interactions,
) -> Attempt<Vec<Candidate>> {
    let (context, ask) = (asking.context, asking.ask);
    let query = context.olap.posts_of_closest(
        ask.viewer,
        interactions,
        ask.now,
        context.config.affinity,
        context.config.authors,
        asking.budget.for_query(),
    );
    asking
        .clickhouse(Degraded::Source(Source::Affinity), query)
        .await
}
