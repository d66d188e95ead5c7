//! Makes an engine's session what a request asks for.

use crate::error::QueryFailure;
use crate::ffi::Connection;
use crate::params::Request;
use crate::pool::Lease;
use crate::ticket::Ticket;

/// What makes a session serve `request`, by which connections are known: its database and settings as statements.
pub(crate) fn of(request: &Request) -> String {
    let statements = [request.use_statement(), request.set_statement()];
    statements
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

/// Applies database and settings of `request`, unless the connection has them already.
pub(crate) fn prepare<'a>(
    lease: &'a mut Lease,
    request: &Request,
    ticket: &Ticket,
) -> Result<&'a mut Connection, QueryFailure> {
    let session = of(request);
    if !lease.is(&session) {
        let connection = lease.begin(session)?;
        let statements = [request.use_statement(), request.set_statement()];
        for statement in statements.into_iter().flatten() {
            let done = connection.query(statement.as_bytes(), "Null", &Vec::new(), usize::MAX);
            if let Err(error) = done {
                lease.taint();
                return Err(QueryFailure::query(error, ticket, usize::MAX));
            }
        }
    }
    Ok(lease.connection()?)
}
