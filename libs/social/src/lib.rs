//! The social graph in PostgreSQL: migrations, writes and hydration.
//!
//! Every write is idempotent and every query has a deadline. Who may see a post is said in one place, the SQL function
//! `posts_visible_to` of the migrations; all queries go through it.

pub mod bulk;
mod comments;
mod discovery_reads;
mod engagement;
mod error;
mod feed_reads;
mod graph;
mod idempotency;
pub mod load;
mod migrate;
mod model;
mod pool;
mod posts;
mod profiles;
mod social;
mod written;

pub use discovery_reads::{PopularUser, UserNames};
pub use error::SocialError;
pub use idempotency::{IdempotencyKey, IdempotencyKeyError};
pub use migrate::{MigrateError, migrate};
pub use model::{
    Comment, CommentCursor, CommentPage, Created, PostVerdict, PostView, Profile, Verdicts,
};
pub use pool::PoolConfig;
pub use social::Social;
pub use written::{Unblocked, Written};
