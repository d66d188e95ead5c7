//! What the viewer has seen lately; needs no candidates, so it is asked together with the sources.

use std::collections::HashSet;

use nova_domain::PostId;

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::trace::Degraded;

/// Posts seen last, at most: more than anybody looks at in two days, and 80 kB.
const MOST_POSTS: u32 = 5_000;

/// None when the configuration does not ask for it.
pub(crate) async fn fetch<P>(asking: &Asking<'_, P>) -> Option<Attempt<HashSet<PostId>>> {
    let (context, ask) = (asking.context, asking.ask);
    let filters = context.config.filters;
    if !filters.seen {
        return None;
    }
    let query = context.olap.viewer_impressions(
        ask.viewer,
        ask.now,
        filters.seen_hours,
        MOST_POSTS,
        asking.budget.for_query(),
    );
    Some(asking.clickhouse(Degraded::Seen, query).await)
}
