//! Where a page begins, as an opaque text that only this service can make.
//!
//! ```text
//! base64url( version 1 | viewer 16 | snapshot 16 | position 4, big-endian | HMAC-SHA256 of all of it, first 16 )
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nova_domain::UserId;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::answer::SnapshotId;

const VERSION: u8 = 1;
const BODY: usize = 1 + 16 + 16 + 4;
/// 128 bits: nobody guesses one.
const TAG: usize = 16;

/// Says what else the same secret is not used for.
const LABEL: &[u8] = b"nova feed cursor 1";

/// Why a cursor cannot be used. All are the client's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It has not the form of a cursor.
    #[error("is not a cursor")]
    Malformed,
    /// It was made by a version of this service that is not understood.
    #[error("is of another version; start from the first page")]
    Version,
    /// This service did not make it, or not like this.
    #[error("is not one that was given out")]
    Tampered,
    /// It was given to somebody else.
    #[error("belongs to another user")]
    OtherViewer,
}

impl CursorError {
    /// The word used in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::Tampered => "tampered",
            Self::OtherViewer => "other_viewer",
        }
    }
}

/// What cursors are authenticated with. Every replica needs the same one.
#[derive(Clone)]
pub struct CursorKey(Hmac<Sha256>);

impl CursorKey {
    /// A key of its own, derived from a secret that may serve other purposes too.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let mut derivation = keyed(&Sha256::digest(secret));
        derivation.update(LABEL);
        Self(keyed(&derivation.finalize().into_bytes()))
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(body);
        mac
    }
}

/// HMAC pads short keys with zeros, so this is HMAC with the 32 bytes as its key.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&block.into())
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(***)")
    }
}

/// A position in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) viewer: UserId,
    pub(crate) snapshot: SnapshotId,
    /// Index of the first item of the page.
    pub(crate) position: u32,
}

impl Cursor {
    /// The text to hand out.
    pub(crate) fn encode(&self, key: &CursorKey) -> String {
        let mut bytes = Vec::with_capacity(BODY + TAG);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.viewer.uuid().as_bytes());
        bytes.extend_from_slice(self.snapshot.uuid().as_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
        let tag = key.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a text that `viewer` brings. The check takes the same time wherever a forged one is wrong.
    pub(crate) fn decode(text: &str, key: &CursorKey, viewer: UserId) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| CursorError::Malformed)?;
        if *bytes.first().ok_or(CursorError::Malformed)? != VERSION {
            return Err(CursorError::Version);
        }
        let (body, tag) = bytes
            .split_at_checked(BODY)
            .filter(|(_, tag)| tag.len() == TAG)
            .ok_or(CursorError::Malformed)?;
        key.mac(body)
            .verify_truncated_left(tag)
            .map_err(|_| CursorError::Tampered)?;
        let cursor = Self::parse(body).ok_or(CursorError::Malformed)?;
        if cursor.viewer != viewer {
            return Err(CursorError::OtherViewer);
        }
        Ok(cursor)
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let (_, rest) = body.split_first()?;
        let (viewer, rest) = rest.split_at_checked(16)?;
        let (snapshot, position) = rest.split_at_checked(16)?;
        Some(Self {
            viewer: UserId::new(Uuid::from_slice(viewer).ok()?),
            snapshot: SnapshotId::new(Uuid::from_slice(snapshot).ok()?),
            position: u32::from_be_bytes(position.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> CursorKey {
        CursorKey::derive(b"0123456789abcdef0123456789abcdef")
    }

    fn cursor(viewer: u128, snapshot: u128, position: u32) -> Cursor {
        Cursor {
            viewer: UserId::new(Uuid::from_u128(viewer)),
            snapshot: SnapshotId::new(Uuid::from_u128(snapshot)),
            position,
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(viewer: u128, snapshot: u128, position: u32) {
            let cursor = cursor(viewer, snapshot, position);
            let text = cursor.encode(&key());
            prop_assert_eq!(text.len(), 71);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(Cursor::decode(&text, &key(), cursor.viewer), Ok(cursor));
        }

        #[test]
        fn no_other_text_is_a_cursor(text in "\\PC{0,100}") {
            prop_assert!(Cursor::decode(&text, &key(), cursor(1, 2, 3).viewer).is_err());
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let cursor = cursor(1, 2, 3);
        let text = cursor.encode(&key());
        for place in 0..text.len() {
            for other in ["A", "B", "_"] {
                let mut changed = text.clone();
                changed.replace_range(place..=place, other);
                if changed != text {
                    assert!(
                        Cursor::decode(&changed, &key(), cursor.viewer).is_err(),
                        "{other} at {place}"
                    );
                }
            }
        }
    }

    #[test]
    fn each_mistake_has_its_name() {
        let cursor = cursor(1, 2, 3);
        let decode = |text: &str| Cursor::decode(text, &key(), cursor.viewer).unwrap_err();
        let text = cursor.encode(&key());
        for malformed in [
            "",
            "x",
            "not a cursor",
            &text[..70],
            "AQ",
            &format!("{text}A"),
        ] {
            assert_eq!(decode(malformed), CursorError::Malformed, "{malformed}");
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        bytes[0] = 2;
        assert_eq!(
            decode(&URL_SAFE_NO_PAD.encode(&bytes)),
            CursorError::Version
        );
        bytes[0] = VERSION;
        bytes[BODY - 1] ^= 1;
        assert_eq!(
            decode(&URL_SAFE_NO_PAD.encode(&bytes)),
            CursorError::Tampered
        );
        let other_key = CursorKey::derive(b"another");
        assert_eq!(decode(&cursor.encode(&other_key)), CursorError::Tampered);
        let foreign = super::tests::cursor(9, 2, 3);
        assert_eq!(decode(&foreign.encode(&key())), CursorError::OtherViewer);
    }

    #[test]
    fn the_key_shows_nothing() {
        assert_eq!(format!("{:?}", key()), "CursorKey(***)");
    }
}
