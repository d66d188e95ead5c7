//! One request to the API, with bounded retries.

use std::time::{Duration, Instant};

use nova_domain::UserId;
use rand::Rng as _;
use reqwest::header::{HeaderName, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode};
use serde::Serialize;
use tokio::time::sleep;
use url::Url;
use uuid::Uuid;

use crate::options::SimulateOptions;
use crate::token::Signer;

/// Tries of one request.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Why a request was given up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The token could not be signed.
    #[error("no token could be signed")]
    Token(#[source] jsonwebtoken::errors::Error),
    /// The address cannot carry a path, or the client could not be made.
    #[error("`{0}` cannot be the address of the API")]
    Address(Url),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
    /// No answer after all tries.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// An answer that no repetition would change, or the last of all tries.
    #[error("status {0}")]
    Status(StatusCode),
}

/// An answer and what it took.
pub(crate) struct Answer {
    pub response: Response,
    /// Of the try that succeeded.
    pub took: Duration,
}

/// The API as a user sees it.
pub(crate) struct ApiClient {
    http: Client,
    base: Url,
    signer: Signer,
}

impl ApiClient {
    pub(crate) fn new(options: &SimulateOptions) -> Result<Self, ClientError> {
        let base = options
            .api
            .join("/api/v1/")
            .map_err(|_| ClientError::Address(options.api.clone()))?;
        let http = Client::builder()
            .timeout(TIMEOUT)
            .tcp_nodelay(true)
            .build()
            .map_err(ClientError::Client)?;
        let signer = Signer::new(&options.auth_secret, options.audience.clone());
        Ok(Self { http, base, signer })
    }

    /// Sends a request as `user`, again while the API is busy or away. `retries` counts the repetitions. All requests
    /// of the simulation may be repeated: they are idempotent, or carry a key that makes them so.
    pub(crate) async fn send(
        &self,
        user: UserId,
        request: &Request<'_>,
        retries: &mut u64,
    ) -> Result<Answer, ClientError> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let begun = Instant::now();
            let wait = match self.once(user, request).await? {
                Ok(response) if response.status().is_success() => {
                    let took = begun.elapsed();
                    return Ok(Answer { response, took });
                }
                Ok(response) => {
                    let status = response.status();
                    if !is_passing(status) || tries == TRIES {
                        return Err(ClientError::Status(status));
                    }
                    retry_after(&response).unwrap_or(pause)
                }
                Err(error) if tries == TRIES => return Err(ClientError::NoAnswer(error)),
                Err(_) => pause,
            };
            *retries += 1;
            tries += 1;
            sleep(jittered(wait.min(LONGEST_PAUSE))).await;
            pause *= 2;
        }
    }

    async fn once(
        &self,
        user: UserId,
        request: &Request<'_>,
    ) -> Result<Result<Response, reqwest::Error>, ClientError> {
        let url = self
            .base
            .join(&request.path)
            .map_err(|_| ClientError::Address(self.base.clone()))?;
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .bearer_auth(self.signer.token(user)?);
        if let Some(key) = request.idempotency_key {
            builder = builder.header(IDEMPOTENCY_KEY, key.to_string());
        }
        if let Some(body) = request.body {
            builder = builder.json(body);
        }
        Ok(builder.send().await)
    }
}

/// What is asked.
pub(crate) struct Request<'a> {
    pub method: Method,
    /// Below `/api/v1/`.
    pub path: String,
    pub body: Option<&'a serde_json::Value>,
    pub idempotency_key: Option<Uuid>,
}

impl Request<'_> {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
            idempotency_key: None,
        }
    }
}

/// Whether the same request may succeed a moment later.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// Half to all of it: those who were refused together do not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.5..=1.0))
}

/// Turns a value into a body.
pub(crate) fn body(value: impl Serialize) -> serde_json::Value {
    // The simulation's bodies are plain values; one that could not be written would be refused by the API.
    serde_json::to_value(value).unwrap_or_default()
}
