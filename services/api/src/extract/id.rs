//! An id in the path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use nova_domain::ParseIdError;

use crate::problem::Problem;
use crate::state::AppState;

/// The `{id}` of a route, parsed.
pub(crate) struct Id<T>(pub(crate) T);

impl<T> FromRequestParts<AppState> for Id<T>
where
    T: FromStr<Err = ParseIdError>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::parameter("id", "is not a UUID").with_cause(rejection))?;
        Ok(Self(text.parse()?))
    }
}
