//! `GET /feed`

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use nova_feed::{CacheStatus, FeedAt, FeedPage, FeedRequest, MAX_LIMIT};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::extract::{Cursor, Flag, Number, Query, Viewer};
use crate::openapi::{problems, tags};
use crate::problem::Problem;
use crate::state::AppState;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CACHE: HeaderName = HeaderName::from_static("x-nova-cache");

/// Of an answer without its posts.
const ANSWER_BYTES: usize = 512;
/// Of a post with a caption of usual length.
const ITEM_BYTES: usize = 640;

const OFFSET: Number = Number {
    name: "offset",
    description: "How many posts were shown before. A cursor does the same, and does not shift when posts disappear.",
    default: 0,
    // Past this nobody scrolls, and ranking would be for nothing.
    range: 0..=10_000,
};
const LIMIT: Number = Number {
    name: "limit",
    description: "The most posts of the page.",
    default: 20,
    range: 1..=MAX_LIMIT,
};
const CURSOR: Cursor = Cursor {
    description: "The `next_cursor` of the page before; not together with `offset`. When the ranking that it points into is gone, the answer is the first page of a new one, and `restarted` says so.",
};
const EXPLAIN: Flag = Flag {
    name: "explain",
    description: "Whether to say why each post is where it is, and how the ranking came about.",
};

/// The query parameters of [`get`].
pub(crate) struct FeedQuery;

impl IntoParams for FeedQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            OFFSET.documented(),
            LIMIT.documented(),
            CURSOR.documented(),
            EXPLAIN.documented(),
        ]
    }
}

/// A page of the viewer's feed
///
/// The first page comes from a ranking that is at most a minute old, unless `degraded` or `served_from` say otherwise;
/// the pages after it come from the same ranking, whatever is posted meanwhile, so that no post is repeated or skipped.
/// Counts and likes are those of now.
#[utoipa::path(get, path = "/feed", operation_id = "getFeed", tag = tags::FEED,
    params(FeedQuery),
    responses((status = 200, description = "The page.", body = FeedPage,
        headers(
            ("Server-Timing" = String, description = "How long the stages took, in milliseconds: `cache`, `clickhouse`, `hydrate`, `total`, and when the feed was ranked for this request each of its queries."),
            ("X-Nova-Cache" = CacheStatus, description = "`hit`: a ranking that was kept; `stale`: one that is older than it should be; `miss`: ranked for this request, or a fallback.")
        ))),
    extensions(("x-problems" = json!(problems(&[])))))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    query: Query,
) -> Result<Response, Problem> {
    let request = FeedRequest {
        viewer,
        at: place(&query)?,
        limit: query.number(&LIMIT)?,
        explain: query.flag(&EXPLAIN)?,
    };
    let page = state.feed.feed(request).await?;
    let timing = Bytes::from(page.timings.server_timing());
    let timing = HeaderValue::from_maybe_shared(timing).map_err(Problem::internal)?;
    let status = page.served_from.cache_status().as_str();
    // At once as large as it will be, instead of growing to it by halves.
    let mut body = Vec::with_capacity(ANSWER_BYTES + page.items.len() * ITEM_BYTES);
    serde_json::to_writer(&mut body, &page).map_err(Problem::internal)?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    // Ten are set in all.
    headers.reserve(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(SERVER_TIMING, timing);
    headers.insert(CACHE, HeaderValue::from_static(status));
    Ok(response)
}

/// Where the page begins.
fn place(query: &Query) -> Result<FeedAt, Problem> {
    let offset = query.number(&OFFSET)?;
    match query.get(Cursor::NAME)? {
        None => Ok(FeedAt::Offset(offset)),
        Some(_) if query.get(OFFSET.name)?.is_some() => Err(Problem::parameter(
            Cursor::NAME,
            "cannot be combined with offset",
        )),
        Some(cursor) => Ok(FeedAt::Cursor(cursor.to_owned())),
    }
}
