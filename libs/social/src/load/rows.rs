//! The rows, field by field. The others are those of [`crate::bulk`].

use chrono::{DateTime, Utc};
use nova_domain::{CommentBody, CommentId, PostId, UserId};

use super::copy::{CopyRow, CopyTable, Fields};
use crate::bulk::{FollowRow, PostRow, UserRow};

/// A like with its post's author: nobody looks it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthoredLike {
    /// The post.
    pub post_id: PostId,
    /// Who likes it.
    pub user_id: UserId,
    /// The post's author.
    pub author_id: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A comment with its post's author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthoredComment {
    /// Primary key.
    pub comment_id: CommentId,
    /// The post.
    pub post_id: PostId,
    /// Who says it.
    pub user_id: UserId,
    /// The post's author.
    pub author_id: UserId,
    /// The text.
    pub body: CommentBody,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl CopyRow for UserRow {
    const TABLE: CopyTable = CopyTable::Users;
    const FIELDS: i16 = 5;

    fn put(&self, fields: &mut Fields<'_>) {
        fields
            .uuid(self.user_id)
            .text(self.handle.as_str())
            .text(self.display_name.as_str())
            .time(self.created_at)
            .time(self.created_at);
    }
}

impl CopyRow for PostRow {
    const TABLE: CopyTable = CopyTable::Posts;
    const FIELDS: i16 = 10;

    fn put(&self, fields: &mut Fields<'_>) {
        fields
            .uuid(self.post_id)
            .uuid(self.author_id)
            .text(self.caption.as_str())
            .text(self.media_url.as_str())
            .text(self.media_type.as_str())
            .integer(self.duration_ms)
            .text(self.visibility.as_str())
            .time(self.created_at)
            .time(self.created_at)
            .time_or_null(self.deleted_at);
    }
}

impl CopyRow for FollowRow {
    const TABLE: CopyTable = CopyTable::Follows;
    const FIELDS: i16 = 3;

    fn put(&self, fields: &mut Fields<'_>) {
        fields
            .uuid(self.follower_id)
            .uuid(self.followee_id)
            .time(self.created_at);
    }
}

impl CopyRow for AuthoredLike {
    const TABLE: CopyTable = CopyTable::Likes;
    const FIELDS: i16 = 4;

    fn put(&self, fields: &mut Fields<'_>) {
        fields
            .uuid(self.post_id)
            .uuid(self.user_id)
            .uuid(self.author_id)
            .time(self.created_at);
    }
}

impl CopyRow for AuthoredComment {
    const TABLE: CopyTable = CopyTable::Comments;
    const FIELDS: i16 = 6;

    fn put(&self, fields: &mut Fields<'_>) {
        fields
            .uuid(self.comment_id)
            .uuid(self.post_id)
            .uuid(self.user_id)
            .uuid(self.author_id)
            .text(self.body.as_str())
            .time(self.created_at);
    }
}
