//! F1: the newest posts of the authors the viewer follows.

use nova_domain::{Candidate, Source};

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::trace::Degraded;

pub(super) async fn fetch<P>(asking: &Asking<'_, P>) -> Attempt<Vec<Candidate>> {
    let (context, ask) = (asking.context, asking.ask);
    let query = context.olap.follow_candidates(
        ask.viewer,
        ask.now,
        context.config.follow,
        asking.budget.for_query(),
    );
    asking
        .clickhouse(Degraded::Source(Source::Follow), query)
        .await
}
