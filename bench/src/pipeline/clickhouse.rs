//! Questions to ClickHouse, asked past Nova.

use std::time::Duration;

use anyhow::Context as _;

/// Counting a table of some millions of rows on a busy machine takes seconds.
const DEADLINE: Duration = Duration::from_secs(120);

/// Counts rows of likes, those that merges have yet to replace included: parts know how many they have.
pub(crate) const COUNT_LIKES: &str = "SELECT count() FROM likes_cdc";

/// A connection to ask by; its clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ClickHouse {
    http: reqwest::Client,
    url: String,
}

impl ClickHouse {
    /// To `http://user:password@host:port`.
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tcp_nodelay(true)
            .timeout(DEADLINE)
            .build()
            .context("a client of ClickHouse")?;
        Ok(Self {
            http,
            url: url.to_owned(),
        })
    }

    /// What a query answers, as lines of text with tabs.
    pub(crate) async fn text(&self, query: &str) -> anyhow::Result<String> {
        let sent = self
            .http
            .post(&self.url)
            .body(query.to_owned())
            .send()
            .await;
        // Its address holds a password.
        let answer = sent.map_err(|error| error.without_url())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.without_url())?;
        anyhow::ensure!(status.is_success(), "ClickHouse, {status}: {}", text.trim());
        Ok(text)
    }

    /// The one number that a query answers.
    pub(crate) async fn number(&self, query: &str) -> anyhow::Result<u64> {
        let text = self.text(query).await?;
        let number = text.trim().parse();
        number.with_context(|| format!("ClickHouse answered {:?}", text.trim()))
    }
}
