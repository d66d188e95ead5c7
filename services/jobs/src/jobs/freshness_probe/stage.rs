//! The accounts of the probe and the post between them, in PostgreSQL: made when they are missing.

use chrono::{TimeDelta, Utc};
use nova_domain::{Caption, DisplayName, Handle, MediaType, NewPost, PostId, Visibility};
use nova_feed::discovery::canary::{self, Canary};
use nova_social::{Social, SocialError};

use crate::error::JobError;

/// A post this old is replaced: it must not leave the window of any source while it is watched.
const POST_LIFE: TimeDelta = TimeDelta::hours(20);

/// Posts looked at; more than one is left over where a run was cut off between making and deleting.
const POSTS: u32 = 10;

pub(super) struct Stage {
    social: Social,
}

impl Stage {
    pub(super) fn new(social: Social) -> Self {
        Self { social }
    }

    /// Makes what is missing: three accounts, two follows, a post younger than a day. Tells the post.
    pub(super) async fn set(&self) -> Result<PostId, JobError> {
        let known = self.social.known_users(&canary::ids()).await?;
        for account in Canary::ALL {
            if !known.contains(&account.id()) {
                self.create(account).await?;
            }
        }
        for follower in [Canary::Viewer, Canary::Liker] {
            self.social
                .follow(follower.id(), Canary::Author.id())
                .await?;
        }
        self.post().await
    }

    async fn create(&self, account: Canary) -> Result<(), JobError> {
        let (Ok(handle), Ok(name)) = (
            Handle::parse(account.handle()),
            DisplayName::parse("Freshness probe"),
        ) else {
            // Both are constants within the limits.
            return Ok(());
        };
        self.social
            .upsert_profile(account.id(), &handle, &name)
            .await?;
        Ok(())
    }

    async fn post(&self) -> Result<PostId, JobError> {
        let author = Canary::Author.id();
        let posts = self.social.newest_posts_of(author, POSTS).await?;
        let mut posts = posts.into_iter();
        let mut old: Vec<PostId> = Vec::new();
        let current = match posts.next() {
            Some((post, at)) if Utc::now() - at < POST_LIFE => post,
            newest => {
                old.extend(newest.map(|(post, _)| post));
                self.write_post().await?
            }
        };
        old.extend(posts.map(|(post, _)| post));
        for post in old {
            self.social.delete_post(author, post).await?;
        }
        Ok(current)
    }

    async fn write_post(&self) -> Result<PostId, JobError> {
        let (Ok(caption), Ok(media_url)) = (
            Caption::parse("Freshness probe"),
            "https://media.example/nova_canary.mp4".parse(),
        ) else {
            // Both are constants within the limits.
            return Err(SocialError::NotFound { what: "post" }.into());
        };
        let post = NewPost {
            caption,
            media_url,
            media_type: MediaType::Video,
            duration_ms: 1_000,
            visibility: Visibility::Followers,
        };
        let created = self
            .social
            .create_post(Canary::Author.id(), &post, None)
            .await?;
        Ok(created.value.post_id)
    }

    pub(super) async fn is_liked(&self, post: PostId) -> Result<bool, JobError> {
        let views = self.social.hydrate(Canary::Liker.id(), &[post]).await?;
        Ok(views.first().is_some_and(|view| view.liked))
    }

    pub(super) async fn set_liked(&self, post: PostId, liked: bool) -> Result<(), JobError> {
        let liker = Canary::Liker.id();
        if liked {
            self.social.like(liker, post).await?;
        } else {
            self.social.unlike(liker, post).await?;
        }
        Ok(())
    }
}
