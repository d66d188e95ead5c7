//! Why there is no list.

use std::time::Duration;

use nova_social::SocialError;

/// The most users suggested at once.
pub const MAX_SUGGESTED: u32 = 20;

/// The most trending posts shown at once.
pub const MAX_TRENDING: u32 = 100;

/// Why a list could not be served.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// A list of this length cannot be asked for; the caller's mistake.
    #[error("limit must be from 1 to {max}, not {given}")]
    Limit {
        /// What was asked for.
        given: u32,
        /// The most.
        max: u32,
    },
    /// PostgreSQL did not say who may be shown. Nobody is shown on a guess: a list may be older than a block.
    #[error("who may be shown could not be read")]
    Social(#[from] SocialError),
    /// The budget was used up.
    #[error("no answer within the budget of {budget:?}")]
    Late {
        /// The budget.
        budget: Duration,
    },
}

/// Checks a limit.
pub(crate) fn check_limit(given: u32, max: u32) -> Result<usize, DiscoveryError> {
    if !(1..=max).contains(&given) {
        return Err(DiscoveryError::Limit { given, max });
    }
    // At most 100.
    Ok(usize::try_from(given).unwrap_or(usize::MAX))
}
