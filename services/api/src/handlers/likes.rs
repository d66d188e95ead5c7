//! `PUT`, `DELETE /posts/{id}/like`

use axum::extract::State;
use axum::http::StatusCode;
use nova_domain::PostId;

use crate::extract::{Id, Viewer};
use crate::openapi::{problems, tags};
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// Like a post
///
/// Again changes nothing. A post that the viewer may not see is not found.
#[utoipa::path(put, path = "/posts/{id}/like", operation_id = "likePost", tag = tags::POSTS,
    params(("id" = PostId, Path, description = "The post.")),
    responses((status = 204, description = "The viewer likes the post.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound, Kind::ProfileRequired])))))]
pub(crate) async fn like(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
) -> Result<StatusCode, Problem> {
    let write = |state: AppState| async move {
        let written = state.social.like(viewer, post).await?;
        state.own_writes.liked(viewer, post, true, written).await;
        Ok(StatusCode::NO_CONTENT)
    };
    state.write(write).await
}

/// Take a like back
///
/// Also from a post that is no longer visible to the viewer. Again changes nothing.
#[utoipa::path(delete, path = "/posts/{id}/like", operation_id = "unlikePost", tag = tags::POSTS,
    params(("id" = PostId, Path, description = "The post.")),
    responses((status = 204, description = "The viewer does not like the post.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound])))))]
pub(crate) async fn unlike(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
) -> Result<StatusCode, Problem> {
    let write = |state: AppState| async move {
        let written = state.social.unlike(viewer, post).await?;
        state.own_writes.liked(viewer, post, false, written).await;
        Ok(StatusCode::NO_CONTENT)
    };
    state.write(write).await
}
