//! `GET /discover/suggested-users` and `/discover/trending`

use axum::Json;
use axum::extract::State;
use nova_feed::discovery::{self, MAX_SUGGESTED, MAX_TRENDING, SuggestedUsers, Trending};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::extract::{Number, Query, Viewer};
use crate::openapi::{problems, tags};
use crate::problem::Problem;
use crate::state::AppState;

const USERS: Number = Number {
    name: "limit",
    description: "The most users of the list.",
    default: MAX_SUGGESTED,
    range: 1..=MAX_SUGGESTED,
};
const POSTS: Number = Number {
    name: "limit",
    description: "The most posts of the list.",
    default: 20,
    range: 1..=MAX_TRENDING,
};

/// The query parameters of [`suggested_users`].
pub(crate) struct UsersQuery;

impl IntoParams for UsersQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![USERS.documented()]
    }
}

/// The query parameters of [`trending`].
pub(crate) struct TrendingQuery;

impl IntoParams for TrendingQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![POSTS.documented()]
    }
}

/// Users whom the viewer may want to follow
///
/// Best first, each with a reason. Nobody whom the viewer follows already, or whom a block parts from them.
#[utoipa::path(get, path = "/discover/suggested-users", operation_id = "getSuggestedUsers", tag = tags::DISCOVER,
    params(UsersQuery),
    responses((status = 200, description = "The list.", body = SuggestedUsers)),
    extensions(("x-problems" = json!(problems(&[])))))]
pub(crate) async fn suggested_users(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    query: Query,
) -> Result<Json<SuggestedUsers>, Problem> {
    let limit = query.number(&USERS)?;
    Ok(Json(
        discovery::suggested_users(&state.discovery, viewer, limit).await?,
    ))
}

/// The posts that everybody engages with now
///
/// Of the last hour, hottest first, without those that the viewer may not see.
#[utoipa::path(get, path = "/discover/trending", operation_id = "getTrending", tag = tags::DISCOVER,
    params(TrendingQuery),
    responses((status = 200, description = "The list.", body = Trending)),
    extensions(("x-problems" = json!(problems(&[])))))]
pub(crate) async fn trending(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    query: Query,
) -> Result<Json<Trending>, Problem> {
    let limit = query.number(&POSTS)?;
    Ok(Json(
        discovery::trending(&state.discovery, viewer, limit).await?,
    ))
}
