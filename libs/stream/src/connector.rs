//! The Debezium connector through Kafka Connect's REST interface: apply, status, and restarting what failed.

use std::fmt;
use std::time::Duration;

use rand::Rng;
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

/// The connector as `curl -d @connectors/debezium-postgres-connector.json` deploys it; the file of this release.
pub const DEFINITION: &str = include_str!("../../../connectors/debezium-postgres-connector.json");

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(100);
/// How long a replaced connector has to be seen running.
const SETTLE: Duration = Duration::from_secs(2);
/// Between two restarts of a task that keeps failing.
const RESTART_BACKOFF: Duration = Duration::from_secs(2);

/// `{"name": …, "config": {…}}`.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Definition {
    /// The connector's name.
    pub name: String,
    /// Its flat configuration.
    pub config: serde_json::Map<String, serde_json::Value>,
}

impl Definition {
    /// Reads a definition file's text.
    ///
    /// # Errors
    /// When it is not of the form that Kafka Connect takes.
    pub fn parse(text: &str) -> Result<Self, ConnectorError> {
        serde_json::from_str(text).map_err(ConnectorError::Definition)
    }
}

/// Why the connector is not running.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The definition file is not a connector definition.
    #[error("the connector definition is not valid")]
    Definition(#[source] serde_json::Error),
    /// The address cannot carry a path.
    #[error("`{0}` is not the address of a Kafka Connect worker")]
    Address(Url),
    /// No answer, or a broken one.
    #[error("Kafka Connect did not answer")]
    Request(#[from] reqwest::Error),
    /// An answer other than the expected one.
    #[error("Kafka Connect answered {status}: {message}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// The worker's own words.
        message: String,
    },
    /// Not running when the time was up.
    #[error("the connector was not running after {} s; last state: {last}", waited.as_secs())]
    NotRunning {
        /// How long it was waited for.
        waited: Duration,
        /// What was seen last: states, and the trace of a failed task.
        last: String,
    },
}

/// State of the connector and its tasks, as the worker tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Status {
    /// The connector's name.
    pub name: String,
    /// The connector itself.
    pub connector: Part,
    /// Its tasks: one for PostgreSQL.
    #[serde(default)]
    pub tasks: Vec<Part>,
}

/// State of the connector or of one task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Part {
    /// The task's number; none for the connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// `RUNNING`, `FAILED`, `PAUSED`, `UNASSIGNED`, `RESTARTING`, …
    pub state: String,
    /// Host and port of the worker that runs it.
    #[serde(default)]
    pub worker_id: String,
    /// The stack trace of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl Part {
    fn failed(&self) -> bool {
        self.state == "FAILED"
    }
}

impl Status {
    /// Connector and at least one task are there, and all of them are `RUNNING`.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let running = |part: &Part| part.state == "RUNNING";
        running(&self.connector) && !self.tasks.is_empty() && self.tasks.iter().all(running)
    }

    fn has_failed(&self) -> bool {
        self.connector.failed() || self.tasks.iter().any(Part::failed)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connector {}: {}", self.name, self.connector.state)?;
        if self.tasks.is_empty() {
            f.write_str(", no task yet")?;
        }
        for task in &self.tasks {
            write!(f, ", task {}: {}", task.id.unwrap_or_default(), task.state)?;
        }
        for part in std::iter::once(&self.connector).chain(&self.tasks) {
            if let Some(trace) = &part.trace {
                write!(f, "\n{}", trace.trim_end())?;
            }
        }
        Ok(())
    }
}

/// What [`ConnectClient::apply`] did and found.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Whether the connector was made now; otherwise its configuration was replaced.
    pub created: bool,
    /// How often a failed connector or task was restarted while waiting.
    pub restarts: u32,
    /// The state at the end: running.
    pub status: Status,
}

/// A client of one Kafka Connect worker.
#[derive(Debug, Clone)]
pub struct ConnectClient {
    base: Url,
    http: Client,
}

