//! The document itself.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::{FieldError, Kind, Problem};

/// At most so many errors are listed: a batch of 500 events can have thousands.
const MAX_ERRORS: usize = 20;

/// Why a request was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    #[schema(value_type = Kind)]
    r#type: &'static str,
    /// The same for every problem of a type.
    title: &'static str,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is particular about this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<&'a str>,
    /// Where the mistakes are; at most 20 are listed.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>, required = false, min_items = 1, max_items = 20)]
    errors: &'a [FieldError],
    /// The id of the request, as in the header `X-Request-Id`: for whoever looks into the logs.
    request_id: &'a str,
}

/// Gives an error its document, and answers what it carried. Whatever is no error stays as it is; an error that some
/// library answered in its own words loses them.
pub(crate) fn write(response: &mut Response, request_id: &str) -> Option<Arc<Problem>> {
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Arc<Problem>>() {
        Some(problem) => problem,
        None if status.is_client_error() || status.is_server_error() => {
            Arc::new(Problem::new(Kind::of_status(status)))
        }
        None => return None,
    };
    let kind = problem.0.kind;
    let document = Document {
        r#type: kind.uri(),
        title: kind.title(),
        status: status.as_u16(),
        detail: problem.0.detail.as_deref(),
        errors: &problem.0.errors[..problem.0.errors.len().min(MAX_ERRORS)],
        request_id,
    };
    // Strings and numbers only: this cannot fail.
    let json = serde_json::to_vec(&document).unwrap_or_default();
    *response.body_mut() = Body::from(json);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        // The rest of the body is not read: a client that sent its next request on this connection would lose it.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Some(problem)
}
