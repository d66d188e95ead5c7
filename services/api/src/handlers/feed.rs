//! `GET /feed`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use nova_feed::{FeedPage, MAX_LIMIT};

use crate::extract::{Query, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CACHE: HeaderName = HeaderName::from_static("x-nova-cache");

const DEFAULT_LIMIT: u32 = 20;
/// Past this nobody scrolls, and ranking would be for nothing.
const MAX_OFFSET: u32 = 10_000;

/// A page of the viewer's feed, ranked now.
pub(crate) async fn get(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    query: Query,
) -> Result<(HeaderMap, Json<FeedPage>), Problem> {
    let offset = query.number("offset", 0, 0..=MAX_OFFSET)?;
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)?;
    // Ignoring it would serve the first page again and again.
    if query.get("cursor")?.is_some() {
        return Err(Problem::parameter(
            "cursor",
            "is not supported yet; use offset",
        ));
    }
    let page = state
        .feed
        .get_personalized_feed(viewer, offset, limit)
        .await?;
    let mut headers = HeaderMap::new();
    let timing = HeaderValue::from_str(&page.timings.server_timing()).map_err(Problem::internal)?;
    headers.insert(SERVER_TIMING, timing);
    headers.insert(CACHE, HeaderValue::from_static("miss"));
    Ok((headers, Json(page)))
}
