//! What is derived by recounting, for everything that was loaded: the schema's own recounts, in slices.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::staging::{LISTS, Staging, WORK, recounted};
use super::views::{View, named, staged};
use crate::error::OlapError;

/// Posts of one slice: about a million likes and as many events.
const POSTS: u64 = 100_000;

/// Followed users of one slice: about two million follows.
const FOLLOWEES: u64 = 20_000;

/// What one slice may take, so that others can work beside it.
const SETTINGS: [(&str, &str); 2] = [("max_threads", "2"), ("max_memory_usage", "3000000000")];

/// How far back the recounts of events are dated, so that nobody takes them for news: `nova projector` reads what was
/// recounted in the last minutes, and would carry the counts of millions of posts to Redis, five hundred at a time. The load
/// puts them there itself ([`super::next_counters`]).
const EVENTS_DATED_BACK_MS: u64 = 24 * 3_600 * 1_000;

/// A work list and what fills a slice of it.
struct Work {
    list: &'static str,
    fill: &'static str,
    slice: u64,
    views: &'static [&'static str],
}

const BY_POST: Work = Work {
    list: "post_changes",
    fill: "INSERT INTO load_post_changes \
           SELECT now64(3, 'UTC'), post_id, arrayJoin(['events', 'posts']) FROM \
           (SELECT post_id FROM posts_cdc \
           WHERE _version = {version:UInt64} AND post_id > {after:UUID} ORDER BY post_id LIMIT {slice:UInt64})",
    slice: POSTS,
    views: &["mv_post_metrics_1h", LISTS],
};

const BY_FOLLOWEE: Work = Work {
    list: "follow_changes",
    fill: "INSERT INTO load_follow_changes \
           SELECT DISTINCT now64(3, 'UTC'), followee_id FROM follow_graph \
           WHERE _version = {version:UInt64} AND followee_id > {after:UUID} ORDER BY followee_id LIMIT {slice:UInt64}",
    slice: FOLLOWEES,
    views: &["mv_author_followers"],
};

#[derive(Row, Deserialize)]
struct Slice {
    entries: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    last: Uuid,
}

impl Staging {
    /// Recounts the posts and the followed users whose facts carry this version. Call it when the facts are published;
    /// what changes meanwhile is recounted by the schema's views, with a later version. `base_ms` is a time before now,
    /// milliseconds since 1970: recounts of events are dated a day before it.
    ///
    /// # Errors
    /// [`OlapError::Query`]; nothing was recounted then.
    pub async fn recount(&self, version: u64, base_ms: u64) -> Result<(), OlapError> {
        // One watermark only: a recount then takes its whole work list, and no more than that.
        self.run(
            "INSERT INTO load_recount_watermarks \
             SELECT arrayJoin(['post_metrics_1h', 'post_engagement', 'author_followers']), toDateTime64(10, 3, 'UTC')",
        )
        .await?;
        let dated = base_ms.saturating_sub(EVENTS_DATED_BACK_MS);
        for work in [BY_POST, BY_FOLLOWEE] {
            let mut statements = Vec::new();
            for view in named(work.views) {
                statements.push(self.statement(&view, dated).await?);
            }
            let mut after = Uuid::nil();
            while let Some(last) = self.fill(&work, version, after).await? {
                for statement in &statements {
                    self.bounded(statement).await?;
                }
                after = last;
            }
        }
        self.note_counted_meanwhile(dated).await?;
        self.move_parts(recounted()).await
    }

    /// The insert of a view's query over the load's own work list.
    async fn statement(&self, view: &View, dated: u64) -> Result<String, OlapError> {
        let target = view.target;
        let columns: Vec<String> = self
            .client
            .query(
                "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = ? ORDER BY position",
            )
            .bind(target)
            .fetch_all()
            .await?;
        let columns = columns.join(", ");
        // It has never run for the load.
        let query = staged(view.query, &[&WORK[..], &[view.name]].concat());
        let version = if view.name == "mv_post_metrics_1h" {
            format!(" REPLACE (toUInt64({dated}) AS _version)")
        } else {
            String::new()
        };
        Ok(format!(
            "INSERT INTO load_{target} ({columns}) SELECT {columns} FROM (SELECT *{version} FROM ({query}))"
        ))
    }

    /// Puts the next slice into a work list; its last key, or none when there is no more.
    async fn fill(
        &self,
        work: &Work,
        version: u64,
        after: Uuid,
    ) -> Result<Option<Uuid>, OlapError> {
        let Work {
            list, fill, slice, ..
        } = work;
        self.run(&format!("TRUNCATE TABLE load_{list} SYNC"))
            .await?;
        self.client
            .query(fill)
            .param("version", version)
            .param("after", after)
            .param("slice", *slice)
            .execute()
            .await?;
        let key = if *list == "post_changes" {
            "post_id"
        } else {
            "followee_id"
        };
        let found: Slice = self
            .client
            .query(&format!(
                "SELECT count() AS entries, max({key}) AS last FROM load_{list}"
            ))
            .fetch_one()
            .await?;
        Ok((found.entries > 0).then_some(found.last))
    }

    /// A loaded post with events of its own from before its facts were published has a newer recount of these alone.
    async fn note_counted_meanwhile(&self, dated: u64) -> Result<(), OlapError> {
        self.run(&format!(
            "INSERT INTO post_changes \
             SELECT DISTINCT now64(3, 'UTC'), post_id, 'events' FROM load_post_metrics_1h \
             WHERE post_id IN (SELECT post_id FROM post_metrics_1h WHERE _version > {dated})"
        ))
        .await
    }

    async fn bounded(&self, statement: &str) -> Result<(), OlapError> {
        let mut query = self.client.query(&statement.replace('?', "??"));
        for (name, value) in SETTINGS {
            query = query.with_setting(name, value);
        }
        Ok(query.execute().await?)
    }
}
