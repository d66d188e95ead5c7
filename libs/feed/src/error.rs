//! Why there is no feed.

use std::time::Duration;

use nova_social::SocialError;

/// The largest page.
pub const MAX_LIMIT: u32 = 100;

/// Why a feed could not be served.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The page asked for cannot exist; the caller's mistake.
    #[error("limit must be from 1 to {MAX_LIMIT}, not {given}")]
    Limit {
        /// What was asked for.
        given: u32,
    },
    /// Nothing can be served now; trying again later may help.
    #[error("the feed is unavailable")]
    Unavailable(#[from] Unavailable),
}

/// What was missing.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// All three sources failed or were late; each was logged.
    #[error("every candidate source failed or was late")]
    Sources,
    /// PostgreSQL did not say which posts the viewer may see, or what is in them.
    #[error("posts could not be read")]
    Posts(#[source] SocialError),
    /// The budget was used up.
    #[error("{during} did not end within the budget of {budget:?}")]
    Late {
        /// The step under way.
        during: &'static str,
        /// The budget of the whole feed.
        budget: Duration,
    },
}
