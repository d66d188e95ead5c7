//! A database of its own for each test, on a real server that is thrown away after it.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part; `expect` would be wrong in those that use all"
)]

use anyhow::Context as _;
use nova_domain::{Caption, DisplayName, Handle, MediaType, NewPost, PostId, UserId, Visibility};
use nova_social::{PoolConfig, Social, migrate};
use nova_testbed::Stack;
use sqlx::PgPool;

pub(crate) const CDC_PASSWORD: &str = "it's a \"secret\"";

pub(crate) struct Database {
    pub(crate) stack: Stack,
    pub(crate) social: Social,
}

impl Database {
    /// A migrated database.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let database = Self::start_empty().await?;
        migrate(database.pool(), CDC_PASSWORD).await?;
        Ok(database)
    }

    /// A database without tables.
    pub(crate) async fn start_empty() -> anyhow::Result<Self> {
        let stack = nova_testbed::postgres()
            .await
            .context("starting PostgreSQL")?;
        let pool = PoolConfig::default().connect_lazy(&stack.endpoints().postgres)?;
        let social = Social::new(pool);
        Ok(Self { stack, social })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.social.pool()
    }

    pub(crate) async fn stop(self) {
        self.pool().close().await;
        self.stack.stop().await;
    }

    pub(crate) async fn count(&self, table: &'static str) -> anyhow::Result<i64> {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        Ok(sqlx::query_scalar(count).fetch_one(self.pool()).await?)
    }

    pub(crate) async fn user(&self, handle: &str) -> anyhow::Result<UserId> {
        let user = UserId::generate();
        let profile = self
            .social
            .upsert_profile(user, &Handle::parse(handle)?, &DisplayName::parse(handle)?)
            .await?;
        assert_eq!(profile.user_id, user);
        Ok(user)
    }

    pub(crate) async fn post(
        &self,
        author: UserId,
        visibility: Visibility,
    ) -> anyhow::Result<PostId> {
        let created = self
            .social
            .create_post(author, &post("hello", visibility)?, None)
            .await?;
        Ok(created.value.post_id)
    }
}

pub(crate) fn post(caption: &str, visibility: Visibility) -> anyhow::Result<NewPost> {
    Ok(NewPost {
        caption: Caption::parse(caption)?,
        media_url: "https://media.example/v/1.mp4".parse()?,
        media_type: MediaType::Video,
        duration_ms: 15_000,
        visibility,
    })
}