impl ConnectClient {
    /// For the worker at `base`, e.g. `http://connect:8083`.
    ///
    /// # Errors
    /// When the address cannot carry a path.
    pub fn new(base: Url) -> Result<Self, ConnectorError> {
        if base.cannot_be_a_base() {
            return Err(ConnectorError::Address(base));
        }
        let http = Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self { base, http })
    }

    /// Creates the connector or replaces its configuration, then waits until connector and task run, restarting what
    /// has failed. Idempotent. Worker not up yet, rebalances (409) and time-outs are tried again until the deadline.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] when the configuration is refused, [`ConnectorError::NotRunning`] (with the last
    /// state and the task's trace) when `limit` is over.
    pub async fn apply(
        &self,
        definition: &Definition,
        limit: Duration,
    ) -> Result<Applied, ConnectorError> {
        let deadline = Deadline::after(limit);
        // A configuration that is put again restarts the task, the same one too, but not at once: at first the old one
        // is still seen running.
        let settle = if self.exists(definition, &deadline).await {
            SETTLE
        } else {
            Duration::ZERO
        };
        let created = self.put(definition, &deadline).await?;
        let mut running_since = None;
        let mut restarts = 0;
        let mut last = "no status yet".to_owned();
        let mut restart_at = Instant::now();
        loop {
            match deadline.bound(self.status(&definition.name)).await {
                Some(Ok(status)) if status.is_running() => {
                    last = status.to_string();
                    if running_since.get_or_insert_with(Instant::now).elapsed() >= settle {
                        return Ok(Applied {
                            created,
                            restarts,
                            status,
                        });
                    }
                }
                Some(Ok(status)) => {
                    running_since = None;
                    last = status.to_string();
                    if status.has_failed() && Instant::now() >= restart_at {
                        // A refused restart (409 during a rebalance) shows in the next status.
                        if let Some(Ok(())) = deadline.bound(self.restart(&definition.name)).await {
                            restarts += 1;
                        }
                        restart_at = Instant::now() + jittered(RESTART_BACKOFF);
                    }
                }
                Some(Err(error)) => last = describe(&error),
                None => {}
            }
            deadline
                .pause_or(|waited| ConnectorError::NotRunning {
                    waited,
                    last: last.clone(),
                })
                .await?;
        }
    }

    /// The state of connector and tasks.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] with 404 when there is no such connector.
    pub async fn status(&self, name: &str) -> Result<Status, ConnectorError> {
        let response = self
            .http
            .get(self.url(&["connectors", name, "status"]))
            .send()
            .await?;
        Ok(accepted(response).await?.json().await?)
    }

    /// Restarts the connector and those of its tasks that have failed.
    ///
    /// # Errors
    /// When the worker refuses, e.g. 409 during a rebalance.
    pub async fn restart(&self, name: &str) -> Result<(), ConnectorError> {
        let mut url = self.url(&["connectors", name, "restart"]);
        url.set_query(Some("includeTasks=true&onlyFailed=true"));
        accepted(self.http.post(url).send().await?).await?;
        Ok(())
    }

    /// Whether the worker has the connector already; not when it cannot say.
    async fn exists(&self, definition: &Definition, deadline: &Deadline) -> bool {
        let url = self.url(&["connectors", &definition.name, "config"]);
        let found = deadline
            .bound(async { accepted(self.http.get(url).send().await?).await })
            .await;
        matches!(found, Some(Ok(_)))
    }

    async fn put(
        &self,
        definition: &Definition,
        deadline: &Deadline,
    ) -> Result<bool, ConnectorError> {
        let url = self.url(&["connectors", &definition.name, "config"]);
        loop {
            let attempt = async {
                let response = self
                    .http
                    .put(url.clone())
                    .json(&definition.config)
                    .send()
                    .await?;
                Ok(accepted(response).await?.status() == StatusCode::CREATED)
            };
            let last = match deadline.bound(attempt).await {
                Some(Ok(created)) => return Ok(created),
                Some(Err(error)) if !is_transient(&error) => return Err(error),
                Some(Err(error)) => describe(&error),
                None => "no answer to the configuration".to_owned(),
            };
            deadline
                .pause_or(|waited| ConnectorError::NotRunning {
                    waited,
                    last: last.clone(),
                })
                .await?;
        }
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // `new` has refused addresses that cannot carry a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit,
        }
    }

    /// The future's result; none when the time is up first.
    async fn bound<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.started + self.limit, future).await.ok()
    }

    /// Waits a little before the next try, or gives the error when the time is up.
    async fn pause_or<E>(&self, error: impl FnOnce(Duration) -> E) -> Result<(), E> {
        if self.started.elapsed() >= self.limit {
            return Err(error(self.limit));
        }
        sleep(jittered(POLL_EVERY)).await;
        Ok(())
    }
}

fn jittered(base: Duration) -> Duration {
    base.mul_f64(rand::rng().random_range(0.75..1.25))
}

/// Worth another try: nobody there yet, a rebalance, a worker that is starting. Everything else is the caller's to see.
fn is_transient(error: &ConnectorError) -> bool {
    match error {
        ConnectorError::Request(error) => !error.is_builder() && !error.is_decode(),
        ConnectorError::Refused { status, message } => {
            *status == StatusCode::CONFLICT
                || *status == StatusCode::NOT_FOUND
                || *status == StatusCode::SERVICE_UNAVAILABLE
                || (*status == StatusCode::INTERNAL_SERVER_ERROR && message.contains("timed out"))
        }
        _ => false,
    }
}

async fn accepted(response: Response) -> Result<Response, ConnectorError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let text = response.text().await.unwrap_or_default();
    let message = serde_json::from_str::<Body>(&text).map_or(text, |body| body.message);
    Err(ConnectorError::Refused { status, message })
}

fn describe(error: &ConnectorError) -> String {
    use std::error::Error;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
