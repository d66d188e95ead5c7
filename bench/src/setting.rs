//! Where a run took place and with what.

use nova_loadtest::people::People;
use serde::Serialize;

/// What a reader needs to judge numbers by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// `own` or `running`: whose stack it was.
    pub stack: &'static str,
    /// Cores of this machine, which servers and clients share.
    pub cores: usize,
    /// Of this program, `debug` or `release`; `just bench` builds the servers of its own stacks likewise.
    pub build: &'static str,
    /// Users there are.
    pub users: usize,
    /// Posts there are.
    pub posts: u64,
    /// Likes there were before.
    pub likes: u64,
    /// Of population and sample.
    pub seed: u64,
}

impl Setting {
    /// Of this program and machine; `own`: whether it started the stack.
    #[must_use]
    pub fn of(seed: u64, own: bool, people: &People) -> Self {
        Self {
            stack: if own { "own" } else { "running" },
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            users: people.users.len(),
            posts: people.all_posts,
            likes: people.all_likes,
            seed,
        }
    }
}
