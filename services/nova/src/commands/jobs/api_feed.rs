//! The probe's feed as a client gets it: from the API of `NOVA_PROBE_API_URL`.

use std::time::Duration;

use anyhow::{Context as _, bail};
use nova_api::auth;
use nova_domain::{PostId, UserId};
use nova_jobs::jobs::{CanaryFeed, PageFuture, ShownPost};
use nova_runtime::{AuthConfig, AuthKey, Env, Secret};
use serde::Deserialize;
use url::Url;

/// A page that takes so long is an error: the probe looks again until its own deadline.
const TIMEOUT: Duration = Duration::from_secs(5);
const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

const VARIABLE: &str = "NOVA_PROBE_API_URL";

#[derive(Clone)]
pub(super) struct ApiFeed {
    client: reqwest::Client,
    feed: Url,
    secret: Secret,
    audience: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    post_id: PostId,
    counts: Counts,
}

#[derive(Deserialize)]
struct Counts {
    likes: u64,
}

impl ApiFeed {
    /// None when `NOVA_PROBE_API_URL` is not set.
    pub(super) fn from_env(env: &Env, auth: AuthConfig) -> anyhow::Result<Option<Self>> {
        let Some(text) = env.get(VARIABLE) else {
            return Ok(None);
        };
        let api: Url = text
            .parse()
            .with_context(|| format!("{VARIABLE}: `{text}` is no URL"))?;
        let AuthKey::Secret(secret) = auth.key else {
            bail!("{VARIABLE}: with NOVA_AUTH_PUBLIC_KEY no token for the probe can be made here");
        };
        Ok(Some(Self {
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(TIMEOUT)
                .build()?,
            feed: api.join("/api/v1/feed").context(VARIABLE)?,
            secret,
            audience: auth.audience,
        }))
    }

    async fn read(
        &self,
        viewer: UserId,
        offset: u32,
        limit: u32,
    ) -> anyhow::Result<Vec<ShownPost>> {
        let secret = self.secret.expose().as_bytes();
        let token = auth::sign_for(secret, viewer, TOKEN_LIFETIME, self.audience.as_deref())?;
        let mut url = self.feed.clone();
        url.query_pairs_mut()
            .append_pair("offset", &offset.to_string())
            .append_pair("limit", &limit.to_string());
        let answer = self.client.get(url).bearer_auth(token).send().await?;
        let page: Page = answer.error_for_status()?.json().await?;
        let shown = |item: Item| ShownPost {
            post_id: item.post_id,
            likes: item.counts.likes,
        };
        Ok(page.items.into_iter().map(shown).collect())
    }
}

impl CanaryFeed for ApiFeed {
    fn page(&self, viewer: UserId, offset: u32, limit: u32) -> PageFuture<'_> {
        Box::pin(async move {
            let page = self.read(viewer, offset, limit).await;
            page.map_err(|error| format!("{error:#}"))
        })
    }
}
