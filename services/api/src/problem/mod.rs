//! Refusals as problem documents (RFC 9457).
//!
//! A [`Problem`] is made where the mistake is found and carried as the extension of an empty response; the outermost
//! middleware, which knows the id of the request, writes the document and logs the cause.

mod document;
mod from;
mod kind;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use document::{Document, write};
pub(crate) use kind::Kind;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is wrong in one place of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where in the body, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) pointer: Option<String>,
    /// Which parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) parameter: Option<&'static str>,
    /// What is wrong there.
    pub(crate) detail: String,
}

impl FieldError {
    pub(crate) fn at(pointer: impl Into<String>, detail: &(impl ToString + ?Sized)) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            detail: detail.to_string(),
        }
    }

    pub(crate) fn parameter(name: &'static str, detail: &(impl ToString + ?Sized)) -> Self {
        Self {
            pointer: None,
            parameter: Some(name),
            detail: detail.to_string(),
        }
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    headers: HeaderMap,
    /// For the log only.
    cause: Option<BoxError>,
}

impl Problem {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: None,
            errors: Vec::new(),
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// A parameter that is not of its form.
    pub(crate) fn parameter(name: &'static str, detail: &(impl ToString + ?Sized)) -> Self {
        Self::new(Kind::InvalidParameter).with_errors(vec![FieldError::parameter(name, detail)])
    }

    /// A mistake of the service; the cause is logged, not answered.
    pub(crate) fn internal(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Internal).with_cause(cause)
    }

    /// A server that is needed is not there.
    pub(crate) fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Unavailable)
            .with_retry_after(Duration::from_secs(1))
            .with_cause(cause)
    }

    /// No token, or none that is accepted (RFC 6750, 3).
    pub(crate) fn unauthorized(detail: &'static str, token_was_given: bool) -> Self {
        let challenge = if token_was_given {
            r#"Bearer realm="nova", error="invalid_token""#
        } else {
            r#"Bearer realm="nova""#
        };
        Self::new(Kind::Unauthorized)
            .with_detail(detail)
            .with_header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            )
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// When to try again, in whole seconds, at least one.
    pub(crate) fn with_retry_after(self, after: Duration) -> Self {
        let seconds = after.as_secs_f64().ceil().max(1.0);
        self.with_header(header::RETRY_AFTER, whole_seconds(seconds))
    }

    pub(crate) fn with_cause(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(crate) fn cause(&self) -> Option<&BoxError> {
        self.0.cause.as_ref()
    }
}

fn whole_seconds(seconds: f64) -> HeaderValue {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    HeaderValue::from(seconds as u64)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.kind.status().into_response();
        response.headers_mut().extend(self.0.headers.clone());
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
