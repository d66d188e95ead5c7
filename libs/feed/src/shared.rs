//! What a ranking need not ask again: what is the same for every viewer, and what was found for the viewer's last one.

use crate::sources::{Kept, Trending};

/// Room for what was found for last rankings where nobody says how much: 500 viewers with long lists.
const KEPT_BYTES: u64 = 16 * 1024 * 1024;

/// What every ranking of the present may use. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Shared {
    pub(crate) trending: Trending,
    pub(crate) kept: Kept,
}

impl Shared {
    /// With room for so many bytes of what was found for last rankings.
    #[must_use]
    pub fn new(kept_bytes: u64) -> Self {
        Self {
            trending: Trending::default(),
            kept: Kept::new(kept_bytes),
        }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(KEPT_BYTES)
    }
}
