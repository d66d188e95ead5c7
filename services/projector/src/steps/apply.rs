//! What may show before ClickHouse has it: what hides, and what a viewer did themselves.

use chrono::{DateTime, TimeDelta, Utc};
use nova_cache::{Cache, OverlayChange, OverlayKey};
use nova_domain::{EventCounts, PostId, UserId};
use nova_stream::change::{Change, Fact, Op};

use super::StepError;
use crate::pending::Entry;

/// A post younger than this is new to everybody. Recounts of events are carried from five minutes back on, so whatever is
/// reported of it later replaces the zeros.
const JUST_MADE: TimeDelta = TimeDelta::minutes(2);

/// What changes write to Redis.
#[derive(Debug, Default, PartialEq, Eq)]
struct Writes {
    /// Whether posts are deleted, as of which LSN. The LSN is noted for every change of a post: bodies that were read
    /// before it count as missing from then on.
    deleted: Vec<(PostId, bool, u64)>,
    /// Posts that were made just now: nobody has reported anything about them.
    made: Vec<EventCounts>,
    /// What viewers did.
    overlays: Vec<OverlayChange>,
    /// Viewers whose feeds hold what they may not, or would not, see any more.
    stale: Vec<UserId>,
}

pub(super) async fn run(cache: &Cache, entries: &[Entry]) -> Result<(), StepError> {
    let writes = Writes::of(entries.iter().map(|entry| &entry.change), Utc::now());
    if !writes.deleted.is_empty() {
        cache.apply_deleted(&writes.deleted).await?;
    }
    if !writes.made.is_empty() {
        cache.apply_event_counts(&writes.made).await?;
    }
    if !writes.overlays.is_empty() {
        // Whoever has no feed yet gets one that is ranked from what ClickHouse has by then.
        cache.overlay_set(&writes.overlays, true).await?;
    }
    if !writes.stale.is_empty() {
        cache
            .mark_stale(&writes.stale, Utc::now().timestamp_millis())
            .await?;
    }
    Ok(())
}

impl Writes {
    fn of<'a>(changes: impl Iterator<Item = &'a Change>, now: DateTime<Utc>) -> Self {
        let mut writes = Self::default();
        for change in changes {
            writes.add(change, now);
        }
        writes
    }

    fn add(&mut self, change: &Change, now: DateTime<Utc>) {
        // What a snapshot reads was there before; nobody did it just now.
        let just_done = change.op != Op::Read;
        match change.fact {
            Fact::Like { post, user } if just_done => {
                self.overlays
                    .push(overlay(user, OverlayKey::Like(post), change));
            }
            Fact::Follow { follower, followee } if just_done => {
                self.overlays
                    .push(overlay(follower, OverlayKey::Follow(followee), change));
                if change.removed {
                    self.stale.push(follower);
                }
            }
            Fact::Post {
                post,
                deleted,
                created_at,
                ..
            } => {
                self.deleted.push((post, deleted, change.lsn));
                if change.op == Op::Create && now - created_at < JUST_MADE {
                    self.made.push(EventCounts::none(post));
                }
            }
            Fact::Like { .. } | Fact::Follow { .. } | Fact::Comment { .. } => {}
        }
    }
}

fn overlay(viewer: UserId, what: OverlayKey, change: &Change) -> OverlayChange {
    OverlayChange {
        viewer,
        what,
        on: !change.removed,
        lsn: change.lsn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(fact: Fact, op: Op) -> Change {
        Change {
            fact,
            removed: op == Op::Delete,
            lsn: 7,
            op,
            source_ms: None,
        }
    }

    #[test]
    fn what_hides_and_what_viewers_did_is_written_at_once() {
        let (post, user, author) = (PostId::generate(), UserId::generate(), UserId::generate());
        let like = Fact::Like { post, user };
        let follow = Fact::Follow {
            follower: user,
            followee: author,
        };
        let on = |what, on| OverlayChange {
            viewer: user,
            what,
            on,
            lsn: 7,
        };
        let of =
            |fact: &Fact, op| Writes::of(std::iter::once(&change(fact.clone(), op)), Utc::now());
        assert_eq!(
            of(&like, Op::Create).overlays,
            [on(OverlayKey::Like(post), true)]
        );
        assert_eq!(
            of(&like, Op::Delete).overlays,
            [on(OverlayKey::Like(post), false)]
        );
        assert_eq!(of(&like, Op::Read), Writes::default());
        let followed = of(&follow, Op::Create);
        assert_eq!(followed.overlays, [on(OverlayKey::Follow(author), true)]);
        assert!(followed.stale.is_empty());
        let unfollowed = of(&follow, Op::Delete);
        assert_eq!(unfollowed.overlays, [on(OverlayKey::Follow(author), false)]);
        assert_eq!(unfollowed.stale, [user]);
        assert_eq!(of(&follow, Op::Read), Writes::default());
    }

    #[test]
    fn every_change_of_a_post_says_whether_it_is_deleted() {
        let post = PostId::generate();
        let fact = |deleted| Fact::Post {
            post,
            author: UserId::generate(),
            created_at: Utc::now(),
            visibility: None,
            deleted,
        };
        for (op, deleted) in [
            (Op::Create, false),
            (Op::Read, false),
            (Op::Update, false),
            (Op::Update, true),
            (Op::Delete, true),
        ] {
            let writes = Writes::of(std::iter::once(&change(fact(deleted), op)), Utc::now());
            assert_eq!(writes.deleted, [(post, deleted, 7)], "{op:?}");
            let made = if op == Op::Create {
                vec![EventCounts::none(post)]
            } else {
                vec![]
            };
            assert_eq!(writes.made, made, "{op:?}");
        }
        // One that is read again from the topic may have had events since.
        let later = Utc::now() + JUST_MADE * 2;
        let writes = Writes::of(std::iter::once(&change(fact(false), Op::Create)), later);
        assert!(writes.made.is_empty());
    }
}
