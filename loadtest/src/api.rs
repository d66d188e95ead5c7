//! One request to the API through a goose user, timed.

use std::time::Duration;

use goose::goose::{GooseMethod, GooseRequest, GooseUser};
use nova_domain::UserId;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::token::Signer;

/// Longer than the API's own limit, so that its answer is seen. A request that takes longer failed.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// What the types of the API's problems begin with.
const PROBLEM: &str = "urn:nova:problem:";

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is asked.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: GooseMethod,
    /// With its query, from `/api/v1` on.
    pub(crate) path: &'a str,
    /// What it is called in the report of errors.
    pub(crate) name: &'static str,
    pub(crate) body: Option<Value>,
    pub(crate) key: Option<Uuid>,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: GooseMethod, path: &'a str, name: &'static str) -> Self {
        Self {
            method,
            path,
            name,
            body: None,
            key: None,
        }
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Makes a POST safe to be sent twice.
    pub(crate) fn key(mut self) -> Self {
        self.key = Some(Uuid::now_v7());
        self
    }
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) sent: Instant,
    /// When the last byte was there, or it was clear that it would not come.
    pub(crate) ended: Instant,
    /// A good answer, or why there is none.
    pub(crate) answer: Result<Answer, String>,
}

/// Asks as `viewer`. Nothing is repeated: what a user sees as an error is one.
pub(crate) async fn ask(
    user: &mut GooseUser,
    signer: &Signer,
    viewer: UserId,
    ask: Ask<'_>,
) -> Asked {
    let sent = Instant::now();
    let answer = answer(user, signer, viewer, ask).await;
    Asked {
        sent,
        ended: Instant::now(),
        answer,
    }
}

async fn answer(
    user: &mut GooseUser,
    signer: &Signer,
    viewer: UserId,
    ask: Ask<'_>,
) -> Result<Answer, String> {
    let token = signer.token(viewer).map_err(|error| error.to_string())?;
    let mut builder = user
        .get_request_builder(&ask.method, ask.path)
        .map_err(|error| error.to_string())?
        .bearer_auth(token);
    if let Some(key) = ask.key {
        builder = builder.header(IDEMPOTENCY_KEY, key.to_string());
    }
    if let Some(body) = &ask.body {
        builder = builder.json(body);
    }
    let request = GooseRequest::builder()
        .method(ask.method)
        .path(ask.path)
        .name(ask.name)
        .set_request_builder(builder)
        .build();
    let answered = user
        .request(request)
        .await
        .map_err(|error| error.to_string())?;
    let response = answered.response.map_err(|error| reason(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(|error| reason(&error))?;
    if !status.is_success() {
        return Err(refusal(status.as_u16(), &body));
    }
    Ok(Answer {
        headers,
        body: body.to_vec(),
    })
}

/// The status, and the kind of problem where the answer says one; without what is particular about it: reasons are counted.
fn refusal(status: u16, body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = problem["type"].as_str();
    match kind.and_then(|uri| uri.strip_prefix(PROBLEM)) {
        Some(kind) => format!("status {status}, {kind}"),
        None => format!("status {status}"),
    }
}

/// Without addresses: reasons are counted.
fn reason(error: &reqwest::Error) -> String {
    let reason = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the connection was lost"
    };
    reason.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_its_kind_where_the_answer_does() {
        for (body, reason) in [
            (
                r#"{"type":"urn:nova:problem:overloaded","title":"The service is overloaded","detail":"17 wait"}"#,
                "status 503, overloaded",
            ),
            (r#"{"type":"about:blank"}"#, "status 503"),
            (r#"{"type":7}"#, "status 503"),
            ("[]", "status 503"),
            ("no healthy upstream", "status 503"),
            ("", "status 503"),
        ] {
            assert_eq!(refusal(503, body.as_bytes()), reason, "{body}");
        }
    }
}
