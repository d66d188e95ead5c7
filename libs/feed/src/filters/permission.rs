//! What the viewer may see, as far as it is known.
//!
//! PostgreSQL's word counts: ClickHouse follows within a fraction of a second, PostgreSQL is the source. Where it cannot
//! answer the ranking goes on with what is safe: blocks as they were at the viewer's last ranking, deletions as Redis
//! has them, followers-only posts only as far as no follow was undone just now. Where not even the blocks are known,
//! only posts of followed authors are kept, because a block ends a follow.

use std::collections::HashSet;

use nova_cache::Overlay;
use nova_domain::{PostId, Source, UserId, Visibility};
use nova_ranking::Merged;
use nova_social::{PostVerdict, Verdicts};

/// Who says what may be shown.
#[derive(Debug)]
pub(crate) struct Permission<'a> {
    /// What the viewer did lately.
    overlay: &'a Overlay,
    word: Word<'a>,
}

#[derive(Debug)]
enum Word<'a> {
    /// PostgreSQL does.
    Given(&'a Verdicts),
    /// It cannot.
    Guessed {
        /// Everybody blocked either way, as of the viewer's last ranking.
        blocks: Option<HashSet<UserId>>,
        /// Posts that Redis knows to be deleted.
        deleted: &'a HashSet<PostId>,
    },
}

impl<'a> Permission<'a> {
    /// By PostgreSQL.
    pub(crate) const fn given(overlay: &'a Overlay, verdicts: &'a Verdicts) -> Self {
        Self {
            overlay,
            word: Word::Given(verdicts),
        }
    }

    /// Without it.
    pub(crate) const fn guessed(
        overlay: &'a Overlay,
        blocks: Option<HashSet<UserId>>,
        deleted: &'a HashSet<PostId>,
    ) -> Self {
        Self {
            overlay,
            word: Word::Guessed { blocks, deleted },
        }
    }

    fn verdict(verdicts: &Verdicts, post: &Merged) -> Option<PostVerdict> {
        verdicts.posts.get(&post.candidate.post_id).copied()
    }

    /// Whether there is a block between viewer and author. One that was made just now counts whoever says otherwise.
    pub(crate) fn blocked(&self, post: &Merged) -> bool {
        let author = post.candidate.author_id;
        let lately = self.overlay.blocks.get(&author).copied();
        if lately == Some(true) {
            return true;
        }
        match &self.word {
            Word::Given(verdicts) => Self::verdict(verdicts, post).is_some_and(|v| v.blocked),
            Word::Guessed {
                blocks: Some(blocks),
                ..
            } => lately.is_none() && blocks.contains(&author),
            Word::Guessed { blocks: None, .. } => !post.sources.contains(Source::Follow),
        }
    }

    /// Whether the post's visibility lets the viewer see it. Blocks and deletions are told by the others.
    pub(crate) fn meant_for_viewer(&self, post: &Merged) -> bool {
        match &self.word {
            Word::Given(verdicts) => {
                Self::verdict(verdicts, post).is_none_or(|v| v.visible || v.deleted || v.blocked)
            }
            // Trending posts are public. The other sources asked ClickHouse who follows whom.
            Word::Guessed { .. } => {
                let undone = self.overlay.follows.get(&post.candidate.author_id) == Some(&false);
                !undone || post.sources.contains(Source::Trending)
            }
        }
    }

    /// Whether the post is deleted or never was.
    pub(crate) fn deleted(&self, post: &Merged) -> bool {
        match &self.word {
            Word::Given(verdicts) => Self::verdict(verdicts, post).is_none_or(|v| v.deleted),
            Word::Guessed { deleted, .. } => deleted.contains(&post.candidate.post_id),
        }
    }

    /// Whether the viewer likes it; without PostgreSQL only what was liked just now.
    pub(crate) fn liked(&self, post: PostId) -> bool {
        match &self.word {
            Word::Given(verdicts) => verdicts.posts.get(&post).is_some_and(|v| v.liked),
            Word::Guessed { .. } => self.overlay.likes.get(&post) == Some(&true),
        }
    }

