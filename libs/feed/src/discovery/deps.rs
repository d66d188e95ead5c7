//! What discovery works with.

use nova_cache::Cache;
use nova_olap::Olap;
use nova_ranking::FormulaConfig;
use nova_social::Social;

use super::config::SuggestConfig;

/// The servers and numbers of discovery. Cheap to clone; holds no state of its own.
#[derive(Clone)]
pub struct Discovery {
    /// ClickHouse: what the lists are made from.
    pub olap: Olap,
    /// PostgreSQL: who may be shown.
    pub social: Social,
    /// Redis: the lists; without it they are computed for each request.
    pub cache: Option<Cache>,
    /// The formula of the hot score.
    pub formula: FormulaConfig,
    /// The numbers of suggestions.
    pub suggest: SuggestConfig,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery")
            .field("formula", &self.formula)
            .field("suggest", &self.suggest)
            .finish_non_exhaustive()
    }
}
