//! `PUT /users/me`

use axum::Json;
use axum::extract::State;
use nova_domain::{DisplayName, Handle};
use nova_social::Profile;
use serde::Deserialize;

use crate::extract::{Body, Errors, Form, Viewer};
use crate::problem::Problem;
use crate::state::AppState;

/// A profile as a client sends it.
#[derive(Deserialize)]
pub(crate) struct ProfileForm {
    handle: String,
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

/// Creates or updates one's own profile.
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
