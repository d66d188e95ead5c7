//! A page as the alternatives answer it: the fields of Nova's answer that they have.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// Of a page with captions of usual length.
const PAGE_BYTES: usize = 14 << 10;

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) items: Vec<Item>,
}

#[derive(Debug, Serialize)]
pub(super) struct Item {
    pub(super) post_id: Uuid,
    pub(super) author_id: Uuid,
    pub(super) caption: String,
    pub(super) media_url: String,
    pub(super) media_type: String,
    pub(super) duration_ms: i32,
    pub(super) created_at: DateTime<Utc>,
    pub(super) sources: Vec<&'static str>,
    pub(super) score: f64,
    pub(super) counts: Counts,
    pub(super) viewer: ViewerState,
}

#[derive(Debug, Serialize)]
pub(super) struct Counts {
    pub(super) likes: i64,
    pub(super) comments: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct ViewerState {
    pub(super) liked: bool,
}

impl Answer {
    pub(super) fn json(&self) -> Result<Response, StatusCode> {
        let mut body = Vec::with_capacity(PAGE_BYTES);
        serde_json::to_writer(&mut body, self).map_err(super::failed)?;
        Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
    }
}
