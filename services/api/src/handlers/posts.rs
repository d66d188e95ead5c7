//! `POST /posts`, `GET`, `DELETE /posts/{id}`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use nova_domain::{Caption, MAX_DURATION_MS, MediaType, MediaUrl, NewPost, PostId, Visibility};
use nova_social::PostView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use super::created;
use crate::extract::{Body, Errors, Form, Id, Key, Viewer};
use crate::openapi::{problems, tags};
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// A post as a client sends it.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewPost)]
pub(crate) struct PostForm {
    #[schema(value_type = Caption)]
    caption: String,
    #[schema(value_type = MediaUrl)]
    media_url: String,
    #[schema(value_type = MediaType)]
    media_type: String,
    #[schema(schema_with = duration_schema)]
    duration_ms: Option<i64>,
    #[schema(value_type = Visibility)]
    visibility: String,
}

fn duration_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
        .minimum(Some(0))
        .maximum(Some(MAX_DURATION_MS))
        .description(Some(
            "Length in milliseconds. Needed for a video; 0 or left out for a picture.",
        ))
}

impl Form for PostForm {
    type Value = NewPost;

    fn check(self, errors: &mut Errors) -> Option<NewPost> {
        let caption = errors.take("/caption", Caption::parse(self.caption));
        let media_url = errors.take("/media_url", self.media_url.parse());
        let media_type = errors.take("/media_type", self.media_type.parse());
        let duration_ms = errors.take("/duration_ms", duration(self.duration_ms, media_type));
        let visibility = errors.take("/visibility", self.visibility.parse());
        Some(NewPost {
            caption: caption?,
            media_url: media_url?,
            media_type: media_type?,
            duration_ms: duration_ms?,
            visibility: visibility?,
        })
    }
}

fn duration(given: Option<i64>, media_type: Option<MediaType>) -> Result<u32, String> {
    let out_of_range = || format!("must be a whole number from 0 to {MAX_DURATION_MS}");
    match (given, media_type) {
        (None, Some(MediaType::Video)) => Err("is needed for a video".to_owned()),
        (Some(1..), Some(MediaType::Image)) => Err("must be 0 for an image".to_owned()),
        (given, _) => match u32::try_from(given.unwrap_or(0)) {
            Ok(ms) if ms <= MAX_DURATION_MS => Ok(ms),
            _ => Err(out_of_range()),
        },
    }
}

/// Make a post
#[utoipa::path(post, path = "/posts", operation_id = "createPost", tag = tags::POSTS,
    params(Key),
    request_body(content = PostForm, description = "The post."),
    responses((status = 201, description = "The post was made, now or by the same request before.", body = PostView,
        headers(
            ("Location" = String, description = "The path of the post."),
            ("Idempotent-Replayed" = bool, description = "`true` when an earlier request with the same key made it.")
        ))),
    extensions(("x-problems" = json!(problems(&[Kind::ProfileRequired, Kind::IdempotencyConflict])))))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Key(key): Key,
    Body(post): Body<PostForm>,
) -> Result<Response, Problem> {
    let made = state
        .social
        .create_post(viewer, &post, key.as_ref())
        .await?;
    let location = format!("/api/v1/posts/{}", made.value.post_id);
    let mut headers = HeaderMap::new();
    headers.insert(
        header::LOCATION,
        HeaderValue::from_str(&location).map_err(Problem::internal)?,
    );
    Ok(created(&made, headers))
}

/// Read a post
///
/// A post that the viewer may not see is not found.
#[utoipa::path(get, path = "/posts/{id}", operation_id = "getPost", tag = tags::POSTS,
    params(("id" = PostId, Path, description = "The post.")),
    responses((status = 200, description = "The post as the viewer sees it.", body = PostView)),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound])))))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
) -> Result<Json<PostView>, Problem> {
    Ok(Json(state.social.get_post(viewer, post).await?))
}

/// Delete one's own post
///
/// Again changes nothing.
#[utoipa::path(delete, path = "/posts/{id}", operation_id = "deletePost", tag = tags::POSTS,
    params(("id" = PostId, Path, description = "The post.")),
    responses((status = 204, description = "The post is deleted.")),
    extensions(("x-problems" = json!(problems(&[Kind::NotFound])))))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Id(post): Id<PostId>,
) -> Result<StatusCode, Problem> {
    let write = |state: AppState| async move {
        let written = state.social.delete_post(viewer, post).await?;
        state.own_writes.deleted(post, written).await;
        Ok(StatusCode::NO_CONTENT)
    };
    state.write(write).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_has_a_length_and_a_picture_has_none() {
        let (video, image) = (Some(MediaType::Video), Some(MediaType::Image));
        assert_eq!(duration(Some(15_000), video), Ok(15_000));
        assert_eq!(duration(Some(3_600_000), video), Ok(MAX_DURATION_MS));
        assert_eq!(duration(None, image), Ok(0));
        assert_eq!(duration(Some(0), image), Ok(0));
        for (bad, kind) in [
            (None, video),
            (Some(1), image),
            (Some(-1), video),
            (Some(3_600_001), video),
            (Some(i64::MAX), None),
        ] {
            assert!(duration(bad, kind).is_err(), "{bad:?} {kind:?}");
        }
    }
}
