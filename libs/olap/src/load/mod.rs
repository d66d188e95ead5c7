//! Loading a population past Kafka.
//!
//! Rows go into staging tables, `load_…`, that have the schema's own views between them, except those that fill work
//! lists: nothing is recounted while it arrives. When all are there, their parts are moved into the real tables in no
//! time, and what is derived by recounting is recounted in slices, by the schema's own queries ([`Staging::recount`]).
//! A load that breaks off before has touched no table but its own, which the next one replaces. What Redis keeps of the posts
//! is read afterwards, in slices as well ([`next_counters`]).

mod counters;
mod counts;
mod recount;
mod rows;
mod staging;
mod views;

pub use counters::{CountersSlice, PostCounters, next_counters};
pub use counts::{FACTS_OF_EVENTS, bytes_on_disk, count_facts, has_posts_of_others};
pub use rows::{CommentFact, EventFact, Fact, FollowFact, LikeFact, PostFact};
pub use staging::Staging;
