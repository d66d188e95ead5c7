//! What can go wrong with a stack.

use std::{fmt::Write as _, io, path::PathBuf};

use crate::{Server, logs};

/// Why a stack did not start, or did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The server packages or images are not there and could not be fetched.
    #[error("the servers could not be provisioned: {0}")]
    Provision(String),
    /// A server did not start, or did not become ready in time.
    #[error("{0}")]
    Server(Box<ServerFailure>),
    /// The server is not part of this stack.
    #[error("{0} is not part of this stack")]
    NotPart(Server),
    /// The server is not running, so it cannot be paused, resumed or killed.
    #[error("{0} is not running")]
    NotRunning(Server),
    /// A file, a process or a port could not be handled.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system answered.
        source: io::Error,
    },
    /// The start was given up while it was going on.
    #[error("the start was given up")]
    Cancelled,
    /// The container engine refused.
    #[error("containers: {0}")]
    Containers(String),
}

impl StackError {
    /// Wraps an I/O error with what was being done: `.map_err(StackError::io("creating …"))`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// A server that did not come up: what it was waited for, what it said last.
#[derive(Debug)]
pub struct ServerFailure {
    /// Which server.
    pub server: Server,
    /// What was tried.
    pub doing: String,
    /// The last state seen.
    pub state: String,
    /// Its log.
    pub log: PathBuf,
    /// The last lines of its log, as the run directory may be gone when this is read.
    pub last_lines: Vec<String>,
}

impl ServerFailure {
    /// The error of this failure, with the last lines of `log`.
    pub(crate) fn error(
        server: Server,
        doing: impl Into<String>,
        state: impl Into<String>,
        log: PathBuf,
    ) -> StackError {
        let last_lines = logs::tail(&log, 20);
        StackError::Server(Box::new(Self {
            server,
            doing: doing.into(),
            state: state.into(),
            log,
            last_lines,
        }))
    }
}

impl std::fmt::Display for ServerFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} failed: {}", self.server, self.doing, self.state)?;
        if self.last_lines.is_empty() {
            return write!(f, "\n  (nothing in its log {})", self.log.display());
        }
        write!(f, "\n  last lines of {}:", self.log.display())?;
        for line in &self.last_lines {
            f.write_char('\n')?;
            write!(f, "  | {line}")?;
        }
        Ok(())
    }
}
