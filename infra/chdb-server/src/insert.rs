//! INSERT with its data: streamed into the engine as it arrives.
//!
//! As in ClickHouse, what the engine has cut off as a block (by default about a million rows) stays written
//! when the body breaks off later; an insert of one block is all or nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::body::BodyReader;
use crate::error::{Code, QueryFailure};
use crate::ffi::Counters;
use crate::params::Request;
use crate::pool::Lease;
use crate::query;
use crate::server::State;
use crate::session;
use crate::sql::{self, InsertHead};
use crate::ticket::{Ticket, Watch};

/// Pieces on their way to the engine, which pushes back on its own.
const QUEUE: usize = 4;

enum Piece {
    Data(Bytes),
    /// The body was complete. A channel that closes without this means that it was not.
    End,
}

struct Job {
    request: Request,
    /// The statement that applies its settings.
    session: String,
    statement: Vec<u8>,
    format: String,
    ticket: Arc<Ticket>,
}

/// Inserts the data of `text` behind `head` and then that of `body`.
pub(crate) async fn run(
    state: &State,
    request: Request,
    text: Vec<u8>,
    head: InsertHead,
    mut body: Option<BodyReader>,
    ticket: &Arc<Ticket>,
) -> Result<Answer, QueryFailure> {
    if request.read_only {
        return Err(query::read_only(&request));
    }
    let whole = body.is_none();
    if whole && head.format == "Values" && sql::goes_on(&text[head.data..]) {
        return Err(query::several());
    }
    let time_limit = state.time_limit(&request);
    let session = request.set_statement().unwrap_or_default();
    let lease = state.pool.lease(&session, ticket).await?;
    let text = Bytes::from(text);
    let job = Job {
        request,
        session,
        statement: ticket.mark(&text.slice(..head.statement)),
        format: head.format,
        ticket: Arc::clone(ticket),
    };
    let watch = Watch::new(&state.pool, ticket);
    let (pieces, incoming) = mpsc::channel(QUEUE);
    let (sender, receiver) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let mut lease = lease;
        let _client_gone = sender.send(write(&mut lease, &job, incoming));
        drop(lease);
    });
    let feeder = Feeder {
        pieces,
        patience: time_limit,
        ticket,
    };
    // Drops the channel: without an `End` before, the insert is cancelled.
    let fed = feeder.run(text.slice(head.data..), body.as_mut()).await;
    let stalled = matches!(&fed, Err(failure) if failure.is(Code::TimeoutExceeded));
    let rest = if stalled { Duration::ZERO } else { time_limit };
    let result = watch.result(receiver, Instant::now() + rest).await;
    match (fed, result) {
        // The body's own error says more than the cancellation that it caused.
        (Err(failure), Err(cancelled)) if cancelled.is(Code::QueryWasCancelled) => Err(failure),
        (_, Ok(counters)) => Ok(Answer::written(counters)),
        (_, Err(failure)) => Err(failure),
    }
}

/// Passes the data on.
struct Feeder<'a> {
    pieces: mpsc::Sender<Piece>,
    /// How long the engine may leave a piece waiting.
    patience: Duration,
    ticket: &'a Ticket,
}

impl Feeder<'_> {
    /// Ends early, without an error, when the insert has failed: its result says how.
    async fn run(self, first: Bytes, body: Option<&mut BodyReader>) -> Result<(), QueryFailure> {
        if !first.is_empty() && !self.send(Piece::Data(first)).await? {
            return Ok(());
        }
        if let Some(body) = body {
            loop {
                // Notices a failed insert although the client has nothing to say at the moment.
                let piece = tokio::select! {
                    piece = body.next() => piece?,
                    () = self.pieces.closed() => return Ok(()),
                    () = self.ticket.cancelled() => {
                        return Err(QueryFailure::new(Code::QueryWasCancelled, "Query was cancelled"));
                    }
                };
                let Some(piece) = piece else { break };
                if !self.send(Piece::Data(piece)).await? {
                    return Ok(());
                }
            }
        }
        self.send(Piece::End).await?;
        Ok(())
    }

    /// False when the insert has already ended.
    async fn send(&self, piece: Piece) -> Result<bool, QueryFailure> {
        match tokio::time::timeout(self.patience, self.pieces.send(piece)).await {
            Ok(sent) => Ok(sent.is_ok()),
            Err(_elapsed) => Err(QueryFailure::new(
                Code::TimeoutExceeded,
                format_args!(
                    "Timeout exceeded: the engine took no data for {:?}",
                    self.patience
                ),
            )),
        }
    }
}

fn write(
    lease: &mut Lease,
    job: &Job,
    mut incoming: mpsc::Receiver<Piece>,
) -> Result<Counters, QueryFailure> {
    let Job {
        request,
        session,
        statement,
        format,
        ticket,
    } = job;
    let failed = |text: String| QueryFailure::engine(&text, ticket);
    session::prepare(lease, session, request, ticket)?;
    ticket.check()?;
    // A stream leaves its query id in the session for ever.
    let connection = lease.taint().connection()?;
    let mut stream = connection
        .insert(statement, format, &request.params)
        .map_err(failed)?;
    while let Some(piece) = incoming.blocking_recv() {
        match piece {
            Piece::End => return stream.finish().map_err(failed),
            Piece::Data(data) => {
                if !stream.append(&data) {
                    // The reason is in the result. A format that found its end early has none.
                    return stream.finish().map_err(failed);
                }
            }
        }
    }
    stream.cancel();
    Err(QueryFailure::new(
        Code::QueryWasCancelled,
        "Query was cancelled: its data broke off",
    ))
}
