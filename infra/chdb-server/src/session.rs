//! Makes an engine's session what a request asks for.

use crate::error::QueryFailure;
use crate::ffi::Connection;
use crate::params::Request;
use crate::pool::Lease;
use crate::ticket::Ticket;

/// Applies the request's settings (`session`, as a statement; empty without any), unless the connection has them already, and
/// its database. A session of another database is not used again: the database may be dropped meanwhile.
pub(crate) fn prepare<'a>(
    lease: &'a mut Lease,
    session: &str,
    request: &Request,
    ticket: &Ticket,
) -> Result<&'a mut Connection, QueryFailure> {
    if !lease.is(session) {
        let connection = lease.begin(session)?;
        if !session.is_empty() {
            run(connection, session, ticket).inspect_err(|_| _ = lease.taint())?;
        }
    }
    if let Some(statement) = request.use_statement() {
        run(lease.taint().connection()?, &statement, ticket)?;
    }
    Ok(lease.connection()?)
}

fn run(connection: &mut Connection, statement: &str, ticket: &Ticket) -> Result<(), QueryFailure> {
    let done = connection.query(statement.as_bytes(), "Null", &Vec::new(), usize::MAX);
    done.map(drop)
        .map_err(|error| QueryFailure::query(error, ticket, usize::MAX))
}
