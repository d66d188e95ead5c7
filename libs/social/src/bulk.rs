//! Idempotent inserts of many rows at once, for importers.
//!
//! Every function takes a batch and answers for each row, in order, what became of it. A row that exists is left as it
//! is; a row that refers to something missing is told, never written. One statement and one transaction a batch:
//! repeating a batch, or all of them, changes nothing. Batches of a few thousand rows are a good size.

use chrono::{DateTime, Utc};
use nova_domain::{
    Caption, CommentBody, CommentId, DisplayName, Handle, MediaType, MediaUrl, PostId, UserId,
    Visibility,
};
use sqlx::{ConnectOptions as _, PgPool};
use uuid::Uuid;

/// What became of one row of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Inserted; when only checking: would be.
    Written,
    /// A row of the same key exists, or stood earlier in the batch. It was left as it is.
    Present,
    /// It refers to a post that does not exist.
    MissingPost,
    /// It refers to a user who does not exist.
    MissingUser,
    /// Another user has the handle.
    HandleTaken,
}

/// Whether a batch is written, or only answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is written; the answers are those that [`Mode::Write`] would give.
    Check,
    /// The rows are inserted.
    Write,
}

/// Why a batch failed as a whole; nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// PostgreSQL refused, or could not be reached.
    #[error("PostgreSQL did not take the batch")]
    Database(#[from] sqlx::Error),
    /// The statement answered something this release does not know.
    #[error("unknown outcome `{0}` of a bulk insert")]
    UnknownOutcome(String),
    /// The statement did not answer for each row.
    #[error("{answers} answers to a batch of {rows} rows")]
    Answers {
        /// Rows given.
        rows: usize,
        /// Rows answered.
        answers: usize,
    },
}

/// A user to insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Primary key.
    pub user_id: UserId,
    /// Unique.
    pub handle: Handle,
    /// Shown to people.
    pub display_name: DisplayName,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

/// A follow to insert; the two must differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowRow {
    /// Who follows.
    pub follower_id: UserId,
    /// Who is followed.
    pub followee_id: UserId,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// A post to insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostRow {
    /// Primary key.
    pub post_id: PostId,
    /// Must exist.
    pub author_id: UserId,
    /// The text under the video.
    pub caption: Caption,
    /// Where the media is.
    pub media_url: MediaUrl,
    /// Kind of media.
    pub media_type: MediaType,
    /// Length in milliseconds, at most [`nova_domain::MAX_DURATION_MS`].
    pub duration_ms: u32,
    /// Who may see it.
    pub visibility: Visibility,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
    /// When it was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A like to insert; the post's author is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LikeRow {
    /// Must exist.
    pub post_id: PostId,
    /// Must exist.
    pub user_id: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A comment to insert; the post's author is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRow {
    /// Primary key.
    pub comment_id: CommentId,
    /// Must exist.
    pub post_id: PostId,
    /// Must exist.
    pub user_id: UserId,
    /// The text.
    pub body: CommentBody,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What a client event needs to know of its post and user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTarget {
    /// The post's author; none when there is no such post.
    pub author_id: Option<UserId>,
    /// Whether the user exists.
    pub user_known: bool,
}

/// Bulk access to the social graph.
#[derive(Debug, Clone)]
pub struct Bulk {
    pool: PgPool,
}

