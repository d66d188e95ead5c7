//! What a request gets: a page that is kept, a page of a ranking that is kept, a new ranking, or what there is instead.
//!
//! | file | subject |
//! |---|---|
//! | `engine` | what all requests share |
//! | `run` | one request: its time, what it had to do without, its way to Redis |
//! | `first`, `further` | which ranking a page is of |
//! | `freshness` | whether a ranking that is kept still counts |
//! | `hit`, `cut` | a page that was kept; a page that is cut |
//! | `ranking`, `refresh` | a new ranking: once for everybody who waits, here and in other processes; and behind an answer |
//! | `pipeline`, `complaints` | whether changes are late; the log of what was left out |

mod complaints;
mod cut;
mod engine;
mod first;
mod freshness;
mod further;
mod hit;
mod pipeline;
mod ranker;
mod ranking;
mod refresh;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use cut::Place;
pub(crate) use engine::Engine;
pub(crate) use ranker::{Live, Ranker};
pub(crate) use ranking::Wanted;
pub(crate) use refresh::refresh;
pub(crate) use run::{Hits, Run};
