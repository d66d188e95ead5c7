//! `HotPostGenerator`: makes `hot:posts:1h`.

use chrono::Utc;
use nova_cache::Cache;
use nova_feed::discovery::{Discovery, generate_hot_posts};

use crate::error::JobError;
use crate::job::{Job, JobFuture, JobName};
use crate::run::Run;

/// Computes the hot posts of the last hour and puts them where everybody reads them. One query, one write.
#[derive(Debug)]
pub struct HotPostGenerator {
    discovery: Discovery,
    cache: Cache,
}

impl HotPostGenerator {
    /// Takes ClickHouse with the formula, and Redis.
    #[must_use]
    pub fn new(discovery: Discovery, cache: Cache) -> Self {
        Self { discovery, cache }
    }

    async fn generate(&self, run: &Run) -> Result<(), JobError> {
        let posts = generate_hot_posts(&self.discovery, Utc::now(), run.left()).await?;
        if !self.cache.store_hot_posts(&posts, run.fence()).await? {
            return Err(JobError::Superseded);
        }
        run.wrote(posts.len());
        Ok(())
    }
}

impl Job for HotPostGenerator {
    fn name(&self) -> JobName {
        JobName::HotPostGenerator
    }

    fn run<'a>(&'a self, run: &'a Run) -> JobFuture<'a> {
        Box::pin(self.generate(run))
    }
}
