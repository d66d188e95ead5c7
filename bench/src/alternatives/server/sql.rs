//! The feed as one statement to PostgreSQL.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::answer::{Answer, Counts, Item, ViewerState};

const PAGE: i64 = 20;

#[derive(Debug, FromRow)]
struct Row {
    post_id: Uuid,
    author_id: Uuid,
    caption: String,
    media_url: String,
    media_type: String,
    duration_ms: i32,
    created_at: DateTime<Utc>,
    by_follow: bool,
    by_trending: bool,
    by_affinity: bool,
    score: f64,
    likes: i64,
    comments: i64,
    liked: bool,
}

pub(super) async fn page(
    State(pool): State<PgPool>,
    Path(viewer): Path<Uuid>,
) -> Result<Response, StatusCode> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("../sql/feed.sql"))
        .bind(viewer)
        .bind(PAGE)
        .fetch_all(&pool)
        .await
        .map_err(super::failed)?;
    let items = rows.into_iter().map(Item::from).collect();
    Answer { items }.json()
}

impl From<Row> for Item {
    fn from(row: Row) -> Self {
        let sources = [
            ("follow", row.by_follow),
            ("trending", row.by_trending),
            ("affinity", row.by_affinity),
        ];
        let sources = sources
            .into_iter()
            .filter_map(|(source, by)| by.then_some(source));
        Self {
            post_id: row.post_id,
            author_id: row.author_id,
            caption: row.caption,
            media_url: row.media_url,
            media_type: row.media_type,
            duration_ms: row.duration_ms,
            created_at: row.created_at,
            sources: sources.collect(),
            score: row.score,
            counts: Counts {
                likes: row.likes,
                comments: row.comments,
            },
            viewer: ViewerState { liked: row.liked },
        }
    }
}
