//! `PUT /users/me`

use axum::Json;
use axum::extract::State;
use nova_domain::{DisplayName, Handle};
use nova_social::Profile;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{Body, Errors, Form, Viewer};
use crate::openapi::{problems, tags};
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// A profile as a client sends it.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewProfile)]
pub(crate) struct ProfileForm {
    #[schema(value_type = Handle)]
    handle: String,
    #[schema(value_type = DisplayName)]
    display_name: String,
}

impl Form for ProfileForm {
    type Value = (Handle, DisplayName);

    fn check(self, errors: &mut Errors) -> Option<Self::Value> {
        let handle = errors.take("/handle", Handle::parse(self.handle));
        let display_name = errors.take("/display_name", DisplayName::parse(self.display_name));
        Some((handle?, display_name?))
    }
}

/// Create or update one's own profile
///
/// Writing, liking, following and commenting need one. The same profile again changes nothing.
#[utoipa::path(put, path = "/users/me", operation_id = "putProfile", tag = tags::USERS,
    request_body(content = ProfileForm, description = "The profile."),
    responses((status = 200, description = "The profile as it is now.", body = Profile)),
    extensions(("x-problems" = json!(problems(&[Kind::HandleTaken])))))]
pub(crate) async fn put_me(
    State(state): State<AppState>,
    Viewer(viewer): Viewer,
    Body((handle, display_name)): Body<ProfileForm>,
) -> Result<Json<Profile>, Problem> {
    Ok(Json(
        state
            .social
            .upsert_profile(viewer, &handle, &display_name)
            .await?,
    ))
}
