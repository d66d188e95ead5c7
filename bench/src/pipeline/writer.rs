//! Likes as rows of PostgreSQL.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use nova_domain::{PostId, UserId};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};
use uuid::Uuid;

use super::likes::{Like, Target};
use super::markers::Marker;

/// Connections for what is done beside measuring.
const POOL: u32 = 6;
/// Users among whom one is looked for who does not like a post yet.
const USERS: usize = 1_000;

/// Some connections to PostgreSQL. Statements are slow when the machine is full, which is no news here.
pub(crate) async fn connect(postgres: &str) -> anyhow::Result<PgPool> {
    connect_with(postgres.parse().context("the address of PostgreSQL")?).await
}

/// As [`connect`], and no foreign key is checked for what these connections write. Takes a superuser, or who was granted to set
/// `session_replication_role`. What is written is decoded and published as ever.
pub(crate) async fn connect_unchecked(postgres: &str) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = postgres.parse().context("the address of PostgreSQL")?;
    connect_with(options.options([("session_replication_role", "replica")])).await
}

async fn connect_with(options: PgConnectOptions) -> anyhow::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(POOL)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options.disable_statement_logging())
        .await
        .context("connecting to PostgreSQL")
}

/// Writes likes.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pool: PgPool,
}

impl Writer {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Commits likes in one transaction; how many of them were not there before.
    pub(crate) async fn write(&self, likes: &[Like]) -> anyhow::Result<u64> {
        let posts: Vec<Uuid> = likes.iter().map(|like| like.post.uuid()).collect();
        let users: Vec<Uuid> = likes.iter().map(|like| like.user.uuid()).collect();
        let authors: Vec<Uuid> = likes.iter().map(|like| like.author.uuid()).collect();
        let done = sqlx::query(include_str!("sql/insert_likes.sql"))
            .bind(posts)
            .bind(users)
            .bind(authors)
            .execute(&self.pool)
            .await
            .context("writing likes")?;
        Ok(done.rows_affected())
    }

    /// The newest public posts, at most so many.
    pub(crate) async fn targets(&self, most: u32) -> anyhow::Result<Vec<Target>> {
        let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(include_str!("sql/targets.sql"))
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await
            .context("reading posts")?;
        let target = |(post, author)| Target {
            post: PostId::new(post),
            author: UserId::new(author),
        };
        Ok(rows.into_iter().map(target).collect())
    }

    /// Likes that posts have; those without any are left out.
    pub(crate) async fn count(&self, posts: &[PostId]) -> anyhow::Result<BTreeMap<Uuid, u64>> {
        let posts: Vec<Uuid> = posts.iter().map(|post| post.uuid()).collect();
        let rows: Vec<(Uuid, i64)> = sqlx::query_as(include_str!("sql/count_likes.sql"))
            .bind(posts)
            .fetch_all(&self.pool)
            .await
            .context("counting likes")?;
        let row = |(post, count)| Ok((post, u64::try_from(count)?));
        rows.into_iter().map(row).collect()
    }

    /// A like for each of the posts, by a user who does not like it yet. Posts that all of the users like are left out.
    pub(crate) async fn markers(
        &self,
        targets: &[Target],
        users: &[UserId],
    ) -> anyhow::Result<Vec<Marker>> {
        let posts: Vec<Uuid> = targets.iter().map(|target| target.post.uuid()).collect();
        let users: Vec<Uuid> = users.iter().take(USERS).map(|user| user.uuid()).collect();
        let rows: Vec<(Uuid, Uuid, i64, Option<Uuid>)> =
            sqlx::query_as(include_str!("sql/markers.sql"))
                .bind(posts)
                .bind(users)
                .fetch_all(&self.pool)
                .await
                .context("choosing single likes")?;
        let marker = |(post, author, likes, user): (Uuid, Uuid, i64, Option<Uuid>)| {
            let like = Like {
                post: PostId::new(post),
                user: UserId::new(user?),
                author: UserId::new(author),
            };
            let count = u64::try_from(likes).ok()? + 1;
            Some(Marker { like, count })
        };
        Ok(rows.into_iter().filter_map(marker).collect())
    }
}
