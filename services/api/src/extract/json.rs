//! A JSON body, within its limit and its time.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body as RequestBody;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};
use tokio::time::timeout;

use super::form::Form;
use crate::problem::{FieldError, Kind, Problem};
use crate::state::AppState;

/// Longest text of the parser that is passed on: it may quote the body.
const MAX_DETAIL_CHARS: usize = 200;

/// Of a body that is refused, at most so much is taken all the same (bytes).
const MAX_DRAINED: usize = 8 << 20;

/// The value of a [`Form`]. Last among the arguments of a handler.
pub(crate) struct Body<F: Form>(pub(crate) F::Value);

impl<F: Form> FromRequest<AppState> for Body<F> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (head, mut body) = request.into_parts();
        let (limit, within) = (F::max_bytes(&state.config), state.config.body_timeout);
        let bytes = match timeout(within, collect(&head.headers, &mut body, limit)).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(problem)) => {
                drain(&head.headers, body, within).await;
                return Err(problem);
            }
            Err(_elapsed) => return Err(Problem::new(Kind::BodyTimeout)),
        };
        let form: F = parse(&bytes)?;
        Ok(Self(form.parse()?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    // JSON is UTF-8 (RFC 8259); saying so is harmless, saying otherwise is not.
    essence.eq_ignore_ascii_case("application/json")
        && parts.filter(|p| !p.is_empty()).all(|p| {
            p.split_once('=').is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("charset")
                    && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
        })
}

async fn collect(
    headers: &HeaderMap,
    body: &mut RequestBody,
    limit: usize,
) -> Result<Bytes, Problem> {
    if !is_json(headers) {
        return Err(Problem::new(Kind::UnsupportedMediaType)
            .with_detail("Send Content-Type: application/json."));
    }
    let too_large =
        || Problem::new(Kind::BodyTooLarge).with_detail(format!("The limit is {limit} bytes."));
    if announces_more_than(limit, headers) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Problem::new(Kind::Refused)
            .with_detail("The body broke off.")
            .with_cause(error)),
    }
}

/// Whether the request says that its body is longer than so many bytes.
fn announces_more_than(limit: usize, headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit))
}

/// Takes the rest of a body that is refused, and forgets it: whoever is still sending when the connection is closed gets a reset
/// instead of the answer. At most [`MAX_DRAINED`] bytes and `within` this time; a client that waits for leave to send has not begun.
async fn drain(headers: &HeaderMap, body: RequestBody, within: Duration) {
    if headers.contains_key(header::EXPECT) || announces_more_than(MAX_DRAINED, headers) {
        return;
    }
    let mut rest = Limited::new(body, MAX_DRAINED);
    let drained = async { while let Some(Ok(_)) = rest.frame().await {} };
    // Late or not, the answer goes out.
    let _ = timeout(within, drained).await;
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // First all of the syntax: a field that is missing in half a document is not the mistake.
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| not_json(&error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.inner();
        match inner.classify() {
            Category::Data => {
                let error = FieldError::at(pointer(error.path()), &detail(inner));
                Problem::new(Kind::Validation).with_errors(vec![error])
            }
            Category::Syntax | Category::Eof | Category::Io => not_json(inner),
        }
    })
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::InvalidJson).with_detail(shorten(&error.to_string()))
}

/// Without the position: the pointer says it better.
fn detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    shorten(
        text.rsplit_once(" at line ")
            .map_or(text.as_str(), |(message, _)| message),
    )
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= MAX_DETAIL_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_DETAIL_CHARS).chain(['…']).collect()
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |mut pointer, segment| {
        // Writing into a String cannot fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => write!(
                pointer,
                "/{}",
                shorten(&key.replace('~', "~0").replace('/', "~1"))
            ),
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
        pointer
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_is_json() {
        let check = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
            is_json(&headers)
        };
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/json; charset=latin1",
            "application/jsonp",
            "application/problem+json",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!check(bad), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn what_the_parser_quotes_is_cut() {
        let error = serde_json::from_str::<u8>(&format!("{:?}", "x".repeat(5_000))).unwrap_err();
        assert!(detail(&error).chars().count() <= MAX_DETAIL_CHARS + 1);
        assert!(!detail(&error).contains("at line"));
    }
}