    /// Who may see it; without PostgreSQL, the fewest whom it may be for.
    pub(crate) fn visibility(&self, post: &Merged) -> Visibility {
        match &self.word {
            Word::Given(verdicts) => {
                Self::verdict(verdicts, post).map_or(Visibility::Private, |v| v.visibility)
            }
            Word::Guessed { .. } if post.sources.contains(Source::Trending) => Visibility::Public,
            Word::Guessed { .. } => Visibility::Followers,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chrono::DateTime;
    use nova_domain::{Candidate, SourceSet};
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    /// Post `n` of author `n`.
    fn post(n: u128, source: Source) -> Merged {
        Merged {
            candidate: Candidate {
                post_id: PostId::new(Uuid::from_u128(n)),
                author_id: user(n),
                created_at: DateTime::UNIX_EPOCH,
            },
            sources: SourceSet::of(source),
        }
    }

    fn verdict(visible: bool, deleted: bool, blocked: bool) -> PostVerdict {
        PostVerdict {
            visible,
            deleted,
            blocked,
            liked: false,
            visibility: Visibility::Public,
        }
    }

    fn shown(permission: &Permission<'_>, post: &Merged) -> bool {
        !permission.blocked(post) && permission.meant_for_viewer(post) && !permission.deleted(post)
    }

    #[test]
    fn what_is_shown_is_what_postgresql_calls_visible() {
        let mut verdicts = Verdicts::default();
        let mut n = 0;
        for deleted in [false, true] {
            for blocked in [false, true] {
                for visible in [false, !deleted && !blocked] {
                    n += 1;
                    let id = post(n, Source::Affinity).candidate.post_id;
                    verdicts
                        .posts
                        .insert(id, verdict(visible, deleted, blocked));
                }
            }
        }
        let overlay = Overlay::default();
        let permission = Permission::given(&overlay, &verdicts);
        for n in 1..=n {
            let post = post(n, Source::Affinity);
            let visible = verdicts.posts[&post.candidate.post_id].visible;
            assert_eq!(shown(&permission, &post), visible, "{n}");
        }
        // One that never was.
        assert!(permission.deleted(&post(99, Source::Follow)));
    }

    #[test]
    fn a_block_of_just_now_counts_and_an_unblock_of_just_now_only_without_postgresql() {
        let post = post(1, Source::Affinity);
        let id = post.candidate.post_id;
        let mut overlay = Overlay::default();
        let free = Verdicts {
            posts: HashMap::from([(id, verdict(true, false, false))]),
            ..Verdicts::default()
        };
        let blocked = Verdicts {
            posts: HashMap::from([(id, verdict(false, false, true))]),
            ..Verdicts::default()
        };
        let (kept, none) = (Some(HashSet::from([user(1)])), HashSet::new());
        overlay.blocks.insert(user(1), true);
        assert!(Permission::given(&overlay, &free).blocked(&post));
        assert!(Permission::guessed(&overlay, Some(HashSet::new()), &none).blocked(&post));
        overlay.blocks.insert(user(1), false);
        assert!(Permission::given(&overlay, &blocked).blocked(&post));
        assert!(!Permission::guessed(&overlay, kept.clone(), &none).blocked(&post));
        overlay.blocks.clear();
        assert!(Permission::guessed(&overlay, kept, &none).blocked(&post));
    }

    #[test]
    fn without_postgresql_what_is_not_known_to_be_allowed_is_left_out() {
        let mut overlay = Overlay::default();
        let gone = HashSet::from([post(3, Source::Follow).candidate.post_id]);
        let unknown = Permission::guessed(&overlay, None, &gone);
        assert!(shown(&unknown, &post(1, Source::Follow)));
        assert!(!shown(&unknown, &post(1, Source::Trending)));
        assert!(!shown(&unknown, &post(1, Source::Affinity)));
        assert!(!shown(&unknown, &post(3, Source::Follow)));
        assert_eq!(
            unknown.visibility(&post(1, Source::Follow)),
            Visibility::Followers
        );
        assert_eq!(
            unknown.visibility(&post(1, Source::Trending)),
            Visibility::Public
        );

        overlay.follows.insert(user(1), false);
        overlay
            .likes
            .insert(post(2, Source::Follow).candidate.post_id, true);
        let known = Permission::guessed(&overlay, Some(HashSet::new()), &gone);
        assert!(shown(&known, &post(1, Source::Trending)));
        assert!(!shown(&known, &post(1, Source::Affinity)));
        assert!(shown(&known, &post(2, Source::Affinity)));
        assert!(known.liked(post(2, Source::Follow).candidate.post_id));
        assert!(!known.liked(post(1, Source::Follow).candidate.post_id));
    }
}
