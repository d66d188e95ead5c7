//! The first look for a page: is there one, for which snapshot, and what has happened since.

use std::borrow::Cow;

use bytes::Bytes;
use nova_domain::{PostId, UserId};
use redis::Pipeline;
use uuid::Uuid;

use crate::client::Cache;
use crate::counters::{PostRow, ask_counters, take_counters};
use crate::error::CacheError;
use crate::keys;
use crate::metrics::Operation;
use crate::overlay::{Overlay, ask_overlay, take_overlay};
use crate::reply::{Replies, or_miss, parse, parse_field};

const PAGE: &str = "page";
const VIEWER: &str = "viewer";

/// A page begins with the id of its snapshot, so that one who has it in memory needs no more than that.
pub(crate) const ID_LENGTH: usize = 36;

/// Which page of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageKey {
    /// Items before it.
    pub offset: u32,
    /// Items on it, at most.
    pub limit: u32,
}

/// What is known about a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageLook {
    /// It is not in Redis.
    Absent,
    /// All of it.
    Full {
        /// The snapshot it was cut from.
        snapshot: Uuid,
        /// As it was stored.
        body: Bytes,
    },
    /// It is there, cut from this snapshot.
    Id(Uuid),
}

/// What is known of an active viewer, as far as one page needs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ViewerRow {
    /// The newest snapshot.
    pub fresh: Option<Uuid>,
    /// When it was made, in ms since 1970.
    pub generated_ms: Option<i64>,
    /// The snapshot that is walked by offset.
    pub walk: Option<Uuid>,
    /// When the feed was last known to be out of date, in ms since 1970.
    pub stale_ms: Option<i64>,
    /// Where in `walk` the page at the offset begins.
    pub start: Option<u32>,
    /// Where in `walk` the page after it begins.
    pub next: Option<u32>,
}

/// All that one round trip tells about a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The page.
    pub page: PageLook,
    /// Its viewer; `None` when not active.
    pub viewer: Option<ViewerRow>,
    /// What the viewer did lately.
    pub overlay: Overlay,
    /// What is known of the posts that were given, in their order.
    pub counters: Vec<Option<PostRow>>,
}

impl Cache {
    /// Looks for a page. One round trip, one command per post and three more.
    ///
    /// With `known`, the posts of the page as this process remembers it, only the page's snapshot is fetched
    /// ([`PageLook::Id`]) and the counters of those posts come with it; without, the page itself.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn look(
        &self,
        viewer: UserId,
        page: PageKey,
        known: Option<&[PostId]>,
    ) -> Result<Look, CacheError> {
        let posts = known.unwrap_or_default();
        let page_key = keys::feed_page(viewer, page.offset, page.limit);
        let viewer_key = keys::viewer(viewer);
        let ask = look_commands(viewer, page, known);

        let operation = Operation::LOOK;
        let mut replies = Replies::new(operation, self.read(operation, &ask).await?);
        let found = replies
            .bytes(PAGE, || page_key.clone())?
            .filter(|found| !found.is_empty());
        let row = replies.fields(VIEWER, || viewer_key.clone())?;
        Ok(Look {
            page: found
                .and_then(|found| {
                    or_miss(decode_page(&found, known.is_none()), PAGE, || {
                        page_key.clone()
                    })
                })
                .unwrap_or(PageLook::Absent),
            viewer: row.and_then(|row| or_miss(decode_viewer(&row), VIEWER, || viewer_key.clone())),
            overlay: take_overlay(&mut replies, viewer)?,
            counters: take_counters(&mut replies, posts)?,
        })
    }
}

/// What [`Cache::look`] sends, for whoever measures that round trip alone.
#[must_use]
pub fn look_commands(viewer: UserId, page: PageKey, known: Option<&[PostId]>) -> Pipeline {
    let posts = known.unwrap_or_default();
    let page_key = keys::feed_page(viewer, page.offset, page.limit);
    let mut ask = Pipeline::with_capacity(3 + posts.len());
    if known.is_some() {
        ask.cmd("GETRANGE").arg(page_key).arg(0).arg(ID_LENGTH - 1);
    } else {
        ask.cmd("GET").arg(page_key);
    }
    let fields = viewer_fields(page);
    let fields = fields.each_ref().map(AsRef::as_ref);
    ask.cmd("HMGET")
        .arg(keys::viewer(viewer))
        .arg::<&[&str]>(&fields);
    ask_overlay(&mut ask, viewer);
    ask_counters(&mut ask, posts);
    ask
}

