//! What the steps talk to.

use std::time::Duration;

use anyhow::Context as _;
use nova_domain::{PostId, UserId};
use nova_olap::{Olap, OlapConfig};
use nova_social::PoolConfig;
use nova_testbed::{Endpoints, Stack};
use serde::Deserialize;
use sqlx::PgPool;
use url::Url;

/// Tokens outlive a look at the demonstration.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 3_600);
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Client {
    pub(super) endpoints: Endpoints,
    pub(super) postgres: PgPool,
    pub(super) olap: Olap,
    http: reqwest::Client,
}

/// What the demonstration reads of a feed.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Feed {
    pub(super) items: Vec<Item>,
    pub(super) served_from: String,
    pub(super) degraded: Vec<String>,
    /// Only when asked for.
    pub(super) explain: Option<Explain>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Explain {
    pub(super) sources: Vec<Source>,
    pub(super) ranked: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Source {
    pub(super) source: String,
    pub(super) candidates: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Item {
    pub(super) post_id: PostId,
    pub(super) author_id: UserId,
    pub(super) caption: String,
    pub(super) sources: Vec<String>,
    pub(super) score: f64,
    pub(super) counts: ItemCounts,
    /// Only when asked for.
    pub(super) explain: Option<Terms>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Terms {
    pub(super) freshness: f64,
    pub(super) engagement: f64,
    pub(super) affinity: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ItemCounts {
    pub(super) likes: u64,
}

impl Client {
    pub(super) fn new(stack: &Stack) -> anyhow::Result<Self> {
        let endpoints = stack.endpoints().clone();
        let postgres = PoolConfig {
            max_connections: 4,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(60),
            application_name: "nova demo".to_owned(),
        }
        .connect_lazy(&endpoints.postgres)?;
        let clickhouse = Url::parse(&endpoints.clickhouse).context("ClickHouse's address")?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            olap: Olap::new(&OlapConfig::from_url(&clickhouse)?),
            endpoints,
            postgres,
            http,
        })
    }

    pub(super) fn token(&self, user: UserId) -> anyhow::Result<String> {
        let secret = self.endpoints.auth_secret.as_bytes();
        Ok(nova_api::auth::sign(secret, user, TOKEN_LIFETIME)?)
    }

    pub(super) fn feed_url(&self, limit: u32) -> String {
        format!("{}/api/v1/feed?offset=0&limit={limit}", self.endpoints.api)
    }

    pub(super) fn like_url(&self, post: PostId) -> String {
        format!("{}/api/v1/posts/{post}/like", self.endpoints.api)
    }

    pub(super) async fn feed(&self, viewer: UserId, limit: u32) -> anyhow::Result<Feed> {
        self.get(viewer, self.feed_url(limit)).await
    }

    /// With the terms of each score, and how the ranking came about.
    pub(super) async fn explained_feed(&self, viewer: UserId, limit: u32) -> anyhow::Result<Feed> {
        let url = format!("{}&explain=true", self.feed_url(limit));
        self.get(viewer, url).await
    }

    async fn get(&self, viewer: UserId, url: String) -> anyhow::Result<Feed> {
        let request = self.http.get(url).bearer_auth(self.token(viewer)?);
        accepted(request)
            .await?
            .json()
            .await
            .context("the answer is not a feed")
    }

    pub(super) async fn like(&self, user: UserId, post: PostId) -> anyhow::Result<()> {
        let request = self
            .http
            .put(self.like_url(post))
            .bearer_auth(self.token(user)?);
        accepted(request).await?;
        Ok(())
    }
}

/// The answer, or what the API says is wrong.
async fn accepted(request: reqwest::RequestBuilder) -> anyhow::Result<reqwest::Response> {
    let answer = request.send().await?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let problem: String = answer.text().await?.chars().take(500).collect();
    anyhow::bail!("the API answered {status}: {problem}")
}
