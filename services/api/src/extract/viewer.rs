//! Who asks.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use nova_domain::UserId;

use crate::auth::Refusal;
use crate::metrics;
use crate::middleware::RequestContext;
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// The user that the bearer token speaks for, within their rate. First among the arguments of a handler: whoever may not
/// ask is told nothing about the rest of the request.
pub(crate) struct Viewer(pub(crate) UserId);

impl FromRequestParts<AppState> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Some(token) = bearer(parts) else {
            return Err(Problem::unauthorized(
                "Send Authorization: Bearer TOKEN.",
                false,
            ));
        };
        let viewer = state.tokens.verify(token).map_err(|refusal| {
            let detail = match refusal {
                Refusal::Expired => "The token has expired.",
                Refusal::Invalid => "The token is not accepted.",
            };
            Problem::unauthorized(detail, true)
        })?;
        if let Some(context) = parts.extensions.get::<RequestContext>() {
            context.set_viewer(viewer);
        }
        state.rates.check(viewer).map_err(|wait| {
            ::metrics::counter!(metrics::SHED, "reason" => "rate").increment(1);
            Problem::new(Kind::RateLimited).with_retry_after(wait)
        })?;
        Ok(Self(viewer))
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
