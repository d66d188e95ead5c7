//! The steps of the projection against ClickHouse and Redis. Each says how it went; none gives up by itself, and none
//! changes anything that doing it twice would not change too.

mod apply;
mod ask;
mod look;
mod mark;
mod note;
mod recount;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use nova_cache::{Cache, CacheError};
use nova_domain::PostId;
use nova_olap::{Olap, OlapError};
use nova_stream::Position;
use tokio::time::Instant;

use crate::metrics as names;
use crate::pending::{Entry, FactKey, Marks, Recount};

/// What to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// Write what may show at once.
    Apply { entries: Vec<Entry> },
    /// Ask ClickHouse for the version of these facts.
    Look { keys: Vec<FactKey> },
    /// Count posts and write the counts.
    Recount { posts: Vec<Recount> },
    /// Mark feeds stale.
    Mark { marks: Marks },
    /// Ask ClickHouse which of these it has put aside.
    Ask { positions: Vec<Position> },
    /// Note how far the pipeline is.
    Note {
        source_ms: i64,
        /// How long ago this process noted it last, if it did.
        noted_for: Option<Duration>,
    },
}

/// How it went; what was handed in comes back.
#[derive(Debug)]
pub(crate) enum Outcome {
    Applied {
        entries: Vec<Entry>,
        done: bool,
    },
    Looked {
        keys: Vec<FactKey>,
        /// None when ClickHouse could not say.
        versions: Option<HashMap<FactKey, u64>>,
        took: Duration,
    },
    Recounted {
        posts: Vec<Recount>,
        /// Likes and comments of each post; none when they could not be counted or written.
        sizes: Option<Vec<(PostId, u64)>>,
        took: Duration,
    },
    Marked {
        marks: Marks,
        done: bool,
    },
    Asked {
        put_aside: Option<HashSet<Position>>,
    },
    Noted {
        source_ms: i64,
        done: bool,
    },
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Olap(#[from] OlapError),
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// What the steps work on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Servers {
    pub(crate) olap: Olap,
    pub(crate) cache: Cache,
    pub(crate) fanout_cap: u32,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}

impl Step {
    /// Does it.
    pub(crate) async fn run(self, servers: Servers) -> Outcome {
        let started = Instant::now();
        match self {
            Self::Apply { entries } => {
                let result = apply::run(&servers.cache, &entries).await;
                Outcome::Applied {
                    done: told("apply", started, result).is_some(),
                    entries,
                }
            }
            Self::Look { keys } => {
                // Four queries at once are a large future.
                let result = Box::pin(look::run(&servers.olap, &keys)).await;
                Outcome::Looked {
                    versions: told("look", started, result),
                    took: started.elapsed(),
                    keys,
                }
            }
            Self::Recount { posts } => {
                let ids: Vec<PostId> = posts.iter().map(|(post, _)| *post).collect();
                let result = recount::run(&servers, &ids).await;
                Outcome::Recounted {
                    sizes: told("recount", started, result),
                    took: started.elapsed(),
                    posts,
                }
            }
            Self::Mark { marks } => {
                let result = mark::run(&servers, &marks).await;
                Outcome::Marked {
                    done: told("mark", started, result).is_some(),
                    marks,
                }
            }
            Self::Ask { positions } => {
                let result = ask::run(&servers.olap, &positions).await;
                Outcome::Asked {
                    put_aside: told("ask", started, result),
                }
            }
            Self::Note {
                source_ms,
                noted_for,
            } => {
                let result = note::run(&servers.cache, source_ms, noted_for).await;
                Outcome::Noted {
                    source_ms,
                    done: told("note", started, result).is_some(),
                }
            }
        }
    }
}

/// Counts how it went, and tells a failure: it is tried again.
fn told<T>(step: &'static str, started: Instant, result: Result<T, StepError>) -> Option<T> {
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!(names::STEP_SECONDS, "step" => step).record(seconds);
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            metrics::counter!(names::STEP_RETRIES, "step" => step).increment(1);
            tracing::warn!(step, %error, "projecting: tried again");
            None
        }
    }
}
