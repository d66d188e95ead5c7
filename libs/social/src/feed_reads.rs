//! What the feed and the events ask.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use nova_domain::{Candidate, PostId, UserId, Visibility};
use uuid::Uuid;

use crate::error::SocialError;
use crate::model::{PostVerdict, PostView, Verdicts};
use crate::social::Social;

#[derive(sqlx::FromRow)]
struct PostRow {
    post_id: Uuid,
    author_id: Uuid,
    caption: String,
    media_url: String,
    media_type: String,
    duration_ms: i32,
    visibility: String,
    created_at: DateTime<Utc>,
    liked: bool,
}

impl TryFrom<PostRow> for PostView {
    type Error = SocialError;

    fn try_from(row: PostRow) -> Result<Self, SocialError> {
        Ok(Self {
            post_id: row.post_id.into(),
            author_id: row.author_id.into(),
            caption: row.caption,
            media_url: row.media_url,
            media_type: row
                .media_type
                .parse()
                .map_err(|e| column("media_type", Box::new(e)))?,
            duration_ms: row
                .duration_ms
                .try_into()
                .map_err(|e| column("duration_ms", Box::new(e)))?,
            visibility: visibility(&row.visibility)?,
            created_at: row.created_at,
            liked: row.liked,
        })
    }
}

fn visibility(word: &str) -> Result<Visibility, SocialError> {
    word.parse().map_err(|e| column("visibility", Box::new(e)))
}

/// Check constraints keep words and numbers that cannot be read out of the tables.
fn column(index: &str, source: sqlx::error::BoxDynError) -> SocialError {
    SocialError::Database(sqlx::Error::ColumnDecode {
        index: index.to_owned(),
        source,
    })
}

#[derive(sqlx::FromRow)]
struct VerdictRow {
    post_id: Uuid,
    visible: bool,
    deleted: bool,
    blocked: bool,
    liked: bool,
    visibility: String,
}

#[derive(sqlx::FromRow)]
struct CandidateRow {
    post_id: Uuid,
    author_id: Uuid,
    created_at: DateTime<Utc>,
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Self {
        Self {
            post_id: row.post_id.into(),
            author_id: row.author_id.into(),
            created_at: row.created_at,
        }
    }
}

/// Whoever is in more blocks than this has their whole set read by nobody: see [`Verdicts::blocks`].
const MAX_BLOCKS: usize = 10_000;

