//! Statements without data: SELECT, DDL, SET, everything but an INSERT with its rows.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::answer::{Answer, Encoding};
use crate::error::{Code, QueryFailure};
use crate::ffi::{Class, Params};
use crate::params::Request;
use crate::pool::Lease;
use crate::server::State;
use crate::session;
use crate::sql::{FileClause, Outline};
use crate::ticket::{Ticket, Watch};

/// The format of a result when neither the query nor the request names one.
const DEFAULT_FORMAT: &str = "TabSeparated";

struct Job {
    request: Request,
    /// The statement that applies its settings.
    session: String,
    sql: Vec<u8>,
    outline: Outline,
    ticket: Arc<Ticket>,
    max_result_bytes: usize,
}

/// Runs `sql` and waits for its complete result.
pub(crate) async fn run(
    state: &State,
    request: Request,
    sql: Vec<u8>,
    outline: Outline,
    ticket: &Arc<Ticket>,
) -> Result<Answer, QueryFailure> {
    refuse(&sql, &outline)?;
    let session = request.set_statement().unwrap_or_default();
    let lease = state.pool.lease(&session, ticket).await?;
    let deadline = Instant::now() + state.time_limit(&request);
    let job = Job {
        request,
        session,
        sql,
        outline,
        ticket: Arc::clone(ticket),
        max_result_bytes: state.limits.max_result_bytes,
    };
    let watch = Watch::new(&state.pool, ticket);
    let (sender, receiver) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let mut lease = lease;
        // The answer leaves before the connection is put in order.
        let _client_gone = sender.send(execute(&mut lease, &job));
        drop(lease);
    });
    watch.result(receiver, deadline).await
}

/// What need not be asked of the engine.
fn refuse(sql: &[u8], outline: &Outline) -> Result<(), QueryFailure> {
    if outline.several {
        return Err(several());
    }
    if outline.input {
        return Err(QueryFailure::new(
            Code::NotImplemented,
            "INSERT … SELECT … FROM input(): not supported by nova-chdb-server, insert the rows as they are",
        ));
    }
    match outline.file {
        Some(FileClause::IntoOutfile) => {
            return Err(QueryFailure::new(
                Code::IntoOutfileNotAllowed,
                "INTO OUTFILE is not allowed",
            ));
        }
        Some(FileClause::FromInfile) => {
            return Err(QueryFailure::new(
                Code::UnknownTypeOfQuery,
                "Query has infile and was send directly to server",
            ));
        }
        None => {}
    }
    // The C interface is built from a command-line client, with its commands (`\i FILE`).
    let sql = sql.trim_ascii_start();
    if sql.starts_with(b"\\") || sql.starts_with(b"??") {
        return Err(QueryFailure::new(
            Code::SyntaxError,
            "Syntax error: failed at position 1: a statement is expected",
        ));
    }
    Ok(())
}

/// The error of more than one statement.
pub(crate) fn several() -> QueryFailure {
    QueryFailure::new(
        Code::SyntaxError,
        "Syntax error (Multi-statements are not allowed): send the statements one by one",
    )
}

fn execute(lease: &mut Lease, job: &Job) -> Result<Answer, QueryFailure> {
    let Job {
        request,
        session,
        sql,
        outline,
        ticket,
        max_result_bytes,
    } = job;
    let analysis = session::prepare(lease, session, request, ticket)?.classify(sql)?;
    if analysis.statements > 1 {
        return Err(several());
    }
    let parsed = analysis.statements == 1;
    match analysis.class {
        Class::ReadOnly => ticket.set_read_only(),
        // GET and `readonly` allow a SET or USE in ClickHouse; without sessions they do nothing.
        _ if request.read_only && parsed => return Err(read_only(request)),
        Class::Mutating if !outline.temporary => {}
        _ => {
            lease.taint();
        }
    }
    ticket.check()?;
    let format = request.format.as_deref().unwrap_or(DEFAULT_FORMAT);
    // A text that does not parse goes in as it is, for the engine's own message.
    let marked = if parsed {
        ticket.mark(sql)
    } else {
        sql.clone()
    };
    let params: &Params = &request.params;
    let result = lease
        .connection()?
        .query(&marked, format, params, *max_result_bytes);
    let output = match result {
        Ok(output) => output,
        Err(error) => {
            // It may have been killed by its time limit or by hand; see `Lease`.
            lease.taint();
            return Err(QueryFailure::query(error, ticket, *max_result_bytes));
        }
    };
    if !parsed {
        // The client's `exit` and the like.
        return Err(QueryFailure::new(
            Code::SyntaxError,
            "Syntax error: the text is not a statement",
        ));
    }
    let encoding = match (request.compress, request.accepts_lz4) {
        (true, _) => Encoding::NativeBlocks,
        (false, true) => Encoding::Lz4Frame,
        (false, false) => Encoding::Plain,
    };
    Answer::new(
        output,
        outline.format.as_deref().unwrap_or(format),
        encoding,
    )
}

/// The error of a statement that changes something where nothing may.
pub(crate) fn read_only(request: &Request) -> QueryFailure {
    let get = if request.is_get {
        " For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries"
    } else {
        ""
    };
    QueryFailure::new(
        Code::Readonly,
        format_args!("Cannot execute query in readonly mode.{get}"),
    )
}
