//! ClickHouse's own compressed blocks (`compress=1`, `decompress=1`): 16 bytes of CityHash128 1.0.2 over the
//! rest, one byte of method, the compressed size (these 9 bytes of header included) and the raw size, data.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Code, QueryFailure};

const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const METHOD_NONE: u8 = 0x02;
const METHOD_LZ4: u8 = 0x82;
/// A block announces its sizes; more than this is a broken stream or an attack, clients send 1 MiB or less.
const MAX_BLOCK: usize = 128 << 20;
/// ClickHouse's own block size when it writes.
const WRITE_BLOCK: usize = 1 << 20;

/// Decompresses a stream of blocks that arrives in pieces.
#[derive(Default)]
pub(crate) struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// Takes a piece of the stream.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next complete block; `None` until more is pushed.
    ///
    /// # Errors
    /// The checksum is wrong, the method unknown, a size absurd, or the data is not LZ4.
    pub(crate) fn next_block(&mut self) -> Result<Option<Bytes>, QueryFailure> {
        let Some(mut header) = self.buffer.get(CHECKSUM..CHECKSUM + HEADER) else {
            return Ok(None);
        };
        let method = header.get_u8();
        let compressed = size(header.get_u32_le())?;
        let raw = size(header.get_u32_le())?;
        if compressed < HEADER {
            return Err(QueryFailure::new(
                Code::CannotDecompress,
                format_args!("A compressed block of {compressed} bytes is smaller than its header"),
            ));
        }
        if self.buffer.len() < CHECKSUM + compressed {
            return Ok(None);
        }
        let mut block = self.buffer.split_to(CHECKSUM + compressed);
        let expected = block.get_u128_le();
        let actual = checksum(&block);
        if expected != actual {
            return Err(QueryFailure::new(
                Code::ChecksumDoesntMatch,
                format_args!(
                    "Checksum doesn't match: corrupted data. Reference: {expected:032x}. Actual: {actual:032x}. Size of compressed block: {compressed}"
                ),
            ));
        }
        block.advance(HEADER);
        match method {
            METHOD_NONE if block.len() == raw => Ok(Some(block.freeze())),
            METHOD_NONE => Err(broken(format_args!(
                "{} bytes, announced {raw}",
                block.len()
            ))),
            METHOD_LZ4 => {
                let mut output = vec![0; raw];
                match lz4_flex::block::decompress_into(&block, &mut output) {
                    Ok(length) if length == raw => Ok(Some(output.into())),
                    Ok(length) => Err(broken(format_args!("{length} bytes, announced {raw}"))),
                    Err(error) => Err(broken(error)),
                }
            }
            _ => Err(QueryFailure::new(
                Code::UnknownCompressionMethod,
                format_args!(
                    "Unknown compression method 0x{method:02x}: this server reads LZ4 and uncompressed blocks"
                ),
            )),
        }
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// It stops within a block.
    pub(crate) fn finish(&self) -> Result<(), QueryFailure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        Err(QueryFailure::new(
            Code::CannotReadAllData,
            format_args!(
                "Cannot read all data: the body ends {} bytes into a compressed block",
                self.buffer.len()
            ),
        ))
    }
}

fn size(value: u32) -> Result<usize, QueryFailure> {
    match usize::try_from(value) {
        Ok(value) if value <= MAX_BLOCK => Ok(value),
        _ => Err(QueryFailure::new(
            Code::TooLargeSizeCompressed,
            format_args!(
                "A compressed block announces {value} bytes, more than {MAX_BLOCK}: most likely corrupted data"
            ),
        )),
    }
}

fn broken(reason: impl std::fmt::Display) -> QueryFailure {
    QueryFailure::new(
        Code::CannotDecompress,
        format_args!("Cannot decompress a block: {reason}"),
    )
}

/// As ClickHouse stores it: the high half first.
fn checksum(data: &[u8]) -> u128 {
    cityhash_rs::cityhash_102_128(data).rotate_right(64)
}

/// Compresses `data` into blocks.
pub(crate) fn encode(data: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(data.len() / 2 + CHECKSUM + HEADER);
    for raw in data.chunks(WRITE_BLOCK) {
        let compressed = lz4_flex::block::compress(raw);
        let mut block = Vec::with_capacity(HEADER + compressed.len());
        block.push(METHOD_LZ4);
        // Both fit: a block is 1 MiB, and LZ4 adds less than half a percent.
        block.extend_from_slice(
            &u32::try_from(HEADER + compressed.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        block.extend_from_slice(&u32::try_from(raw.len()).unwrap_or(u32::MAX).to_le_bytes());
        block.extend_from_slice(&compressed);
        output.extend_from_slice(&checksum(&block).to_le_bytes());
        output.extend_from_slice(&block);
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(stream: &[u8], piece: usize) -> Result<Vec<u8>, QueryFailure> {
        let mut decoder = Decoder::default();
        let mut output = Vec::new();
        for piece in stream.chunks(piece) {
            decoder.push(piece);
            while let Some(block) = decoder.next_block()? {
                output.extend_from_slice(&block);
            }
        }
        decoder.finish()?;
        Ok(output)
    }

    fn sample() -> Vec<u8> {
        (0..3_000_000_u32)
            .flat_map(|it| (it / 7).to_le_bytes())
            .collect()
    }

    #[test]
    fn blocks_survive_any_cut() {
        let data = sample();
        let stream = encode(&data);
        assert!(stream.len() < data.len());
        for piece in [1 << 20, 4096, 333] {
            assert_eq!(decode(&stream, piece).unwrap(), data);
        }
        assert_eq!(decode(&encode(b"x"), 1).unwrap(), b"x");
        assert_eq!(decode(b"", 1).unwrap(), b"");
    }

    #[test]
    fn uncompressed_blocks_are_read() {
        let mut block = vec![METHOD_NONE];
        block.extend_from_slice(&12_u32.to_le_bytes());
        block.extend_from_slice(&3_u32.to_le_bytes());
        block.extend_from_slice(b"abc");
        let stream = [&checksum(&block).to_le_bytes()[..], &block].concat();
        assert_eq!(decode(&stream, 5).unwrap(), b"abc");
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let stream = encode(b"the quick brown fox jumps over the lazy dog");
        for at in 0..stream.len() {
            let mut broken = stream.clone();
            broken[at] ^= 0x20;
            assert!(decode(&broken, 1 << 10).is_err(), "byte {at}");
        }
    }

    #[test]
    fn errors_have_the_codes_of_clickhouse() {
        let stream = encode(&sample());
        assert!(
            decode(&stream[..stream.len() - 1], 4096)
                .unwrap_err()
                .is(Code::CannotReadAllData)
        );
        assert!(
            decode(&stream[..7], 4096)
                .unwrap_err()
                .is(Code::CannotReadAllData)
        );
        let mut wrong = stream.clone();
        wrong[0] ^= 1;
        assert!(
            decode(&wrong, 4096)
                .unwrap_err()
                .is(Code::ChecksumDoesntMatch)
        );
        let mut huge = stream;
        huge[CHECKSUM + 1..CHECKSUM + 5].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(
            decode(&huge, 4096)
                .unwrap_err()
                .is(Code::TooLargeSizeCompressed)
        );
        let mut block = vec![0x90];
        block.extend_from_slice(&9_u32.to_le_bytes());
        block.extend_from_slice(&0_u32.to_le_bytes());
        let zstd = [&checksum(&block).to_le_bytes()[..], &block].concat();
        assert!(
            decode(&zstd, 4096)
                .unwrap_err()
                .is(Code::UnknownCompressionMethod)
        );
    }
}
