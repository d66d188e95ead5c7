//! What the server of floors and alternatives is told, by its standard input: addresses hold passwords, which nobody is
//! to read in a list of processes.

use nova_domain::{PostId, UserId};
use serde::{Deserialize, Serialize};

/// Everything it has to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) postgres: String,
    pub(crate) redis: String,
    /// What the floor answers.
    pub(crate) pages: Vec<Page>,
}

/// The first page of a viewer as Nova answered it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) viewer: UserId,
    pub(crate) posts: Vec<PostId>,
    pub(crate) body: String,
}
