//! Tokens that were verified already: a client sends the same one with every request, and checking it anew costs several
//! microseconds with HS256 and some fifty with EdDSA.

use chrono::Utc;
use moka::sync::Cache;
use nova_domain::UserId;
use sha2::{Digest as _, Sha256};

/// Tokens remembered: some 150 bytes each. What was used least goes first.
const MOST: u64 = 100_000;

/// SHA-256 of a token: whoever reads the process's memory finds no tokens in here.
type Key = [u8; 32];

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Claim {
    pub(super) user: UserId,
    /// When it ends, in seconds since 1970; leeway is not in it.
    pub(super) ends: f64,
}

/// Verified tokens. The key they were verified with does not change while the process runs, and a token says the same
/// for ever but for its end, which is looked at each time. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Accepted(Cache<Key, Claim>);

impl Accepted {
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST))
    }

    /// What a token says, if it was verified before.
    pub(super) fn get(&self, key: &Key) -> Option<Claim> {
        self.0.get(key)
    }

    pub(super) fn keep(&self, key: Key, claim: Claim) {
        self.0.insert(key, claim);
    }

    pub(super) fn forget(&self, key: &Key) {
        self.0.invalidate(key);
    }
}

/// Where a token is kept.
pub(super) fn key(token: &str) -> Key {
    Sha256::digest(token.as_bytes()).into()
}

impl Claim {
    /// Whether the token's time has passed, `leeway` seconds granted.
    pub(super) fn has_ended(&self, leeway: f64) -> bool {
        self.has_ended_at(Utc::now().timestamp_millis() as f64 / 1_000.0, leeway)
    }

    fn has_ended_at(&self, now: f64, leeway: f64) -> bool {
        // A number that cannot be compared is no time.
        self.ends.is_nan() || self.ends + leeway < now.floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_ends_after_its_leeway() {
        let user = UserId::generate();
        let claim = |ends| Claim { user, ends };
        assert!(!claim(100.0).has_ended_at(105.9, 5.0));
        assert!(claim(100.0).has_ended_at(106.0, 5.0));
        assert!(claim(f64::NAN).has_ended_at(0.0, 5.0));
    }
}
