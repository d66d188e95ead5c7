//! Makes an engine's session what a request asks for.

use crate::error::QueryFailure;
use crate::ffi::Connection;
use crate::params::Request;
use crate::pool::Lease;
use crate::ticket::Ticket;

/// Applies database and settings of `request`; a session that was changed is not used again.
pub(crate) fn prepare<'a>(
    lease: &'a mut Lease,
    request: &Request,
    ticket: &Ticket,
) -> Result<&'a mut Connection, QueryFailure> {
    let statements = [request.use_statement(), request.set_statement()];
    for statement in statements.into_iter().flatten() {
        let connection = lease.taint().connection()?;
        connection
            .query(statement.as_bytes(), "Null", &Vec::new(), usize::MAX)
            .map_err(|error| QueryFailure::query(error, ticket, usize::MAX))?;
    }
    Ok(lease.connection()?)
}
