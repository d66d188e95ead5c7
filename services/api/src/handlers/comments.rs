//! `POST`, `GET /posts/{id}/comments`, `DELETE /comments/{id}`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use nova_domain::{CommentBody, CommentId, PostId};
use nova_social::Comment;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use super::created;
use crate::extract::{
    Body, Cursor, Errors, Form, Id, Key, Number, Query, Viewer, decode_cursor, encode_cursor,
};
use crate::openapi::{problems, tags};
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// A comment as a client sends it.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewComment)]
pub(crate) struct CommentForm {
    #[schema(value_type = CommentBody)]
    body: String,
}

impl Form for CommentForm {
    type Value = CommentBody;

    fn check(self, errors: &mut Errors) -> Option<CommentBody> {
        errors.take("/body", CommentBody::parse(self.body))
    }
}

/// A page of comments.
#[derive(Serialize, ToSchema)]
#[schema(as = CommentPage)]
pub(crate) struct CommentsAnswer {
    /// Newest first.
    items: Vec<Comment>,
    /// The `cursor` of the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

const LIMIT: Number = Number {
    name: "limit",
    description: "The most comments of the page.",
    default: 20,
    range: 1..=100,
};
const CURSOR: Cursor = Cursor {
    description: "The `next_cursor` of the page before.",
};

/// The query parameters of [`list`].
pub(crate) struct ListQuery;

impl IntoParams for ListQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![LIMIT.documented(), CURSOR.documented()]
    }
}

/// Comment a post
///
/// A post that the viewer may not see is not found.
#[utoipa::path(post, path = "/posts/{id}/comments", operation_id = "createComment", tag = tags::COMMENTS,
    params(("id" = PostId, Path, description = "The post."), Key),
    request_body(content = CommentForm, description = "The comment."),
    responses((status = 201, description = "The comment was written, now or by the same request before.", body = Comment,
        headers(("Idempotent-Replayed" = bool, description = "`true` when an earlier request with the same key made it.")))),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound, Kind::ProfileRequired, Kind::IdempotencyConflict])))))]
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

/// List the comments on a post
///
/// Newest first. Comments of users whom a block parts from the viewer are left out.
#[utoipa::path(get, path = "/posts/{id}/comments", operation_id = "listComments", tag = tags::COMMENTS,
    params(("id" = PostId, Path, description = "The post."), ListQuery),
    responses((status = 200, description = "A page of comments.", body = CommentsAnswer)),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound])))))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
    query: Query,
) -> Result<Json<CommentsAnswer>, Problem> {
    let limit = query.number(&LIMIT)?;
    let after = match query.get(Cursor::NAME)? {
        None => None,
        Some(text) => Some(decode_cursor(text).ok_or_else(|| {
            Problem::parameter(Cursor::NAME, "is not the next_cursor of a page of comments")
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

/// Delete a comment
///
/// One that the viewer wrote, or that is on a post of the viewer. A comment that is deleted already is not found.
#[utoipa::path(delete, path = "/comments/{id}", operation_id = "deleteComment", tag = tags::COMMENTS,
    params(("id" = CommentId, Path, description = "The comment.")),
    responses((status = 204, description = "The comment is deleted.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound])))))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(comment): Id<CommentId>,
) -> Result<StatusCode, Problem> {
    state.social.delete_comment(viewer, comment).await?;
    Ok(StatusCode::NO_CONTENT)
}
