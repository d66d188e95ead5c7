//! The viewer's interactions with each author; needs no candidates, so it is asked together with the sources.

use nova_olap::Interactions;

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::trace::Degraded;

pub(crate) async fn fetch<P>(asking: &Asking<'_, P>) -> Attempt<Interactions> {
    let (context, ask) = (asking.context, asking.ask);
    let query = context.olap.viewer_interactions(
        ask.viewer,
        ask.now,
        context.config.authors.interaction_days,
        asking.budget.for_query(),
    );
    asking.clickhouse(Degraded::Interactions, query).await
}
