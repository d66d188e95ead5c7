//! Clients of each contender, and how their answers are checked.

mod gets;
mod questions;

pub(super) use gets::GetsClient;
pub(super) use questions::QuestionsClient;

use crate::feed::{FeedClient, Viewer};
use crate::measure::{Asked, Client};

/// A client of any contender.
#[derive(Debug)]
pub(super) enum AnyClient {
    Feed(FeedClient),
    Gets(GetsClient),
    Questions(Box<QuestionsClient>),
}

impl AnyClient {
    /// Every answer is checked whole, as in a warm-up, or only some, as while it is measured: reading JSON costs the
    /// machine that is measured more than serving a hit.
    pub(super) fn thorough(&mut self, thorough: bool) {
        match self {
            Self::Feed(client) => client.thorough = thorough,
            Self::Gets(_) | Self::Questions(_) => {}
        }
    }
}

impl Client for AnyClient {
    async fn prepare(&mut self) -> Result<(), String> {
        match self {
            Self::Feed(client) => client.prepare().await,
            Self::Gets(client) => client.prepare().await,
            Self::Questions(client) => client.prepare().await,
        }
    }

    async fn ask(&mut self) -> Asked {
        match self {
            Self::Feed(client) => client.ask().await,
            Self::Gets(client) => client.ask().await,
            Self::Questions(client) => client.ask().await,
        }
    }
}

/// The share of one of `number` clients: no viewer is anybody else's.
pub(super) fn share(viewers: &[Viewer], nth: usize, number: usize) -> Vec<Viewer> {
    viewers
        .iter()
        .skip(nth)
        .step_by(number.max(1))
        .cloned()
        .collect()
}
