//! The cursor of comment pages: opaque to clients, a position to us. It grants nothing, so it is not signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use nova_domain::CommentId;
use nova_social::CommentCursor;
use uuid::Uuid;

/// Which form the rest has; another one may come.
const VERSION: u8 = 1;

/// Version, microseconds, comment.
const BYTES: usize = 1 + 8 + 16;

pub(crate) fn encode(cursor: &CommentCursor) -> String {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.push(VERSION);
    bytes.extend(cursor.created_at.timestamp_micros().to_be_bytes());
    bytes.extend(cursor.comment_id.uuid().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<CommentCursor> {
    let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (version, rest) = bytes.split_first()?;
    let (micros, comment) = rest.split_first_chunk::<8>()?;
    let micros = i64::from_be_bytes(*micros);
    // PostgreSQL's calendar begins later than ours; no comment is older than 1970.
    if *version != VERSION || micros < 0 {
        return None;
    }
    Some(CommentCursor {
        created_at: DateTime::from_timestamp_micros(micros)?,
        comment_id: CommentId::new(Uuid::from_slice(comment).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_to_the_microsecond() {
        let cursor = CommentCursor {
            created_at: DateTime::from_timestamp_micros(1_700_000_000_123_457).unwrap(),
            comment_id: CommentId::generate(),
        };
        assert_eq!(decode(&encode(&cursor)), Some(cursor));
    }

    #[test]
    fn anything_else_is_refused() {
        let bytes = |version: u8, micros: i64| {
            let mut bytes = vec![version];
            bytes.extend(micros.to_be_bytes());
            bytes.extend([0; 16]);
            URL_SAFE_NO_PAD.encode(bytes)
        };
        assert!(decode(&bytes(VERSION, 0)).is_some());
        for bad in [
            String::new(),
            "x".to_owned(),
            "%%%".to_owned(),
            bytes(2, 0),
            bytes(VERSION, -1),
            bytes(VERSION, i64::MAX),
        ] {
            assert_eq!(decode(&bad), None, "{bad}");
        }
    }
}
