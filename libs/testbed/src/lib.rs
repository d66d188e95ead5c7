//! Real servers for tests, load tests and development: one [`Stack`], as processes or containers.
//!
//! ```no_run
//! # async fn example() -> Result<(), nova_testbed::StackError> {
//! use nova_testbed::{Server, Stack};
//!
//! let stack = Stack::builder().start().await?;
//! stack.kill(Server::ClickHouse).await?;
//! stack.restart(Server::ClickHouse).await?;
//! println!("{}", stack.endpoints().clickhouse);
//! stack.stop().await;
//! # Ok(())
//! # }
//! ```

mod backends;
mod binaries;
mod cleanup;
#[cfg(feature = "containers")]
mod containers;
mod error;
mod logs;
mod plan;
mod poll;
mod ports;
mod probe;
mod processes;
mod server;
mod stack;
mod turn;
mod watchdog;

pub use error::{ServerFailure, StackError};
pub use logs::tail;
pub use nova_runtime::Endpoints;
pub use poll::{TimedOut, poll_for, wait_for};
pub use probe::probe;
pub use server::{Server, UnknownServer};
pub use stack::{Provider, Stack, StackBuilder, Told};
pub use turn::come_first;

/// A stack of PostgreSQL alone, ready in about a second.
///
/// # Errors
/// When it does not start.
pub async fn postgres() -> Result<Stack, StackError> {
    Stack::builder().servers(&[Server::Postgres]).start().await
}

/// A stack of ClickHouse alone, ready in about a second.
///
/// # Errors
/// When it does not start.
pub async fn clickhouse() -> Result<Stack, StackError> {
    Stack::builder()
        .servers(&[Server::ClickHouse])
        .start()
        .await
}
