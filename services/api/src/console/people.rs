//! Who there is, and tokens to act as them.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use nova_domain::{ParseIdError, UserId};
use serde::Serialize;
use uuid::Uuid;

use super::Console;
use crate::auth;
use crate::extract::{Number, Query};
use crate::problem::Problem;

/// How long PostgreSQL may take; the page goes on without.
const DEADLINE: Duration = Duration::from_secs(2);
/// The page asks for another token when one is refused.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
const LIMIT: Number = Number {
    name: "limit",
    description: "The most users of the list.",
    default: 50,
    range: 1..=100,
};
/// As many as one page of a feed can have authors.
const MAX_NAMES: usize = 100;
/// Of a search; longer than any handle.
const MAX_SEARCH_CHARS: usize = 100;

/// A user to choose.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct User {
    user_id: Uuid,
    handle: String,
    display_name: String,
    following: i64,
    followers: i64,
    posts: i64,
    likes: i64,
}

/// What the page shows of an author, and how the viewer stands to them.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct Name {
    user_id: Uuid,
    handle: String,
    display_name: String,
    followed: bool,
    blocked: bool,
}

/// `GET users?q=&limit=`: users whose handle or name contains `q`, or whose id it is; those with most to see first.
pub(super) async fn users(
    State(console): State<Console>,
    query: Query,
) -> Result<Json<Vec<User>>, Problem> {
    let limit = query.number(&LIMIT)?;
    let search = query.get("q")?.unwrap_or_default().trim().to_lowercase();
    let search: String = search.chars().take(MAX_SEARCH_CHARS).collect();
    let found = sqlx::query_as(include_str!("sql/users.sql"))
        .bind(search.strip_prefix('@').unwrap_or(&search))
        .bind(search.parse::<Uuid>().ok())
        .bind(i64::from(limit))
        .fetch_all(console.sources.social.pool());
    Ok(Json(within(found).await?))
}

/// `GET users/{viewer}/names?ids=a,b,…`: the names of some authors, and whom the viewer blocks beside them.
pub(super) async fn names(
    State(console): State<Console>,
    Path(viewer): Path<String>,
    query: Query,
) -> Result<Json<HashMap<Uuid, Name>>, Problem> {
    let viewer: UserId = viewer.parse()?;
    let ids = query
        .get("ids")?
        .unwrap_or_default()
        .split(',')
        .filter(|id| !id.is_empty())
        .take(MAX_NAMES)
        .map(|id| id.parse::<UserId>().map(UserId::uuid))
        .collect::<Result<Vec<_>, ParseIdError>>()?;
    let found = sqlx::query_as(include_str!("sql/names.sql"))
        .bind(viewer.uuid())
        .bind(ids)
        .fetch_all(console.sources.social.pool());
    let names: Vec<Name> = within(found).await?;
    Ok(Json(
        names.into_iter().map(|name| (name.user_id, name)).collect(),
    ))
}

/// A token and how long it is good for.
#[derive(Serialize)]
pub(super) struct Token {
    token: String,
    expires_in: u64,
}

/// `POST users/{id}/token`: what `nova token` prints. Needs no server.
pub(super) async fn token(
    State(console): State<Console>,
    Path(user): Path<String>,
) -> Result<Json<Token>, Problem> {
    let config = &console.config;
    let token = auth::sign_for(
        config.secret.expose().as_bytes(),
        user.parse()?,
        TOKEN_LIFETIME,
        config.audience.as_deref(),
    )
    .map_err(Problem::internal)?;
    Ok(Json(Token {
        token,
        expires_in: TOKEN_LIFETIME.as_secs(),
    }))
}

async fn within<T>(
    query: impl Future<Output = Result<T, sqlx::Error>> + Send,
) -> Result<T, Problem> {
    match tokio::time::timeout(DEADLINE, query).await {
        Ok(found) => found.map_err(Problem::unavailable),
        Err(elapsed) => Err(Problem::unavailable(elapsed)),
    }
}
