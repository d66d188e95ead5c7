//! The newest posts of followed authors, from PostgreSQL alone.

use nova_domain::Source;
use nova_ranking::Counts;

use super::Offer;
use crate::posts::Posts;
use crate::serve::{Ranker, Run};
use crate::trace::Degraded;

impl<P: Posts + 'static, R: Ranker> Run<'_, P, R> {
    /// As F1 finds them, without ClickHouse. Nothing when PostgreSQL does not say.
    pub(super) async fn followed(&mut self) -> Vec<Offer> {
        self.known_followed().await.unwrap_or_default()
    }

    async fn known_followed(&mut self) -> Option<Vec<Offer>> {
        let engine = self.engine;
        let limits = engine.config.follow;
        let newest = engine.posts.follow_feed(self.viewer, self.now, limits);
        let candidates = self.postgres("the follow feed", newest).await.ok()?;
        let seen = self.judged(&candidates).await?;
        self.notes.without(Degraded::Counts);
        let offer = |seen: super::Seen| seen.offer(Source::Follow, Counts::default());
        Some(seen.into_iter().map(offer).collect())
    }
}
