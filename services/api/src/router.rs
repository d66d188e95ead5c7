//! The routes.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handlers::{comments, discover, events, fallback, feed, graph, likes, posts, profile};
use crate::middleware::{observe, problem_of_panic, protect};
use crate::openapi;
use crate::state::AppState;

/// Every route of the API, each with its operation in the document.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .routes(routes!(profile::put_me))
        .routes(routes!(graph::follow, graph::unfollow))
        .routes(routes!(graph::block, graph::unblock))
        .routes(routes!(posts::create))
        .routes(routes!(posts::get, posts::delete))
        .routes(routes!(likes::like, likes::unlike))
        .routes(routes!(comments::list, comments::create))
        .routes(routes!(comments::delete))
        .routes(routes!(events::create))
        .routes(routes!(feed::get))
        .routes(routes!(discover::suggested_users))
        .routes(routes!(discover::trending))
        .routes(routes!(openapi::get));
    OpenApiRouter::with_openapi(openapi::frame()).nest("/api/v1", api)
}

/// Every route and page with everything around it.
pub(crate) fn router(state: AppState) -> Router {
    let (api, _document) = routes().split_for_parts();
    api.merge(openapi::page())
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        // The last one is the outermost.
        .layer(from_fn_with_state(state.clone(), protect))
        .layer(CatchPanicLayer::custom(problem_of_panic))
        .layer(from_fn(observe))
        .with_state(state)
}
