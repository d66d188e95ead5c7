//! Rankings and the pages cut from them.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use nova_domain::UserId;
use redis::Pipeline;
use uuid::Uuid;

use crate::batch::Batch;
use crate::client::Cache;
use crate::error::CacheError;
use crate::lists::{from_json, to_json};
use crate::look::{PageKey, encode_page, position_field};
use crate::metrics::Operation;
use crate::reply::{Replies, or_miss, parse};
use crate::{keys, scripts, ttl};

/// Fields of a viewer's hash, at most: offsets are the caller's choice, a snapshot has 900 items.
const MOST_VIEWER_FIELDS: usize = 1_000;

impl Cache {
    /// A ranking, as it was stored. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn snapshot(&self, viewer: UserId, id: Uuid) -> Result<Option<Bytes>, CacheError> {
        self.get(Operation::SNAPSHOT, "snapshot", &keys::snapshot(viewer, id))
            .await
    }

    /// Stores a ranking for [`ttl::SNAPSHOT`] and makes its viewer active for as long. It becomes the viewer's newest
    /// unless a newer one was stored before (`generated_ms`, since 1970), and with `walk` the one walked by offset.
    /// What is known to be stale stays known. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take it.
    pub async fn store_snapshot(
        &self,
        viewer: UserId,
        id: Uuid,
        generated_ms: i64,
        bytes: &[u8],
        walk: bool,
    ) -> Result<(), CacheError> {
        let life = ttl::SNAPSHOT.as_secs();
        let mut batch = Batch::default();
        // First the snapshot: a viewer's row never names one that is not there.
        batch.command("SET", keys::snapshot(viewer, id), |set| {
            set.arg(bytes).arg("EX").arg(life);
        });
        let arguments = (id.to_string(), generated_ms, u8::from(walk), life);
        batch.script(&scripts::VIEWER_RANKED, keys::viewer(viewer), arguments);
        self.write(Operation::STORE_SNAPSHOT, batch).await.map(drop)
    }

    /// Walks this snapshot by offset from now on; the positions of another are forgotten. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take it.
    pub async fn start_walk(&self, viewer: UserId, id: Uuid) -> Result<(), CacheError> {
        let mut batch = Batch::default();
        let arguments = (id.to_string(), ttl::SNAPSHOT.as_secs());
        batch.script(&scripts::VIEWER_WALK, keys::viewer(viewer), arguments);
        self.write(Operation::WALK, batch).await.map(drop)
    }

    /// Stores a page for 54 to 60 s, and where in its snapshot the next page begins (`next` = offset of that page, raw
    /// position), if that snapshot is the one walked by offset. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take it.
    pub async fn store_page(
        &self,
        viewer: UserId,
        page: PageKey,
        snapshot: Uuid,
        body: &[u8],
        next: Option<(u32, u32)>,
    ) -> Result<(), CacheError> {
        let mut batch = Batch::default();
        let life = u64::try_from(ttl::page_jittered().as_millis()).unwrap_or(u64::MAX);
        batch.command(
            "SET",
            keys::feed_page(viewer, page.offset, page.limit),
            |set| {
                set.arg(encode_page(snapshot, body)).arg("PX").arg(life);
            },
        );
        if let Some((offset, raw)) = next {
            position(&mut batch, viewer, snapshot, offset, raw);
        }
        self.write(Operation::STORE_PAGE, batch).await.map(drop)
    }

    /// Remembers that in this snapshot the page at `offset` begins at `raw`, if the snapshot is the one walked by
    /// offset. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take it.
    pub async fn remember_position(
        &self,
        viewer: UserId,
        snapshot: Uuid,
        offset: u32,
        raw: u32,
    ) -> Result<(), CacheError> {
        let mut batch = Batch::default();
        position(&mut batch, viewer, snapshot, offset, raw);
        self.write(Operation::WALK, batch).await.map(drop)
    }

    /// Every position remembered of a snapshot, offset to raw position; none when another one is walked by now. For an
    /// offset that was never shown: the nearest lower one says the most. One round trip, at most 1,000 fields.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn positions(
        &self,
        viewer: UserId,
        snapshot: Uuid,
    ) -> Result<BTreeMap<u32, u32>, CacheError> {
        let key = keys::viewer(viewer);
        let mut ask = Pipeline::with_capacity(1);
        ask.cmd("HGETALL").arg(&key);
        let operation = Operation::POSITIONS;
        let mut replies = Replies::new(operation, self.read(operation, &ask).await?);
        let fields = replies.hash("viewer", || key.clone())?;
        let walked = fields
            .iter()
            .find(|(field, _)| field == b"walk")
            .and_then(|(_, id)| parse::<Uuid>(id).ok());
        if walked != Some(snapshot) {
            return Ok(BTreeMap::new());
        }
        Ok(fields
            .iter()
            .filter_map(|(field, raw)| {
                let offset = field.strip_prefix(b"o:")?;
                let pair = parse(offset).and_then(|offset| Ok((offset, parse(raw)?)));
                or_miss(pair, "viewer", || key.clone())
            })
            .collect())
    }

    /// Everybody who is blocked either way, as it was at the last ranking. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not answer.
    pub async fn blocks(&self, viewer: UserId) -> Result<Option<HashSet<UserId>>, CacheError> {
        let key = keys::blocks(viewer);
        let value = self.get(Operation::BLOCKS, "blocks", &key).await?;
        Ok(value.and_then(|value| from_json(&value, "blocks", &key)))
    }

    /// Keeps everybody who is blocked either way, for [`ttl::BLOCKS`]. One round trip.
    ///
    /// # Errors
    /// [`CacheError`] when Redis does not take it.
    pub async fn store_blocks(
        &self,
        viewer: UserId,
        blocked: &HashSet<UserId>,
    ) -> Result<(), CacheError> {
        let mut sorted: Vec<&UserId> = blocked.iter().collect();
        sorted.sort_unstable();
        let json = to_json(&sorted, "blocks")?;
        let mut batch = Batch::default();
        batch.command("SET", keys::blocks(viewer), |set| {
            set.arg(json).arg("EX").arg(ttl::BLOCKS.as_secs());
        });
        self.write(Operation::STORE_BLOCKS, batch).await.map(drop)
    }

    /// The string that a key holds. One round trip.
    pub(crate) async fn get(
        &self,
        operation: Operation,
        what: &'static str,
        key: &str,
    ) -> Result<Option<Bytes>, CacheError> {
        let mut ask = Pipeline::with_capacity(1);
        ask.cmd("GET").arg(key);
        Replies::new(operation, self.read(operation, &ask).await?).bytes(what, || key.to_owned())
    }
}

fn position(batch: &mut Batch, viewer: UserId, snapshot: Uuid, offset: u32, raw: u32) {
    let arguments = (
        snapshot.to_string(),
        position_field(offset),
        raw,
        MOST_VIEWER_FIELDS,
    );
    batch.script(&scripts::VIEWER_POSITION, keys::viewer(viewer), arguments);
}
