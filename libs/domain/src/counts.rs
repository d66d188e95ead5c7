//! Absolute counts of a post: recounted from the facts, never incremented, each with the version that orders it.

use crate::PostId;

/// Likes and comments of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostCounts {
    /// The post.
    pub post: PostId,
    /// Likes that are not taken back.
    pub likes: u64,
    /// Comments that are not deleted.
    pub comments: u64,
    /// How much of the stream of changes the counts include: of two counts of a post, the one that includes more has
    /// the greater version, and equal versions are equal counts. 0 is below every count from the stream.
    pub version: u128,
}

/// What clients reported about a post in the last 90 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCounts {
    /// The post.
    pub post: PostId,
    /// How often it was shared.
    pub shares: u64,
    /// How often it was on a screen.
    pub impressions: u64,
    /// How often it was watched.
    pub views: u64,
    /// When the newest hour in it was recounted, milliseconds since 1970: later recounts include more. 0 is below every
    /// recount.
    pub version: u64,
}

impl EventCounts {
    /// Of a post that nobody has reported anything about: any recount is newer than that.
    #[must_use]
    pub const fn none(post: PostId) -> Self {
        Self {
            post,
            shares: 0,
            impressions: 0,
            views: 0,
            version: 0,
        }
    }
}
