//! `PUT`, `DELETE /users/{id}/follow` and `/users/{id}/block`

use axum::extract::State;
use axum::http::StatusCode;
use nova_domain::UserId;

use crate::extract::{Id, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

type Done = Result<StatusCode, Problem>;

/// Follows a user.
pub(crate) async fn follow(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    state.social.follow(viewer, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Follows a user no longer.
pub(crate) async fn unfollow(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    state.social.unfollow(viewer, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Blocks a user.
pub(crate) async fn block(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    state.social.block(viewer, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Blocks a user no longer.
pub(crate) async fn unblock(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(user): Id<UserId>,
) -> Done {
    state.social.unblock(viewer, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
