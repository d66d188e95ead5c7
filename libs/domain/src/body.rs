//! What a post shows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{MediaType, UserId, Visibility};

/// What a post shows, whoever looks; its texts are within the limits of [`NewPost`](crate::NewPost), as they were when
/// it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostBody {
    /// Who wrote it.
    pub author_id: UserId,
    /// The text under it.
    pub caption: String,
    /// Where the media is.
    pub media_url: String,
    /// Kind of media.
    pub media_type: MediaType,
    /// Length in ms; 0 for a picture.
    pub duration_ms: u32,
    /// Who may see it.
    pub visibility: Visibility,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
}
