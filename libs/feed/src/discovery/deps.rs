//! What discovery works with.

use nova_cache::Cache;
use nova_olap::Olap;
use nova_ranking::FormulaConfig;
use nova_social::Social;

use super::config::SuggestConfig;
use super::popular::Popular;

/// The servers and numbers of discovery. Cheap to clone; clones share what is known of the most followed users.
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
    /// The most followed users, as this process knows them.
    pub popular: Popular,
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
