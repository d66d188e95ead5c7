//! The body of a request, in pieces: bounded in size and in patience, decompressed on the way.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::StreamExt as _;

use crate::error::{Code, QueryFailure};
use crate::native::Decoder;

/// How much of a body is read after its insert has failed, so that the client gets to the answer: a client
/// that still writes may not read, and a closed connection loses the error.
const DRAIN_BYTES: usize = 256 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Reads a body.
pub(crate) struct BodyReader {
    stream: BodyDataStream,
    decoder: Option<Decoder>,
    taken: usize,
    limit: usize,
    patience: Duration,
    ended: bool,
}

impl BodyReader {
    /// `limit` counts bytes as they come, `patience` is the longest pause.
    pub(crate) fn new(body: Body, decompress: bool, limit: usize, patience: Duration) -> Self {
        let decoder = decompress.then(Decoder::default);
        Self {
            stream: body.into_data_stream(),
            decoder,
            taken: 0,
            limit,
            patience,
            ended: false,
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The client goes away or pauses for too long, the body is too large, or not what was announced.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, QueryFailure> {
        loop {
            if let Some(decoder) = &mut self.decoder
                && let Some(block) = decoder.next_block()?
            {
                return Ok(Some(block));
            }
            if self.ended {
                return Ok(None);
            }
            let piece = match tokio::time::timeout(self.patience, self.stream.next()).await {
                Err(_elapsed) => {
                    return Err(QueryFailure::new(
                        Code::SocketTimeout,
                        format_args!(
                            "Timeout exceeded while reading from socket: no data for {:?}",
                            self.patience
                        ),
                    ));
                }
                Ok(None) => {
                    self.ended = true;
                    if let Some(decoder) = &self.decoder {
                        decoder.finish()?;
                    }
                    return Ok(None);
                }
                Ok(Some(Err(error))) => {
                    self.ended = true;
                    return Err(QueryFailure::new(
                        Code::UnexpectedEndOfFile,
                        format_args!("Unexpected end of the request's body: {error}"),
                    ));
                }
                Ok(Some(Ok(piece))) => piece,
            };
            self.taken = self.taken.saturating_add(piece.len());
            if self.taken > self.limit {
                return Err(QueryFailure::new(
                    Code::QueryIsTooLarge,
                    format_args!(
                        "The request's body exceeds {} bytes (--max-body-bytes)",
                        self.limit
                    ),
                ));
            }
            match &mut self.decoder {
                Some(decoder) => decoder.push(&piece),
                None if piece.is_empty() => {}
                None => return Ok(Some(piece)),
            }
        }
    }

    /// Reads on in the background and forgets what comes, within bounds.
    pub(crate) fn drain(mut self) {
        if self.ended {
            return;
        }
        tokio::spawn(async move {
            let mut seen = 0_usize;
            let _ = tokio::time::timeout(DRAIN_TIME, async {
                while let Some(Ok(piece)) = self.stream.next().await {
                    seen = seen.saturating_add(piece.len());
                    if seen > DRAIN_BYTES {
                        return;
                    }
                }
            })
            .await;
        });
    }
}
