//! Users, and the follows that can be derived from what they liked.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use nova_domain::{DisplayName, Handle, UserId};
use nova_social::bulk::{FollowRow, UserRow};

use super::{Cofacts, FEEDBACK_FILE, POSTS_FILE, REQUESTS_FILE, engagement, line, posts, shown};
use crate::defect::Reason;
use crate::fields::Fields;
use crate::input::{EachLine, ReadError};
use crate::key::Keys;
use crate::row::Row;

/// A user is named by the hashed id and the application.
fn key(fields: &Fields) -> Result<String, Reason> {
    Ok(format!(
        "{}\n{}",
        fields.text("userIdsha256")?,
        fields.text("appId")?
    ))
}

/// The id of the user of a line. Some feedback lacks the application; that is a name as well.
pub(super) fn id(fields: &Fields, keys: &Keys) -> Result<UserId, Reason> {
    Ok(keys.user(&key(fields)?))
}

const FIRST: [&str; 16] = [
    "Amber", "Brisk", "Calm", "Dusky", "Early", "Faint", "Gentle", "Hidden", "Ivory", "Jade",
    "Keen", "Light", "Misty", "Noble", "Ochre", "Plain",
];
const SECOND: [&str; 16] = [
    "Anchor", "Bridge", "Canyon", "Delta", "Ember", "Forest", "Garden", "Harbor", "Island",
    "Juniper", "Kettle", "Lantern", "Meadow", "Needle", "Orchard", "Pebble",
];

/// A profile made from the hash alone: it says nothing of the person.
pub(super) fn profile(
    user_key: &str,
    created_at: DateTime<Utc>,
    keys: &Keys,
) -> Result<UserRow, Reason> {
    let digest = keys.digest("profile", user_key);
    let hex: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let first = FIRST[usize::from(digest[8] % 16)];
    let second = SECOND[usize::from(digest[9] % 16)];
    let number = u16::from_be_bytes([digest[10], digest[11]]) % 1_000;
    Ok(UserRow {
        user_id: keys.user(user_key),
        handle: Handle::parse(format!("reader_{hex}")).map_err(|e| Reason::text("handle", &e))?,
        display_name: DisplayName::parse(format!("{first} {second} {number}"))
            .map_err(|e| Reason::text("display_name", &e))?,
        created_at,
    })
}

/// Where and when a user was met first.
struct Met {
    file: Arc<str>,
    number: u64,
    at: DateTime<Utc>,
}

pub(super) fn users(
    source: &Cofacts,
    done: &Arc<AtomicU64>,
    each: EachLine<'_>,
) -> Result<(), ReadError> {
    let mut met: HashMap<String, Met> = HashMap::new();
    // The order of first mention, so that reading again gives the same lines.
    let mut order = Vec::new();
    let mut meet = |file: &Arc<str>, number, fields: &Fields| {
        let (Ok(user), Ok(at)) = (key(fields), fields.time("createdAt")) else {
            return;
        };
        match met.entry(user) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.at = known.at.min(at);
            }
            Entry::Vacant(new) => {
                order.push(new.key().clone());
                let file = Arc::clone(file);
                new.insert(Met { file, number, at });
            }
        }
    };
    let file = shown(POSTS_FILE);
    source.lines(POSTS_FILE, &posts::SPEC, done, &mut |number, fields| {
        if let Ok(fields) = fields
            && posts::head(&fields, &source.keys).is_ok()
        {
            meet(&file, number, &fields);
        }
        ControlFlow::Continue(())
    })?;
    let file = shown(FEEDBACK_FILE);
    source.lines(
        FEEDBACK_FILE,
        &engagement::FEEDBACK,
        done,
        &mut |number, fields| {
            if let Ok(fields) = fields
                && engagement::becomes_something(&fields)
            {
                meet(&file, number, &fields);
            }
            ControlFlow::Continue(())
        },
    )?;
    if source.options.with_reasons {
        let file = shown(REQUESTS_FILE);
        source.lines(
            REQUESTS_FILE,
            &engagement::REQUESTS,
            done,
            &mut |number, fields| {
                if let Ok(fields) = fields
                    && engagement::words(&fields, "reason").is_some()
                {
                    meet(&file, number, &fields);
                }
                ControlFlow::Continue(())
            },
        )?;
    }
    for user in order {
        let Some(first) = met.get(&user) else {
            continue;
        };
        let row = profile(&user, first.at, &source.keys).map(Row::User);
        if each(line(&first.file, first.number, row)).is_break() {
            break;
        }
    }
    Ok(())
}

/// When a user liked a post, and the line that says so.
type Liked = (DateTime<Utc>, u64);

/// A user follows an author from the n-th like of the author's posts on, in the order of time.
pub(super) fn follows(
    source: &Cofacts,
    done: &Arc<AtomicU64>,
    each: EachLine<'_>,
) -> Result<(), ReadError> {
    let Some(least) = source.options.derive_follows else {
        return Ok(());
    };
    let heads = posts::heads(source)?;
    let mut liked: HashMap<(UserId, UserId), Vec<Liked>> = HashMap::new();
    source.lines(
        FEEDBACK_FILE,
        &engagement::FEEDBACK,
        done,
        &mut |number, fields| {
            if let Ok(fields) = fields
                && let Ok(Some(like)) = engagement::like(&fields, heads, &source.keys)
                && let Some(author) = engagement::author(&fields, heads)
                && author != like.user_id
            {
                let times = liked.entry((like.user_id, author)).or_default();
                times.push((like.created_at, number));
            }
            ControlFlow::Continue(())
        },
    )?;
    let nth = usize::try_from(least.max(1)).unwrap_or(usize::MAX) - 1;
    let mut found: Vec<(u64, FollowRow)> = liked
        .into_iter()
        .filter_map(|((follower_id, followee_id), mut times)| {
            times.sort_unstable();
            let (created_at, number) = *times.get(nth)?;
            let row = FollowRow {
                follower_id,
                followee_id,
                created_at,
            };
            Some((number, row))
        })
        .collect();
    found.sort_unstable_by_key(|(number, _)| *number);
    let file = shown(FEEDBACK_FILE);
    for (number, row) in found {
        if each(line(&file, number, Ok(Row::Follow(row)))).is_break() {
            break;
        }
    }
    Ok(())
}
