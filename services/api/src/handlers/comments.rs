//! `POST`, `GET /posts/{id}/comments`, `DELETE /comments/{id}`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use nova_domain::{CommentBody, CommentId, PostId};
use nova_social::Comment;
use serde::{Deserialize, Serialize};

use super::created;
use crate::extract::{Body, Errors, Form, Id, Key, Query, Viewer, decode_cursor, encode_cursor};
use crate::problem::Problem;
use crate::state::AppState;

/// A comment as a client sends it.
#[derive(Deserialize)]
pub(crate) struct CommentForm {
    body: String,
}

impl Form for CommentForm {
    type Value = CommentBody;

    fn check(self, errors: &mut Errors) -> Option<CommentBody> {
        errors.take("/body", CommentBody::parse(self.body))
    }
}

/// A page of comments.
#[derive(Serialize)]
pub(crate) struct CommentsAnswer {
    /// Newest first.
    items: Vec<Comment>,
    /// The `cursor` of the next page; null on the last.
    next_cursor: Option<String>,
}

/// Comments a post.
pub(crate) async fn create(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
    Key(key): Key,
    Body(body): Body<CommentForm>,
) -> Result<Response, Problem> {
    let made = state
        .social
        .create_comment(viewer, post, &body, key.as_ref())
        .await?;
    Ok(created(&made, HeaderMap::new()))
}

/// The comments on a post that the viewer may see.
pub(crate) async fn list(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
    query: Query,
) -> Result<Json<CommentsAnswer>, Problem> {
    let limit = query.number("limit", 20, 1..=100)?;
    let after = match query.get("cursor")? {
        None => None,
        Some(text) => Some(decode_cursor(text).ok_or_else(|| {
            Problem::parameter("cursor", "is not the next_cursor of a page of comments")
        })?),
    };
    let page = state
        .social
        .list_comments(viewer, post, after, limit)
        .await?;
    Ok(Json(CommentsAnswer {
        items: page.comments,
        next_cursor: page.next.as_ref().map(encode_cursor),
    }))
}

/// Deletes a comment that the viewer wrote, or that is on a post of the viewer.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(comment): Id<CommentId>,
) -> Result<StatusCode, Problem> {
    state.social.delete_comment(viewer, comment).await?;
    Ok(StatusCode::NO_CONTENT)
}
