//! `PUT`, `DELETE /users/{id}/follow` and `/users/{id}/block`

use axum::extract::State;
use axum::http::StatusCode;
use nova_domain::UserId;

use crate::extract::{Id, Viewer};
use crate::openapi::{problems, tags};
use crate::problem::{Kind, Problem};
use crate::state::AppState;

type Done = Result<StatusCode, Problem>;

/// Follow a user
///
/// Again changes nothing. Whoever has blocked the viewer, or is blocked by them, is not found.
#[utoipa::path(put, path = "/users/{id}/follow", operation_id = "followUser", tag = tags::USERS,
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 204, description = "The viewer follows the user.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound, Kind::SelfReference, Kind::ProfileRequired])))))]
pub(crate) async fn follow(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    let write = |state: AppState| async move {
        let written = state.social.follow(viewer, user).await?;
        state.own_writes.followed(viewer, user, true, written).await;
        Ok(StatusCode::NO_CONTENT)
    };
    state.write(write).await
}

/// Unfollow a user
///
/// Again changes nothing.
#[utoipa::path(delete, path = "/users/{id}/follow", operation_id = "unfollowUser", tag = tags::USERS,
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 204, description = "The viewer does not follow the user.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound, Kind::SelfReference])))))]
pub(crate) async fn unfollow(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    let write = |state: AppState| async move {
        let written = state.social.unfollow(viewer, user).await?;
        state
            .own_writes
            .followed(viewer, user, false, written)
            .await;
        Ok(StatusCode::NO_CONTENT)
    };
    state.write(write).await
}

/// Block a user
///
/// Neither sees the posts and comments of the other from then on, and neither follows the other any longer. Again
/// changes nothing.
#[utoipa::path(put, path = "/users/{id}/block", operation_id = "blockUser", tag = tags::USERS,
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 204, description = "The user is blocked.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound, Kind::SelfReference, Kind::ProfileRequired])))))]
pub(crate) async fn block(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    let write = |state: AppState| async move {
        let written = state.social.block(viewer, user).await?;
        state.own_writes.blocked(viewer, user, written).await;
        Ok(StatusCode::NO_CONTENT)
    };
    state.write(write).await
}

/// Unblock a user
///
/// Follows that the block removed stay removed. Again changes nothing.
#[utoipa::path(delete, path = "/users/{id}/block", operation_id = "unblockUser", tag = tags::USERS,
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 204, description = "The user is not blocked by the viewer.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound, Kind::SelfReference])))))]
pub(crate) async fn unblock(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    let write = |state: AppState| async move {
        let left = state.social.unblock(viewer, user).await?;
        state.own_writes.unblocked(viewer, user, left).await;
        Ok(StatusCode::NO_CONTENT)
    };
    state.write(write).await
}
