//! What a job is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use crate::error::JobError;
use crate::run::Run;

/// The jobs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobName {
    /// Makes `hot:posts:1h`.
    HotPostGenerator,
    /// Makes `suggest:users:{user}` for the active users.
    SuggestedUsersGenerator,
    /// Ranks the feeds of the most active users before they ask.
    FeedCacheWarmer,
    /// Measures how long a like takes to be seen.
    FreshnessProbe,
}

/// A name that no job has; the text lists those there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no job `{given}`; there are {}", JobName::ALL.map(JobName::as_str).join(", "))]
pub struct UnknownJob {
    given: String,
}

impl JobName {
    /// Each of them.
    pub const ALL: [Self; 4] = [
        Self::HotPostGenerator,
        Self::SuggestedUsersGenerator,
        Self::FeedCacheWarmer,
        Self::FreshnessProbe,
    ];

    /// The name that operators know, in metrics and keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HotPostGenerator => "HotPostGenerator",
            Self::SuggestedUsersGenerator => "SuggestedUsersGenerator",
            Self::FeedCacheWarmer => "FeedCacheWarmer",
            Self::FreshnessProbe => "FreshnessProbe",
        }
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobName {
    type Err = UnknownJob;

    fn from_str(text: &str) -> Result<Self, UnknownJob> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownJob {
                given: text.chars().take(64).collect(),
            })
    }
}

/// One run under way.
pub type JobFuture<'a> = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send + 'a>>;

/// Work that is done again and again. A run may be dropped at any await: at its deadline, when the lock is lost, when the
/// process stops. What it has written by then must be whole.
pub trait Job: Send + Sync {
    /// Which job it is.
    fn name(&self) -> JobName;

    /// Does it once.
    fn run<'a>(&'a self, run: &'a Run) -> JobFuture<'a>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_known_by_its_name() {
        for name in JobName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(name.as_str().to_lowercase().parse(), Ok(name));
        }
        assert_eq!(
            "Sweeper".parse::<JobName>().unwrap_err().to_string(),
            "there is no job `Sweeper`; there are HotPostGenerator, SuggestedUsersGenerator, FeedCacheWarmer, FreshnessProbe"
        );
    }
}