impl Social {
    /// Which of these posts `viewer` may see: existing, not deleted, public or the viewer's own or for followers of whom
    /// the viewer is one, and no block between viewer and author in either direction.
    ///
    /// One query; a few look-ups by primary key for each post.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn visible_posts(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<HashSet<PostId>, SocialError> {
        if posts.is_empty() {
            return Ok(HashSet::new());
        }
        self.within(async {
            let visible: Vec<Uuid> = sqlx::query_scalar(include_str!("../sql/visible_posts.sql"))
                .bind(viewer.uuid())
                .bind(uuids(posts))
                .fetch_all(&self.pool)
                .await?;
            Ok(visible.into_iter().map(PostId::from).collect())
        })
        .await
    }

    /// The content of posts for `viewer`, in the order given. Posts that `viewer` may not see (see
    /// [`Social::visible_posts`]) are left out.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn hydrate(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<Vec<PostView>, SocialError> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        self.within(async {
            let rows: Vec<PostRow> = sqlx::query_as(include_str!("../sql/hydrate.sql"))
                .bind(viewer.uuid())
                .bind(uuids(posts))
                .fetch_all(&self.pool)
                .await?;
            rows.into_iter().map(PostView::try_from).collect()
        })
        .await
    }

    /// What `viewer` may see of these posts and why not, whether `viewer` likes them, and everybody blocked either way.
    ///
    /// Two queries in parallel. Per post a few look-ups by primary key: 900 posts among 200,000 take 6 ms.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn verdicts(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<Verdicts, SocialError> {
        self.within(async {
            let (rows, blocked) =
                tokio::try_join!(self.verdict_rows(viewer, posts), self.blocked_users(viewer))?;
            let verdict = |row: VerdictRow| {
                let visibility = visibility(&row.visibility)?;
                let verdict = PostVerdict {
                    visible: row.visible,
                    deleted: row.deleted,
                    blocked: row.blocked,
                    liked: row.liked,
                    visibility,
                };
                Ok((PostId::new(row.post_id), verdict))
            };
            Ok(Verdicts {
                posts: rows
                    .into_iter()
                    .map(verdict)
                    .collect::<Result<_, SocialError>>()?,
                blocks: blocked,
            })
        })
        .await
    }

    async fn verdict_rows(
        &self,
        viewer: UserId,
        posts: &[PostId],
    ) -> Result<Vec<VerdictRow>, SocialError> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        Ok(sqlx::query_as(include_str!("../sql/verdicts.sql"))
            .bind(viewer.uuid())
            .bind(uuids(posts))
            .fetch_all(&self.pool)
            .await?)
    }

    /// None when there are more than [`MAX_BLOCKS`].
    async fn blocked_users(&self, viewer: UserId) -> Result<Option<HashSet<UserId>>, SocialError> {
        let blocked: Vec<Uuid> = sqlx::query_scalar(include_str!("../sql/blocked_users.sql"))
            .bind(viewer.uuid())
            .bind(i64::try_from(MAX_BLOCKS + 1).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        let whole = blocked.len() <= MAX_BLOCKS;
        Ok(whole.then(|| blocked.into_iter().map(UserId::from).collect()))
    }

    /// The newest posts of the authors whom `viewer` follows, later than `since` and not later than `until`, newest
    /// first, at most `limit`: a feed without ClickHouse. [`Social::hydrate`] decides what of it may be shown.
    ///
    /// One query; one range of an index per followee: 2,000 followees take 25 ms.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn follow_feed(
        &self,
        viewer: UserId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Candidate>, SocialError> {
        self.within(async {
            let rows: Vec<CandidateRow> = sqlx::query_as(include_str!("../sql/follow_feed.sql"))
                .bind(viewer.uuid())
                .bind(since)
                .bind(until)
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
            Ok(rows.into_iter().map(Candidate::from).collect())
        })
        .await
    }

    /// The newest posts of these authors that their followers may see, later than `since` and not later than `until`,
    /// newest first, at most `limit`.
    ///
    /// One query; one range of an index per author.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn recent_posts_of(
        &self,
        authors: &[UserId],
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Candidate>, SocialError> {
        if authors.is_empty() {
            return Ok(Vec::new());
        }
        self.within(async {
            let authors: Vec<Uuid> = authors.iter().map(|author| author.uuid()).collect();
            let rows: Vec<CandidateRow> =
                sqlx::query_as(include_str!("../sql/recent_posts_of.sql"))
                    .bind(authors)
                    .bind(since)
                    .bind(until)
                    .bind(i64::from(limit))
                    .fetch_all(&self.pool)
                    .await?;
            Ok(rows.into_iter().map(Candidate::from).collect())
        })
        .await
    }

    /// Who wrote these posts, deleted ones too. Posts that never existed are missing in the answer.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn post_authors(
        &self,
        posts: &[PostId],
    ) -> Result<HashMap<PostId, UserId>, SocialError> {
        if posts.is_empty() {
            return Ok(HashMap::new());
        }
        self.within(async {
            let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(include_str!("../sql/post_authors.sql"))
                .bind(uuids(posts))
                .fetch_all(&self.pool)
                .await?;
            Ok(rows
                .into_iter()
                .map(|(post, author)| (post.into(), author.into()))
                .collect())
        })
        .await
    }

    /// Which of these users have a profile.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached in time.
    pub async fn known_users(&self, users: &[UserId]) -> Result<HashSet<UserId>, SocialError> {
        if users.is_empty() {
            return Ok(HashSet::new());
        }
        self.within(async {
            let known: Vec<Uuid> = sqlx::query_scalar(include_str!("../sql/known_users.sql"))
                .bind(users.iter().map(|u| u.uuid()).collect::<Vec<_>>())
                .fetch_all(&self.pool)
                .await?;
            Ok(known.into_iter().map(UserId::from).collect())
        })
        .await
    }
}

fn uuids(posts: &[PostId]) -> Vec<Uuid> {
    posts.iter().map(|p| p.uuid()).collect()
}
