//! The routes.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use crate::handlers::{comments, events, fallback, feed, graph, likes, posts, profile};
use crate::middleware::{observe, problem_of_panic, protect};
use crate::state::AppState;

/// Every route with everything around it.
pub(crate) fn router(state: AppState) -> Router {
    let api = Router::new()
        .route("/users/me", put(profile::put_me))
        .route(
            "/users/{id}/follow",
            put(graph::follow).delete(graph::unfollow),
        )
        .route(
            "/users/{id}/block",
            put(graph::block).delete(graph::unblock),
        )
        .route("/posts", post(posts::create))
        .route("/posts/{id}", get(posts::get).delete(posts::delete))
        .route("/posts/{id}/like", put(likes::like).delete(likes::unlike))
        .route(
            "/posts/{id}/comments",
            get(comments::list).post(comments::create),
        )
        .route("/comments/{id}", delete(comments::delete))
        .route("/events", post(events::create))
        .route("/feed", get(feed::get));
    Router::new()
        .nest("/api/v1", api)
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        // The last one is the outermost.
        .layer(from_fn_with_state(state.clone(), protect))
        .layer(CatchPanicLayer::custom(problem_of_panic))
        .layer(from_fn(observe))
        .with_state(state)
}
