//! A viewer who follows a dozen authors with two posts each, in PostgreSQL and in ClickHouse.

use nova_domain::{Caption, DisplayName, Handle, MediaType, NewPost, PostId, UserId, Visibility};
use nova_olap::Olap;
use nova_social::Social;

const AUTHORS: usize = 12;
const POSTS_EACH: usize = 2;

/// The viewer.
pub(crate) async fn fill(social: &Social, olap: &Olap) -> anyhow::Result<UserId> {
    let viewer = user(social, "viewer").await?;
    let (mut posts, mut follows) = (Vec::new(), Vec::new());
    for n in 0..AUTHORS {
        let author = user(social, &format!("author{n}")).await?;
        social.follow(viewer, author).await?;
        follows.push(format!("('{viewer}', '{author}', now64(6), 1, 0)"));
        for _ in 0..POSTS_EACH {
            let post = post(social, author).await?;
            posts.push(format!(
                "('{post}', '{author}', '', '', 'video', 15000, 'public', now64(6), now64(6), NULL, 1, 0)"
            ));
        }
    }
    for (table, rows) in [("follows_cdc", follows), ("posts_cdc", posts)] {
        let insert = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
        olap.client().query(&insert).execute().await?;
    }
    Ok(viewer)
}

async fn user(social: &Social, handle: &str) -> anyhow::Result<UserId> {
    let user = UserId::generate();
    let (handle, name) = (Handle::parse(handle)?, DisplayName::parse(handle)?);
    social.upsert_profile(user, &handle, &name).await?;
    Ok(user)
}

async fn post(social: &Social, author: UserId) -> anyhow::Result<PostId> {
    let post = NewPost {
        caption: Caption::parse(
            "A caption of some length, as people write them below their videos.",
        )?,
        media_url: "https://media.example/0190b5a0-0000-7000-8000-00000000000a.mp4".parse()?,
        media_type: MediaType::Video,
        duration_ms: 15_000,
        visibility: Visibility::Public,
    };
    let created = social.create_post(author, &post, None).await?;
    Ok(created.value.post_id)
}
