//! The newest posts of followed authors, from PostgreSQL alone.

use nova_domain::Source;
use nova_ranking::Counts;

use super::{Offer, posts};
use crate::error::Unavailable;
use crate::posts::Posts;
use crate::serve::{Ranker, Run};
use crate::trace::Degraded;

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// As F1 finds them, without ClickHouse. Nothing when PostgreSQL does not say.
    pub(super) async fn followed(&mut self) -> Vec<Offer> {
        let engine = self.engine;
        let found = self.budget.require(
            &engine.guards.postgres,
            engine.config.posts_deadline,
            "the follow feed",
            engine
                .posts
                .follow_feed(self.viewer, self.now, engine.config.follow),
            Unavailable::posts,
        );
        let Ok(candidates) = found.await else {
            self.notes.without(Degraded::Posts);
            return Vec::new();
        };
        let ids = posts(&candidates);
        let verdicts = self.budget.require(
            &engine.guards.postgres,
            engine.config.posts_deadline,
            "the visibility check",
            engine.posts.verdicts(self.viewer, &ids),
            Unavailable::posts,
        );
        let Ok(verdicts) = verdicts.await else {
            self.notes.without(Degraded::Posts);
            return Vec::new();
        };
        self.notes.without(Degraded::Counts);
        candidates
            .into_iter()
            .filter_map(|candidate| {
                let verdict = verdicts.posts.get(&candidate.post_id)?;
                verdict.visible.then_some(Offer {
                    candidate,
                    source: Source::Follow,
                    counts: Counts::default(),
                    liked: verdict.liked,
                    visibility: verdict.visibility,
                })
            })
            .collect()
    }
}
