//! What a viewer did lately: applied to every page, so that nobody waits for the pipeline to see an own action.

use std::collections::{HashMap, HashSet};

use nova_domain::{PostId, UserId};
use redis::{Pipeline, Value};

use crate::batch::Batch;
use crate::client::Cache;
use crate::corrupt;
use crate::counters::lsn_text;
use crate::error::CacheError;
use crate::metrics::Operation;
use crate::reply::Replies;
use crate::{keys, scripts, ttl};

pub(crate) const WHAT: &str = "overlay";

/// Changes that an overlay holds. One more drops the oldest likes, then the oldest follows and unblocks, which the
/// pipeline has served long since. Blocks and unfollows are never dropped and may go beyond.
pub const MOST_OVERLAY_FIELDS: usize = 1_000;

/// Dropped at once, so that a viewer who likes without end keeps the server busy with it once in so many likes.
const DROPPED_AT_ONCE: usize = 250;

/// The field that holds the newest LSN that was dropped.
const FLOOR: &[u8] = b"floor";

/// A viewer's latest actions, newer than what a ranking may know. `true` is done, `false` is undone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Posts liked or unliked.
    pub likes: HashMap<PostId, bool>,
    /// Authors followed or unfollowed.
    pub follows: HashMap<UserId, bool>,
    /// Users blocked or unblocked; of a block between two, both have it.
    pub blocks: HashMap<UserId, bool>,
}

impl Overlay {
    /// Whether nothing was done lately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.likes.is_empty() && self.follows.is_empty() && self.blocks.is_empty()
    }
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OverlayKey {
    /// A like of a post.
    Like(PostId),
    /// A follow of an author.
    Follow(UserId),
    /// A block of a user, or by one.
    Block(UserId),
}

/// Something a viewer did, or undid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayChange {
    /// Whose overlay it goes to.
    pub viewer: UserId,
    /// What it is about.
    pub what: OverlayKey,
    /// Done, or undone.
    pub on: bool,
    /// LSN of the change: the newest one stays, in whatever order they come.
    pub lsn: u64,
}

impl Cache {
    /// What a viewer did lately. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn overlay(&self, viewer: UserId) -> Result<Overlay, CacheError> {
        let mut ask = Pipeline::with_capacity(1);
        ask_overlay(&mut ask, viewer);
        let operation = Operation::OVERLAY;
        let mut replies = Replies::new(operation, self.read(operation, &ask).await?);
        take_overlay(&mut replies, viewer)
    }

    /// Writes changes, each where its LSN is newer than what is there: how many were. With `only_active`, only for
    /// viewers who have a feed that it could be applied to, at the price of a second round trip.
    ///
    /// An overlay holds [`MOST_OVERLAY_FIELDS`] changes.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take them. Some may have been written; writing all again is harmless.
    pub async fn overlay_set(
        &self,
        changes: &[OverlayChange],
        only_active: bool,
    ) -> Result<usize, CacheError> {
        let active = if only_active {
            Some(
                self.active(changes.iter().map(|change| change.viewer))
                    .await?,
            )
        } else {
            None
        };
        let mut batch = Batch::default();
        for change in changes {
            if active
                .as_ref()
                .is_none_or(|active| active.contains(&change.viewer))
            {
                let arguments = (
                    field(change.what),
                    u8::from(change.on),
                    lsn_text(change.lsn),
                    ttl::OVERLAY.as_secs(),
                    MOST_OVERLAY_FIELDS,
                    DROPPED_AT_ONCE,
                );
                batch.script(&scripts::OVERLAY, keys::overlay(change.viewer), arguments);
            }
        }
        self.apply(Operation::OVERLAY_SET, batch).await
    }

    /// Those who have been ranked for lately.
    async fn active(
        &self,
        viewers: impl Iterator<Item = UserId>,
    ) -> Result<HashSet<UserId>, CacheError> {
        let mut viewers: Vec<UserId> = viewers.collect();
        viewers.sort_unstable();
        viewers.dedup();
        let mut batch = Batch::default();
        for viewer in &viewers {
            batch.command("EXISTS", keys::viewer(*viewer), |_| {});
        }
        let answers = self.write(Operation::ACTIVE, batch).await?;
        Ok(viewers
            .into_iter()
            .zip(answers)
            .filter(|(_, answer)| matches!(answer, Value::Int(1)))
            .map(|(viewer, _)| viewer)
            .collect())
    }
}

fn field(what: OverlayKey) -> String {
    match what {
        OverlayKey::Like(post) => format!("like:{post}"),
        OverlayKey::Follow(author) => format!("follow:{author}"),
        OverlayKey::Block(user) => format!("block:{user}"),
    }
}

/// One command.
pub(crate) fn ask_overlay(ask: &mut Pipeline, viewer: UserId) {
    ask.cmd("HGETALL").arg(keys::overlay(viewer));
}

/// The answer to [`ask_overlay`].
pub(crate) fn take_overlay(replies: &mut Replies, viewer: UserId) -> Result<Overlay, CacheError> {
    let key = || keys::overlay(viewer);
    let mut overlay = Overlay::default();
    for (field, value) in replies.hash(WHAT, key)? {
        if field == FLOOR {
            continue;
        }
        match decode(&field, &value) {
            Some((OverlayKey::Like(post), on)) => _ = overlay.likes.insert(post, on),
            Some((OverlayKey::Follow(author), on)) => _ = overlay.follows.insert(author, on),
            Some((OverlayKey::Block(user), on)) => _ = overlay.blocks.insert(user, on),
            None => corrupt::report(WHAT, &key(), "an unknown field or value"),
        }
    }
    Ok(overlay)
}

fn decode(field: &[u8], value: &[u8]) -> Option<(OverlayKey, bool)> {
    let (kind, id) = std::str::from_utf8(field).ok()?.split_once(':')?;
    let what = match kind {
        "like" => OverlayKey::Like(id.parse().ok()?),
        "follow" => OverlayKey::Follow(id.parse().ok()?),
        "block" => OverlayKey::Block(id.parse().ok()?),
        _ => return None,
    };
    match value {
        [b'1', b'@', ..] => Some((what, true)),
        [b'0', b'@', ..] => Some((what, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn changes_come_back_as_they_were(id: u128, kind in 0..3, on: bool, lsn: u64) {
            let id = Uuid::from_u128(id);
            let what = match kind {
                0 => OverlayKey::Like(id.into()),
                1 => OverlayKey::Follow(id.into()),
                _ => OverlayKey::Block(id.into()),
            };
            let value = format!("{}@{}", u8::from(on), lsn_text(lsn));
            prop_assert_eq!(decode(field(what).as_bytes(), value.as_bytes()), Some((what, on)));
        }

        #[test]
        fn garbage_is_no_change(field: Vec<u8>, value: Vec<u8>) {
            prop_assert_eq!(decode(&field, &value), None);
        }
    }

    #[test]
    fn fields_as_the_contract_has_them() {
        let id: PostId = "0190b5a0-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(field(OverlayKey::Like(id)), format!("like:{id}"));
        let user = UserId::new(id.uuid());
        assert_eq!(field(OverlayKey::Follow(user)), format!("follow:{id}"));
        assert_eq!(field(OverlayKey::Block(user)), format!("block:{id}"));
        assert_eq!(lsn_text(7), "00000000000000000007");
    }
}
