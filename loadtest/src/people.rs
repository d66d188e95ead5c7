//! Who the load is made of, whatever put them there: users and posts, read from PostgreSQL.

use anyhow::{Context as _, bail};
use nova_domain::{PostId, UserId};
use sqlx::Connection as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// More users than can be active within one run are of no use.
const MOST_USERS: i64 = 200_000;
/// Posts to like when no viewer has seen one yet.
const MOST_POSTS: i64 = 2_000;

/// The population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Most active first. Without the accounts of probes.
    pub users: Vec<UserId>,
    /// Public ones, newest first, of authors whom no block concerns: anybody can like them.
    pub posts: Vec<PostId>,
    /// Posts that are there in all.
    pub all_posts: u64,
    /// Likes that are there in all.
    pub all_likes: u64,
}

impl People {
    /// Reads them. Takes seconds when there are millions of likes: they are counted for each user.
    ///
    /// # Errors
    /// When PostgreSQL does not answer, or has no posts anybody may like.
    pub async fn find(postgres: &str) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(postgres)
            .await
            .context("connecting to PostgreSQL")?;
        // A statement that would write is an error, whoever changes these queries.
        sqlx::query("SET default_transaction_read_only = on")
            .execute(&mut connection)
            .await?;
        let users: Vec<Uuid> = sqlx::query_scalar(include_str!("sql/users.sql"))
            .bind(MOST_USERS)
            .fetch_all(&mut connection)
            .await
            .context("reading users")?;
        let posts: Vec<Uuid> = sqlx::query_scalar(include_str!("sql/posts.sql"))
            .bind(MOST_POSTS)
            .fetch_all(&mut connection)
            .await
            .context("reading posts")?;
        let (all_posts, all_likes): (i64, i64) = sqlx::query_as(include_str!("sql/size.sql"))
            .fetch_one(&mut connection)
            .await
            .context("counting")?;
        connection.close().await?;
        if posts.is_empty() {
            bail!(
                "there is no public post: the stack needs a population before it is put under load"
            );
        }
        Ok(Self {
            users: users.into_iter().map(UserId::new).collect(),
            posts: posts.into_iter().map(PostId::new).collect(),
            all_posts: u64::try_from(all_posts)?,
            all_likes: u64::try_from(all_likes)?,
        })
    }
}
