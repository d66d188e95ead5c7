//! The `Idempotency-Key` header.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use nova_social::{IdempotencyKey, IdempotencyKeyError};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

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

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(IdempotencyKey::MAX_CHARS))
            .pattern(Some("^[!-~]+$"));
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "A key that the client made for this request. The same request with the same key, within a day, makes \
                 nothing new and gets the same answer. Keys of different users are different.",
            ))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}