impl Bulk {
    /// Uses this pool; each call takes one connection of it. Connections made from now on do not log their statements:
    /// a batch may take as long as it takes.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let options = pool.connect_options().as_ref().clone();
        pool.set_connect_options(options.disable_statement_logging());
        Self { pool }
    }

    /// Inserts users.
    ///
    /// # Errors
    /// [`BulkError`]; nothing of the batch was written.
    pub async fn users(&self, mode: Mode, rows: &[UserRow]) -> Result<Vec<Outcome>, BulkError> {
        let answers = sqlx::query_scalar(include_str!("bulk/users.sql"))
            .bind(uuids(rows, |r| r.user_id))
            .bind(texts(rows, |r| r.handle.as_str()))
            .bind(texts(rows, |r| r.display_name.as_str()))
            .bind(times(rows, |r| r.created_at))
            .bind(mode == Mode::Write)
            .fetch_all(&self.pool)
            .await?;
        outcomes(rows.len(), answers)
    }

    /// Inserts follows.
    ///
    /// # Errors
    /// [`BulkError`]; nothing of the batch was written.
    pub async fn follows(&self, mode: Mode, rows: &[FollowRow]) -> Result<Vec<Outcome>, BulkError> {
        let answers = sqlx::query_scalar(include_str!("bulk/follows.sql"))
            .bind(uuids(rows, |r| r.follower_id))
            .bind(uuids(rows, |r| r.followee_id))
            .bind(times(rows, |r| r.created_at))
            .bind(mode == Mode::Write)
            .fetch_all(&self.pool)
            .await?;
        outcomes(rows.len(), answers)
    }

    /// Inserts posts.
    ///
    /// # Errors
    /// [`BulkError`]; nothing of the batch was written.
    pub async fn posts(&self, mode: Mode, rows: &[PostRow]) -> Result<Vec<Outcome>, BulkError> {
        let durations: Vec<i32> = rows
            .iter()
            .map(|r| i32::try_from(r.duration_ms).unwrap_or(i32::MAX))
            .collect();
        let deleted: Vec<Option<DateTime<Utc>>> = rows.iter().map(|r| r.deleted_at).collect();
        let answers = sqlx::query_scalar(include_str!("bulk/posts.sql"))
            .bind(uuids(rows, |r| r.post_id))
            .bind(uuids(rows, |r| r.author_id))
            .bind(texts(rows, |r| r.caption.as_str()))
            .bind(texts(rows, |r| r.media_url.as_str()))
            .bind(texts(rows, |r| r.media_type.as_str()))
            .bind(durations)
            .bind(texts(rows, |r| r.visibility.as_str()))
            .bind(times(rows, |r| r.created_at))
            .bind(deleted)
            .bind(mode == Mode::Write)
            .fetch_all(&self.pool)
            .await?;
        outcomes(rows.len(), answers)
    }

    /// Inserts likes.
    ///
    /// # Errors
    /// [`BulkError`]; nothing of the batch was written.
    pub async fn likes(&self, mode: Mode, rows: &[LikeRow]) -> Result<Vec<Outcome>, BulkError> {
        let answers = sqlx::query_scalar(include_str!("bulk/likes.sql"))
            .bind(uuids(rows, |r| r.post_id))
            .bind(uuids(rows, |r| r.user_id))
            .bind(times(rows, |r| r.created_at))
            .bind(mode == Mode::Write)
            .fetch_all(&self.pool)
            .await?;
        outcomes(rows.len(), answers)
    }

    /// Inserts comments.
    ///
    /// # Errors
    /// [`BulkError`]; nothing of the batch was written.
    pub async fn comments(
        &self,
        mode: Mode,
        rows: &[CommentRow],
    ) -> Result<Vec<Outcome>, BulkError> {
        let answers = sqlx::query_scalar(include_str!("bulk/comments.sql"))
            .bind(uuids(rows, |r| r.comment_id))
            .bind(uuids(rows, |r| r.post_id))
            .bind(uuids(rows, |r| r.user_id))
            .bind(texts(rows, |r| r.body.as_str()))
            .bind(times(rows, |r| r.created_at))
            .bind(mode == Mode::Write)
            .fetch_all(&self.pool)
            .await?;
        outcomes(rows.len(), answers)
    }

    /// Looks up what events on these posts by these users need, in order.
    ///
    /// # Errors
    /// [`BulkError`].
    pub async fn event_targets(
        &self,
        pairs: &[(PostId, UserId)],
    ) -> Result<Vec<EventTarget>, BulkError> {
        let answers: Vec<(Option<Uuid>, bool)> =
            sqlx::query_as(include_str!("bulk/event_targets.sql"))
                .bind(uuids(pairs, |p| p.0))
                .bind(uuids(pairs, |p| p.1))
                .fetch_all(&self.pool)
                .await?;
        if answers.len() != pairs.len() {
            return Err(BulkError::Answers {
                rows: pairs.len(),
                answers: answers.len(),
            });
        }
        Ok(answers
            .into_iter()
            .map(|(author_id, user_known)| EventTarget {
                author_id: author_id.map(UserId::new),
                user_known,
            })
            .collect())
    }

    /// When those of these users and posts that exist were created.
    ///
    /// # Errors
    /// [`BulkError`].
    pub async fn created_at(
        &self,
        users: &[UserId],
        posts: &[PostId],
    ) -> Result<Vec<(Uuid, DateTime<Utc>)>, BulkError> {
        Ok(sqlx::query_as(include_str!("bulk/first_times.sql"))
            .bind(uuids(users, |u| *u))
            .bind(uuids(posts, |p| *p))
            .fetch_all(&self.pool)
            .await?)
    }
}

fn uuids<R, I: Into<Uuid>>(rows: &[R], id: impl Fn(&R) -> I) -> Vec<Uuid> {
    rows.iter().map(|row| id(row).into()).collect()
}

fn texts<R>(rows: &[R], text: impl Fn(&R) -> &str) -> Vec<&str> {
    rows.iter().map(text).collect()
}

fn times<R>(rows: &[R], time: impl Fn(&R) -> DateTime<Utc>) -> Vec<DateTime<Utc>> {
    rows.iter().map(time).collect()
}

fn outcomes(rows: usize, answers: Vec<String>) -> Result<Vec<Outcome>, BulkError> {
    if answers.len() != rows {
        return Err(BulkError::Answers {
            rows,
            answers: answers.len(),
        });
    }
    answers
        .into_iter()
        .map(|word| match word.as_str() {
            "written" => Ok(Outcome::Written),
            "present" => Ok(Outcome::Present),
            "missing_post" => Ok(Outcome::MissingPost),
            "missing_user" => Ok(Outcome::MissingUser),
            "handle_taken" => Ok(Outcome::HandleTaken),
            _ => Err(BulkError::UnknownOutcome(word)),
        })
        .collect()
}
