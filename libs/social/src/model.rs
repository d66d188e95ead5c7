//! What the social graph answers.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use nova_domain::{CommentId, MediaType, PostId, UserId, Visibility};
use serde::{Deserialize, Serialize};

/// A user's profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// Who.
    pub user_id: UserId,
    /// The unique name, folded to lower case.
    pub handle: String,
    /// The name shown to people.
    pub display_name: String,
    /// When the profile was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A post as one viewer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Post))]
pub struct PostView {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// The text under the video.
    pub caption: String,
    /// Where the media is.
    pub media_url: String,
    /// Kind of media.
    pub media_type: MediaType,
    /// Length in milliseconds; 0 for a picture.
    pub duration_ms: u32,
    /// Who may see it.
    pub visibility: Visibility,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
    /// Whether the viewer likes it.
    pub liked: bool,
}

/// What one viewer may see of a post, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostVerdict {
    /// Whether the viewer may see it; the other fields name the reason if not.
    pub visible: bool,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Whether there is a block between viewer and author, whoever made it.
    pub blocked: bool,
    /// Whether the viewer likes it.
    pub liked: bool,
    /// Who else may see it.
    pub visibility: Visibility,
}

/// What one viewer may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// The posts asked for; those that never existed are missing.
    pub posts: HashMap<PostId, PostVerdict>,
    /// Everybody whom the viewer has blocked or who has blocked the viewer. None when they are too many to be kept
    /// (more than 10,000): no smaller set would be true.
    pub blocks: Option<HashSet<UserId>>,
}

/// A comment on a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comment {
    /// The comment.
    pub comment_id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// Who wrote it.
    pub user_id: UserId,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// A position in the comments of a post, which are listed newest first: what comes after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommentCursor {
    /// When the last comment of the page before was written; to the microsecond.
    pub created_at: DateTime<Utc>,
    /// That comment.
    pub comment_id: CommentId,
}

/// A page of comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentPage {
    /// Newest first.
    pub comments: Vec<Comment>,
    /// Where the next page starts; none when this is the last.
    pub next: Option<CommentCursor>,
}

/// Something a request made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T> {
    /// What was made.
    pub value: T,
    /// Whether an earlier request with the same idempotency key made it.
    pub replayed: bool,
}
