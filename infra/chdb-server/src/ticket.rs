//! One statement: how it is found in the engine, and what happens when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::{Code, QueryFailure};
use crate::pool::Pool;

/// Begins the comment by which a statement is found; see [`Ticket::mark`].
pub(crate) const MARK: &str = "nova-chdb-server ";

/// How long an expired query may take to stop before its request is answered without it.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// One statement that runs or is about to.
#[derive(Debug)]
pub(crate) struct Ticket {
    id: Uuid,
    cancelled: CancellationToken,
    /// The client has gone.
    abandoned: AtomicBool,
    /// The engine's parser says that the statement changes nothing.
    read_only: AtomicBool,
    finished: watch::Sender<bool>,
}

impl Ticket {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            id: Uuid::new_v4(),
            cancelled: CancellationToken::new(),
            abandoned: AtomicBool::new(false),
            read_only: AtomicBool::new(false),
            finished: watch::Sender::new(false),
        })
    }

    /// From now on the statement will not begin, and no data is read for it.
    pub(crate) fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// Whether it was.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Completes when the statement is cancelled.
    pub(crate) async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Changes to true when the statement has left the engine.
    pub(crate) fn finished(&self) -> &watch::Sender<bool> {
        &self.finished
    }

    /// The query id that the client sees unless it chose one.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// The C interface takes no query id, so a comment at the end of the text (positions in error messages
    /// stay right) makes the query findable in `system.processes`.
    pub(crate) fn mark(&self, sql: &[u8]) -> Vec<u8> {
        [sql, self.comment().as_bytes()].concat()
    }

    /// Removes the comment from an error message that quotes the query.
    pub(crate) fn unmark(&self, text: &str) -> String {
        let comment = self.comment();
        text.replace(&comment, "").replace(comment.trim_start(), "")
    }

    fn comment(&self) -> String {
        format!("\n/* {MARK}{} */", self.id)
    }

    /// Notes that the statement changes nothing, so that it may be stopped when nobody waits for it.
    pub(crate) fn set_read_only(&self) {
        self.read_only.store(true, Ordering::SeqCst);
    }

    /// Fails when the statement was cancelled before the engine knew of it.
    pub(crate) fn check(&self) -> Result<(), QueryFailure> {
        // Against `Watch::drop`, which writes and reads the last two the other way round: sequentially
        // consistent, so that one of the two sees what the other did.
        let abandoned =
            self.read_only.load(Ordering::SeqCst) && self.abandoned.load(Ordering::SeqCst);
        if abandoned || self.is_cancelled() {
            return Err(QueryFailure::new(
                Code::QueryWasCancelled,
                "Query was cancelled",
            ));
        }
        Ok(())
    }
}

/// Held by the request that waits for a statement. Dropped before [`Watch::done`], it means that the client
/// went away: a statement that only reads is stopped, one that writes is left to finish, as in ClickHouse.
pub(crate) struct Watch {
    pool: Arc<Pool>,
    ticket: Arc<Ticket>,
    done: bool,
}

impl Watch {
    pub(crate) fn new(pool: &Arc<Pool>, ticket: &Arc<Ticket>) -> Self {
        Self {
            pool: Arc::clone(pool),
            ticket: Arc::clone(ticket),
            done: false,
        }
    }

    /// Waits for what the blocking thread sends, until `deadline` and then for as long as cancelling takes.
    pub(crate) async fn result<T>(
        mut self,
        mut receiver: oneshot::Receiver<Result<T, QueryFailure>>,
        deadline: Instant,
    ) -> Result<T, QueryFailure> {
        let began = Instant::now();
        let received = tokio::time::timeout_at(deadline, &mut receiver).await;
        let result = match received {
            Ok(result) => result.unwrap_or_else(|_| Err(panicked())),
            Err(_elapsed) => {
                tokio::spawn(Arc::clone(&self.pool).cancel(Arc::clone(&self.ticket)));
                let timeout = || {
                    QueryFailure::new(
                        Code::TimeoutExceeded,
                        format_args!("Timeout exceeded: the query ran for {:?}", began.elapsed()),
                    )
                };
                match tokio::time::timeout(CANCEL_GRACE, receiver).await {
                    Ok(Ok(Err(failure))) if failure.is(Code::QueryWasCancelled) => Err(timeout()),
                    Ok(Ok(result)) => result,
                    Ok(Err(_)) => Err(panicked()),
                    Err(_elapsed) => Err(timeout()),
                }
            }
        };
        self.done = true;
        result
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.ticket.abandoned.store(true, Ordering::SeqCst);
        if self.ticket.read_only.load(Ordering::SeqCst)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            tracing::debug!(query = %self.ticket.id, "the client went away");
            runtime.spawn(Arc::clone(&self.pool).cancel(Arc::clone(&self.ticket)));
        }
    }
}

fn panicked() -> QueryFailure {
    QueryFailure::new(
        Code::UnknownException,
        "The thread of the query panicked; see the server's log",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_comes_last_and_off_again() {
        let ticket = Ticket::new();
        let marked = String::from_utf8(ticket.mark(b"SELECT 1 -- note")).unwrap();
        assert!(
            marked.starts_with("SELECT 1 -- note\n/* nova-chdb-server "),
            "{marked}"
        );
        assert_eq!(
            ticket.unmark(&format!("near '{marked}'.")),
            "near 'SELECT 1 -- note'."
        );
    }

    #[test]
    fn a_cancelled_ticket_does_not_begin() {
        let ticket = Ticket::new();
        assert!(ticket.check().is_ok());
        ticket.cancel();
        assert!(ticket.check().unwrap_err().is(Code::QueryWasCancelled));
    }
}
