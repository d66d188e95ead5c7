//! The exact counts of the candidates.

use std::collections::HashMap;

use nova_domain::PostId;
use nova_olap::Olap;
use nova_ranking::Counts;

use crate::budget::{Attempt, Budget};
use crate::trace::Degraded;

/// A post that ClickHouse has no facts of is missing; nobody has touched it.
pub(crate) async fn fetch(
    olap: &Olap,
    posts: &[PostId],
    budget: &Budget,
) -> Attempt<HashMap<PostId, Counts>> {
    Attempt::of(
        Degraded::Counts,
        olap.ranking_counts(posts, budget.for_query()),
    )
    .await
}
