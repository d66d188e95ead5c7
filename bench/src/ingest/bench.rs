//! What all parts stand on: a stack with people on it, and ways to ask its servers.

use nova_domain::PostId;
use nova_loadtest::people::People;
use nova_loadtest::resources::Watched;
use nova_loadtest::target::Target;
use nova_testbed::Endpoints;

use super::options::Options;
use crate::pipeline::{ClickHouse, LikedPost, Likes, Marker, Writer, choose, connect};

/// Servers, people, connections.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) options: &'a Options,
    pub(super) endpoints: &'a Endpoints,
    pub(super) processes: Vec<Watched>,
    pub(super) people: &'a People,
    pub(super) clickhouse: ClickHouse,
    pub(super) writer: Writer,
}

impl<'a> Bench<'a> {
    pub(super) async fn new(
        options: &'a Options,
        target: &'a Target,
        people: &'a People,
    ) -> anyhow::Result<Self> {
        let endpoints = target.endpoints();
        Ok(Self {
            options,
            endpoints,
            processes: target.processes(),
            people,
            clickhouse: ClickHouse::new(&endpoints.clickhouse)?,
            writer: Writer::new(connect(&endpoints.postgres).await?),
        })
    }

    /// Likes to write, and so many markers: single likes on posts that get no others from here. `part` tells the parts of
    /// a run apart: each writes other likes.
    pub(super) async fn likes(
        &self,
        markers: usize,
        part: u64,
    ) -> anyhow::Result<(Likes, Vec<Marker>)> {
        let options = self.options;
        let seed = options.seed.wrapping_mul(31).wrapping_add(part);
        let users = &self.people.users;
        choose(&self.writer, users, options.posts, markers, seed).await
    }
}

/// The ids of posts.
pub(super) fn ids(targets: &[LikedPost]) -> Vec<PostId> {
    targets.iter().map(|target| target.post).collect()
}
