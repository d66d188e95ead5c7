//! Why there is no feed.

use std::sync::Arc;
use std::time::Duration;

use nova_social::SocialError;

use crate::cursor::CursorError;

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
    /// The cursor is none that this service gave to this viewer; the caller's mistake.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Nothing can be served now; trying again later may help.
    #[error("the feed is unavailable")]
    Unavailable(#[from] Unavailable),
}

/// What was missing. Cheap to clone: everybody who waited for one ranking gets it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unavailable {
    /// All three sources failed or were late; each was logged.
    #[error("every candidate source failed or was late")]
    Sources,
    /// PostgreSQL did not say which posts the viewer may see, or what is in them.
    #[error("posts could not be read")]
    Posts(#[source] Arc<SocialError>),
    /// A server is taken to be out and was not asked.
    #[error("{server} is left alone for a moment after it failed")]
    Resting {
        /// Which.
        server: &'static str,
    },
    /// As many rankings run and wait as may.
    #[error("too many feeds are being ranked")]
    Busy,
    /// The budget was used up.
    #[error("{during} did not end within the budget of {budget:?}")]
    Late {
        /// The step under way.
        during: &'static str,
        /// The budget of the whole feed.
        budget: Duration,
    },
    /// The task that ranked ended without an answer; its panic was logged.
    #[error("the ranking was lost")]
    Lost,
}

impl Unavailable {
    /// PostgreSQL's part.
    pub(crate) fn posts(error: SocialError) -> Self {
        Self::Posts(Arc::new(error))
    }
}
