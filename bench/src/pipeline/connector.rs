//! The connector, stopped and started again by Kafka Connect's REST interface.

use std::time::Duration;

use anyhow::Context as _;
use nova_stream::connector::{DEFINITION, Definition};
use nova_testbed::poll_for;

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
const DEADLINE: Duration = Duration::from_secs(10);

/// The connector of a worker.
#[derive(Debug)]
pub(crate) struct Connector {
    http: reqwest::Client,
    base: String,
}

impl Connector {
    /// At the worker's address.
    pub(crate) fn at(worker: &str) -> anyhow::Result<Self> {
        let name = Definition::parse(DEFINITION)?.name;
        let http = reqwest::Client::builder().timeout(DEADLINE).build()?;
        Ok(Self {
            http,
            base: format!("{}/connectors/{name}", worker.trim_end_matches('/')),
        })
    }

    /// Ends its task: nobody reads the replication slot until [`Connector::resume`].
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.put("stop").await?;
        self.reach(|status| status.connector.state == "STOPPED" && status.tasks.is_empty())
            .await
            .context("stopping the connector")
    }

    /// Lets it go on, without waiting until it does.
    pub(crate) async fn resume(&self) -> anyhow::Result<()> {
        self.put("resume").await
    }

    async fn put(&self, what: &str) -> anyhow::Result<()> {
        let answer = self.http.put(format!("{}/{what}", self.base)).send().await;
        let answer = answer.with_context(|| format!("connector, {what}"))?;
        answer
            .error_for_status()
            .with_context(|| format!("connector, {what}"))?;
        Ok(())
    }

    async fn reach(
        &self,
        reached: impl Fn(&nova_stream::connector::Status) -> bool,
    ) -> anyhow::Result<()> {
        let looked = poll_for(PATIENCE, LOOK, || async {
            let url = format!("{}/status", self.base);
            let answer = self.http.get(url).send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            let status: nova_stream::connector::Status =
                answer.json().await.map_err(|error| error.to_string())?;
            match reached(&status) {
                true => Ok(()),
                false => Err(status.to_string()),
            }
        });
        looked.await.map_err(|late| anyhow::anyhow!("{late}"))
    }
}
