//! `PUT`, `DELETE /posts/{id}/like`

use axum::extract::State;
use axum::http::StatusCode;
use nova_domain::PostId;

use crate::extract::{Id, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// Likes a post.
pub(crate) async fn like(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
) -> Result<StatusCode, Problem> {
    state.social.like(viewer, post).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a like back.
pub(crate) async fn unlike(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
) -> Result<StatusCode, Problem> {
    state.social.unlike(viewer, post).await?;
    Ok(StatusCode::NO_CONTENT)
}