fn viewer_fields(page: PageKey) -> [Cow<'static, str>; 6] {
    [
        "fresh".into(),
        "generated".into(),
        "walk".into(),
        "stale".into(),
        position_field(page.offset),
        position_field(page.offset.saturating_add(page.limit)),
    ]
}

/// The field of a viewer's hash that says where the page at an offset begins.
pub(crate) fn position_field(offset: u32) -> Cow<'static, str> {
    match offset {
        0 => Cow::Borrowed("o:0"),
        20 => Cow::Borrowed("o:20"),
        _ => Cow::Owned(format!("o:{offset}")),
    }
}

fn decode_viewer(fields: &[Option<Vec<u8>>; 6]) -> Result<ViewerRow, String> {
    let [fresh, generated, walk, stale, start, next] = fields;
    Ok(ViewerRow {
        fresh: parse_field(fresh.as_ref())?,
        generated_ms: parse_field(generated.as_ref())?,
        walk: parse_field(walk.as_ref())?,
        stale_ms: parse_field(stale.as_ref())?,
        start: parse_field(start.as_ref())?,
        next: parse_field(next.as_ref())?,
    })
}

/// A page as it is stored.
pub(crate) fn encode_page(snapshot: Uuid, body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(ID_LENGTH + body.len());
    value.extend_from_slice(snapshot.hyphenated().to_string().as_bytes());
    value.extend_from_slice(body);
    value
}

fn decode_page(value: &Bytes, full: bool) -> Result<PageLook, String> {
    let id = value.get(..ID_LENGTH).ok_or("too short")?;
    let snapshot = parse(id)?;
    Ok(if full {
        PageLook::Full {
            snapshot,
            body: value.slice(ID_LENGTH..),
        }
    } else {
        PageLook::Id(snapshot)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_come_back_as_they_were(id: u128, body: Vec<u8>) {
            let snapshot = Uuid::from_u128(id);
            let value = Bytes::from(encode_page(snapshot, &body));
            let id = decode_page(&value.slice(..ID_LENGTH), false);
            prop_assert_eq!(id, Ok(PageLook::Id(snapshot)));
            let body = Bytes::from(body);
            prop_assert_eq!(decode_page(&value, true), Ok(PageLook::Full { snapshot, body }));
        }

        #[test]
        fn viewers_come_back_as_they_were(
            fresh: u128, generated: i64, walk: u128, stale: i64, start: u32, next: u32
        ) {
            let (fresh, walk) = (Uuid::from_u128(fresh), Uuid::from_u128(walk));
            let fields = [
                fresh.to_string(), generated.to_string(), walk.to_string(), stale.to_string(),
                start.to_string(), next.to_string(),
            ].map(|text| Some(text.into_bytes()));
            prop_assert_eq!(decode_viewer(&fields), Ok(ViewerRow {
                fresh: Some(fresh), generated_ms: Some(generated), walk: Some(walk),
                stale_ms: Some(stale), start: Some(start), next: Some(next),
            }));
        }
    }

    #[test]
    fn garbage_is_no_page_and_no_viewer() {
        for bad in [
            "{}",
            "",
            "0190b5a0-0000-7000-8000-00000000000g{\"items\":[]}",
        ] {
            assert!(
                decode_page(&Bytes::from_static(bad.as_bytes()), true).is_err(),
                "{bad}"
            );
        }
        let mut fields = [const { None }; 6];
        fields[1] = Some(b"yesterday".to_vec());
        assert!(decode_viewer(&fields).is_err());
    }

    #[test]
    fn fields_of_a_viewer_as_the_contract_has_them() {
        let fields = viewer_fields(PageKey {
            offset: 20,
            limit: 20,
        });
        assert_eq!(
            fields,
            ["fresh", "generated", "walk", "stale", "o:20", "o:40"]
        );
    }
}
