//! The body of a request, in pieces: bounded in size and in patience, decompressed on the way.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::StreamExt as _;

use crate::error::{Code, QueryFailure};
use crate::native::Decoder;

/// How much of a body nobody wants is read, and for how long.
const DRAIN_BYTES: usize = 256 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Reads a body.
pub(crate) struct BodyReader {
    /// Until its end, or its failure.
    stream: Option<BodyDataStream>,
    decoder: Option<Decoder>,
    taken: usize,
    limit: usize,
    patience: Duration,
}

impl BodyReader {
    /// `limit` counts bytes as they come, `patience` is the longest pause.
    pub(crate) fn new(body: Body, decompress: bool, limit: usize, patience: Duration) -> Self {
        Self {
            stream: Some(body.into_data_stream()),
            decoder: decompress.then(Decoder::default),
            taken: 0,
            limit,
            patience,
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
            let Some(stream) = &mut self.stream else {
                return Ok(None);
            };
            let piece = match tokio::time::timeout(self.patience, stream.next()).await {
                Ok(Some(Ok(piece))) => piece,
                Err(_elapsed) => {
                    self.stream = None;
                    return Err(QueryFailure::new(
                        Code::SocketTimeout,
                        format_args!(
                            "Timeout exceeded while reading from socket: no data for {:?}",
                            self.patience
                        ),
                    ));
                }
                Ok(None) => {
                    self.stream = None;
                    if let Some(decoder) = &self.decoder {
                        decoder.finish()?;
                    }
                    return Ok(None);
                }
                Ok(Some(Err(error))) => {
                    self.stream = None;
                    return Err(QueryFailure::new(
                        Code::UnexpectedEndOfFile,
                        format_args!("Unexpected end of the request's body: {error}"),
                    ));
                }
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

    /// Reads to the end, at most `limit` bytes of content.
    ///
    /// # Errors
    /// Those of [`BodyReader::next`]; the body is larger.
    pub(crate) async fn all(&mut self, limit: usize) -> Result<Vec<u8>, QueryFailure> {
        let mut all = Vec::new();
        while let Some(piece) = self.next().await? {
            all.extend_from_slice(&piece);
            if all.len() > limit {
                return Err(too_large(limit));
            }
        }
        Ok(all)
    }
}

/// The error of a statement that is too long.
pub(crate) fn too_large(limit: usize) -> QueryFailure {
    QueryFailure::new(
        Code::QueryIsTooLarge,
        format_args!("The statement exceeds {limit} bytes"),
    )
}

/// Reads on in the background and forgets what comes, within bounds: a client that still writes may not read the
/// answer, and a connection that is closed with unread data loses it.
impl Drop for BodyReader {
    fn drop(&mut self) {
        let Some(mut stream) = self.stream.take() else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(tokio::time::timeout(DRAIN_TIME, async move {
            let mut seen = 0_usize;
            while let Some(Ok(piece)) = stream.next().await {
                seen = seen.saturating_add(piece.len());
                if seen > DRAIN_BYTES {
                    return;
                }
            }
        }));
    }
}
