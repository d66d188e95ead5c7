//! HTTP/1.1 connections: bounded in number, in the time to send a request's head, and in the size of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use nova_runtime::Shutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;

use crate::metrics;

/// From the connection, or the answer before, to the end of the next request's head. Also ends idle connections.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_HEAD_BYTES: usize = 64 << 10;
/// After an error that is not one connection's own (no file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the signal to stop, then lets the requests under way end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    shutdown: &Shutdown,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.requested() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                tokio::spawn(connection(
                    stream,
                    place,
                    router.clone(),
                    graceful.watcher(),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // New connections are refused from here on, not left waiting.
    drop(listener);
    graceful.shutdown().await;
}

/// First the place, then the connection: what has none waits in the system's bounded queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, Option<OwnedSemaphorePermit>)> {
    // The semaphore is never closed, so there always is a place.
    let place = Arc::clone(places).acquire_owned().await.ok();
    let (stream, _peer) = listener.accept().await?;
    Ok((stream, place))
}

async fn connection(
    stream: TcpStream,
    place: Option<OwnedSemaphorePermit>,
    router: Router,
    watcher: Watcher,
) {
    let _place = place;
    let open = ::metrics::gauge!(metrics::CONNECTIONS);
    open.increment(1.0);
    // Answers are small: waiting to fill a packet costs 40 ms against a delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let service = TowerToHyperService::new(
        router.map_request(|request: Request<Incoming>| request.map(Body::new)),
    );
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(serving).await {
        // A client that hangs up or sends no HTTP is its own business.
        tracing::debug!(%error, "a connection ended early");
    }
    open.decrement(1.0);
}
