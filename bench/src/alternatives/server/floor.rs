//! The floor: what a hit sends to Redis, and an answer of the size of the one that Nova gave.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use bytes::Bytes;
use nova_cache::{PageKey, look_commands};
use nova_domain::{PostId, UserId};
use redis::aio::MultiplexedConnection;
use uuid::Uuid;

use crate::alternatives::plan::Page;
use crate::link;

const FIRST: PageKey = PageKey {
    offset: 0,
    limit: 20,
};

/// The pages it knows.
#[derive(Debug)]
pub(super) struct Floor {
    redis: MultiplexedConnection,
    pages: HashMap<UserId, (Vec<PostId>, Bytes)>,
}

impl Floor {
    pub(super) fn new(redis: MultiplexedConnection, pages: Vec<Page>) -> Self {
        let pages = pages
            .into_iter()
            .map(|page| (page.viewer, (page.posts, Bytes::from(page.body))));
        Self {
            redis,
            pages: pages.collect(),
        }
    }
}

pub(super) async fn page(
    State(floor): State<Arc<Floor>>,
    Path(viewer): Path<Uuid>,
) -> Result<impl IntoResponse, StatusCode> {
    let viewer = UserId::new(viewer);
    let (posts, body) = floor.pages.get(&viewer).ok_or(StatusCode::NOT_FOUND)?;
    // The very commands of a hit, made for each request as a hit does.
    let commands = look_commands(viewer, FIRST, Some(posts));
    let replies = link::ask(&mut floor.redis.clone(), &commands)
        .await
        .map_err(super::failed)?;
    if replies.len() != commands.len() {
        return Err(super::failed("not as many answers as commands"));
    }
    Ok(([(CONTENT_TYPE, "application/json")], body.clone()))
}
