//! The cache on a real server of the Redis protocol.

mod bodies;
mod contract;
mod counters;
mod faults;
mod garbage;
mod locks;
mod memory;
mod overlay;
mod round_trips;
mod support;
mod viewer;
