//! What the rankings of a process share, for it is the same for every viewer.

use crate::sources::Trending;

/// What every ranking of the present may use. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    pub(crate) trending: Trending,
}
