//! Serving, on a real Redis with a ranking and a PostgreSQL that are made up.

mod answers;
mod bound;
mod cursors;
mod explained;
mod fallbacks;
mod hits;
mod outages;
mod together;
mod walks;
mod world;
