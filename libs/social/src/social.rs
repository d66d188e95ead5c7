//! The handle on the social graph.

use std::future::Future;
use std::time::Duration;

use sqlx::PgPool;

use crate::error::SocialError;

/// The social graph. Cheap to clone; clones share one pool.
#[derive(Debug, Clone)]
pub struct Social {
    pub(crate) pool: PgPool,
    deadline: Duration,
}

impl Social {
    /// How long one call may take unless told otherwise: waiting for a connection and for the statements.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(3);

    /// The social graph in this database; see [`crate::PoolConfig`].
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self {
            pool,
            deadline: Self::DEFAULT_DEADLINE,
        }
    }

    /// The same with another deadline for each call.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The pool, for what this crate does not do itself.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Asks PostgreSQL for a sign of life.
    ///
    /// # Errors
    /// [`SocialError::Unavailable`] when there is none within the deadline.
    pub async fn ping(&self) -> Result<(), SocialError> {
        self.within(async {
            sqlx::query("SELECT 1").execute(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// The server's statement time-out does not help against a server or a network that is silent: this does.
    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, SocialError>> + Send,
    ) -> Result<T, SocialError> {
        match tokio::time::timeout(self.deadline, work).await {
            Ok(done) => done,
            Err(elapsed) => Err(SocialError::Unavailable(elapsed.into())),
        }
    }
}
