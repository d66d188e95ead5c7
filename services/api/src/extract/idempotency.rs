//! The `Idempotency-Key` header.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use nova_social::{IdempotencyKey, IdempotencyKeyError};

use crate::problem::Problem;

const NAME: &str = "idempotency-key";

/// The key a client made for this request, if any.
pub(crate) struct Key(pub(crate) Option<IdempotencyKey>);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(NAME) else {
            return Ok(Self(None));
        };
        let refuse = |error: IdempotencyKeyError| Problem::parameter("Idempotency-Key", &error);
        let text = value.to_str().map_err(|_| refuse(IdempotencyKeyError))?;
        Ok(Self(Some(IdempotencyKey::parse(text).map_err(refuse)?)))
    }
}
