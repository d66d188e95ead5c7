//! F2: what everybody engages with most.

use nova_domain::{Candidate, Source};

use crate::asking::Asking;
use crate::budget::Attempt;
use crate::trace::Degraded;

pub(super) async fn fetch<P>(asking: &Asking<'_, P>) -> Attempt<Vec<Candidate>> {
    let config = asking.context.config;
    let query = asking.context.olap.trending_candidates(
        asking.ask.now,
        config.trending,
        &config.formula,
        asking.budget.for_query(),
    );
    asking
        .clickhouse(Degraded::Source(Source::Trending), query)
        .await
}
