//! Who may be suggested, on a real PostgreSQL.

use nova_domain::{Caption, DisplayName, Handle, MediaType, NewPost, UserId, Visibility};
use nova_social::{PoolConfig, Social, UserNames, migrate};
use nova_testbed::Stack;

async fn start() -> anyhow::Result<(Stack, Social)> {
    let stack = nova_testbed::postgres().await?;
    let social = Social::new(PoolConfig::default().connect_lazy(&stack.endpoints().postgres)?);
    migrate(social.pool(), "a password").await?;
    Ok((stack, social))
}

async fn user(social: &Social, handle: &str) -> anyhow::Result<UserId> {
    let (user, name) = (UserId::generate(), DisplayName::parse(handle)?);
    social
        .upsert_profile(user, &Handle::parse(handle)?, &name)
        .await?;
    Ok(user)
}

fn ids(users: &[UserNames]) -> Vec<UserId> {
    users.iter().map(|user| user.user_id).collect()
}

#[tokio::test]
async fn only_strangers_who_exist_and_are_not_blocked_are_suggestable() -> anyhow::Result<()> {
    let (_stack, social) = start().await?;
    let viewer = user(&social, "viewer").await?;
    let mut others = Vec::new();
    for n in 0..6 {
        others.push(user(&social, &format!("other_{n}")).await?);
    }
    let asked = [
        others[3],
        viewer,
        UserId::generate(),
        others[0],
        others[5],
        others[1],
        others[2],
        others[4],
    ];
    social.follow(viewer, others[0]).await?;
    social.follow(others[1], viewer).await?;
    social.block(viewer, others[2]).await?;
    social.block(others[5], viewer).await?;
    let found = social.suggestable_users(viewer, &asked).await?;
    assert_eq!(ids(&found), [others[3], others[1], others[4]], "in order");
    assert_eq!(
        (found[0].handle.as_str(), found[0].display_name.as_str()),
        ("other_3", "other_3")
    );
    assert_eq!(social.suggestable_users(viewer, &[]).await?, []);
    Ok(())
}

#[tokio::test]
async fn the_most_followed_come_first_without_those_who_are_excepted() -> anyhow::Result<()> {
    let (_stack, social) = start().await?;
    let mut stars = Vec::new();
    for n in 0..6 {
        stars.push(user(&social, &format!("star_{n}")).await?);
    }
    for fan in 0..5 {
        let fan = user(&social, &format!("fan_{fan}")).await?;
        for star in &stars {
            social.follow(fan, *star).await?;
        }
    }
    let top = user(&social, "top_fan").await?;
    social.follow(top, stars[2]).await?;
    let found = social.most_followed_users(&[stars[3]], 10).await?;
    let found: Vec<(UserId, u64)> = found
        .into_iter()
        .map(|user| (user.user_id, user.followers))
        .collect();
    // Ids made later are greater.
    let of_five = [stars[5], stars[4], stars[1], stars[0]].map(|star| (star, 5));
    assert_eq!(found, [[(stars[2], 6)].as_slice(), &of_five].concat());
    let one = social.most_followed_users(&[stars[3]], 1).await?;
    assert_eq!(one.len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_newest_posts_of_an_author_leave_the_deleted_out() -> anyhow::Result<()> {
    let (_stack, social) = start().await?;
    let author = user(&social, "author").await?;
    let post = NewPost {
        caption: Caption::parse("hello")?,
        media_url: "https://media.example/v/1.mp4".parse()?,
        media_type: MediaType::Video,
        duration_ms: 15_000,
        visibility: Visibility::Private,
    };
    let mut posts = Vec::new();
    for _ in 0..4 {
        let created = social.create_post(author, &post, None).await?.value;
        posts.push((created.post_id, created.created_at));
    }
    social.delete_post(author, posts[3].0).await?;
    let found = social.newest_posts_of(author, 2).await?;
    assert_eq!(found, [posts[2], posts[1]]);
    assert_eq!(social.newest_posts_of(UserId::generate(), 2).await?, []);
    Ok(())
}
