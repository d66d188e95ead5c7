//! The change stream from outside: what is written at its beginning, how far each hop is, and which one holds it up.

mod choice;
mod clickhouse;
mod connector;
pub mod course;
mod kafka;
pub(crate) mod likes;
pub mod load;
mod markers;
mod threads;
mod writer;
pub(crate) mod writing;

pub(crate) use choice::choose;
pub(crate) use clickhouse::{COUNT_LIKES, ClickHouse};
pub(crate) use connector::Connector;
pub(crate) use kafka::{Committed, EndOffsets};
pub(crate) use likes::{Likes, Target as LikedPost};
pub(crate) use markers::{Marker, Markers, Sink};
pub use threads::BusyThread;
pub(crate) use threads::ThreadMeter;
pub(crate) use writer::{Writer, connect, connect_unchecked};
