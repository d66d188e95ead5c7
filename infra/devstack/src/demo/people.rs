//! Whom the demonstration shows.

use std::collections::HashMap;

use anyhow::Context as _;
use nova_domain::{PostId, UserId};
use uuid::Uuid;

use super::client::Client;

#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) handle: String,
}

/// A user with something to see.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    pub(super) person: Person,
    pub(super) follows: i64,
    pub(super) likes: i64,
}

pub(super) async fn viewer(client: &Client) -> anyhow::Result<Viewer> {
    let found: Option<(Uuid, String, i64, i64)> = sqlx::query_as(include_str!("sql/viewer.sql"))
        .fetch_optional(&client.postgres)
        .await?;
    let (id, handle, follows, likes) = found.context("there is no user")?;
    let id = UserId::new(id);
    Ok(Viewer {
        person: Person { id, handle },
        follows,
        likes,
    })
}

/// Somebody else who can like this post.
pub(super) async fn liker(
    client: &Client,
    viewer: UserId,
    post: PostId,
) -> anyhow::Result<Option<Person>> {
    let found: Option<(Uuid, String)> = sqlx::query_as(include_str!("sql/liker.sql"))
        .bind(viewer.uuid())
        .bind(post.uuid())
        .fetch_optional(&client.postgres)
        .await?;
    Ok(found.map(|(id, handle)| Person {
        id: UserId::new(id),
        handle,
    }))
}

pub(super) async fn handles(
    client: &Client,
    users: impl IntoIterator<Item = UserId>,
) -> anyhow::Result<HashMap<UserId, String>> {
    let users: Vec<Uuid> = users.into_iter().map(UserId::uuid).collect();
    let found: Vec<(Uuid, String)> = sqlx::query_as(include_str!("sql/handles.sql"))
        .bind(users)
        .fetch_all(&client.postgres)
        .await?;
    Ok(found
        .into_iter()
        .map(|(id, handle)| (UserId::new(id), handle))
        .collect())
}
