//! PostgreSQL as a case has it.

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{Candidate, PostId, UserId};
use nova_feed::Posts;
use nova_olap::SourceLimits;
use nova_social::{PostVerdict, PostView, SocialError, Verdicts};

use super::brute::{Post, newest_first};
use super::graph::{Postgres, Word};

impl Postgres {
    fn answers(&self) -> Result<(), SocialError> {
        if self.up {
            Ok(())
        } else {
            Err(SocialError::Unavailable("down".into()))
        }
    }

    /// What authors posted within a window, newest first.
    pub(crate) fn recent(
        &self,
        of: impl Fn(&Post) -> bool,
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> Vec<Post> {
        let after = now - TimeDelta::hours(i64::from(limits.window_hours));
        let until = now + TimeDelta::hours(1);
        let mut found: Vec<Post> = self
            .posts
            .iter()
            .filter(|p| of(p) && p.created_at > after && p.created_at <= until)
            .copied()
            .collect();
        newest_first(&mut found);
        found.truncate(limits.max_posts as usize);
        found
    }
}

impl Posts for Postgres {
    async fn verdicts(&self, _: UserId, posts: &[PostId]) -> Result<Verdicts, SocialError> {
        self.answers()?;
        let verdict = |word: &Word| PostVerdict {
            visible: word.visible,
            deleted: word.deleted,
            blocked: word.blocked,
            liked: word.liked,
            visibility: word.visibility.parse().unwrap(),
        };
        let posts = posts
            .iter()
            .filter_map(|post| Some((*post, verdict(self.words.get(&post.uuid())?))))
            .collect();
        Ok(Verdicts {
            posts,
            blocks: Some(self.blocks.iter().copied().map(UserId::new).collect()),
        })
    }

    async fn hydrate(&self, _: UserId, _: &[PostId]) -> Result<Vec<PostView>, SocialError> {
        unreachable!("a ranking does not hydrate")
    }

    async fn follow_feed(
        &self,
        _: UserId,
        _: DateTime<Utc>,
        _: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        unreachable!("a ranking asks ClickHouse")
    }

    async fn recent_posts_of(
        &self,
        authors: &[UserId],
        now: DateTime<Utc>,
        limits: SourceLimits,
    ) -> Result<Vec<Candidate>, SocialError> {
        self.answers()?;
        assert!(!authors.is_empty(), "asked for nobody's posts");
        let of = |post: &Post| authors.contains(&post.author_id.into());
        let candidate = |post: Post| Candidate {
            post_id: post.post_id.into(),
            author_id: post.author_id.into(),
            created_at: post.created_at,
        };
        let found = self.recent(of, now, limits);
        Ok(found.into_iter().map(candidate).collect())
    }
}
