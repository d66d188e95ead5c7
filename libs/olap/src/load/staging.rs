//! The staging tables.

use clickhouse::Client;

use super::rows::Fact;
use super::views::{View, named, staged};
use crate::client::Olap;
use crate::error::OlapError;

/// The tables that are loaded.
pub(super) const FACTS: [&str; 5] = [
    "posts_cdc",
    "follows_cdc",
    "likes_cdc",
    "comments_cdc",
    "events_raw",
];

/// The views that put the same facts into another order; each works row by row.
const MIRRORS: [&str; 7] = [
    "mv_posts_by_author",
    "mv_follow_graph",
    "mv_user_author_90d",
    "mv_user_author_90d_comments",
    "mv_user_author_90d_shares",
    "mv_user_activity_1h",
    "mv_user_impressions_2d",
];

/// The views that recount, in their order: what the second lists adds up what the first counts.
pub(super) const RECOUNTS: [&str; 3] = ["mv_post_metrics_1h", LISTS, "mv_author_followers"];

/// The view that lists posts to be recounted, and the one that counts them, which sees what the first inserts.
pub(super) const LISTS: &str = "mv_post_engagement";
const COUNTS_LISTED: &str = "mv_post_engagement_counts";

/// The table between the two, which holds nothing.
pub(super) const LIST: &str = "posts_to_recount";

/// Work lists and watermarks: a recount that is loaded has its own.
pub(super) const WORK: [&str; 4] = [
    "post_changes",
    "post_recounts",
    "follow_changes",
    "recount_watermarks",
];

/// For how long a staging table keeps parts that were merged, seconds; a table does for eight minutes, and then a load would take twice its
/// room on disk. Of what is staged nothing has to survive the machine.
const KEPT_WHEN_MERGED: u32 = 1;

/// Tables of a load that is under way; one load at a time.
#[derive(Debug, Clone)]
pub struct Staging {
    pub(super) client: Client,
}

impl Staging {
    /// Empty staging tables, in the place of those of a load that broke off.
    ///
    /// # Errors
    /// [`OlapError::Query`].
    pub async fn create(olap: &Olap) -> Result<Self, OlapError> {
        let staging = Self {
            // Rows are written as they are: 20 M times the same check of the same columns is not cheap.
            client: olap.client().clone().with_validation(false),
        };
        staging.drop_all().await?;
        for table in tables() {
            staging
                .run(&format!("CREATE TABLE load_{table} AS {table}"))
                .await?;
            staging
                .run(&format!(
                    "ALTER TABLE load_{table} MODIFY SETTING old_parts_lifetime = {KEPT_WHEN_MERGED}"
                ))
                .await?;
        }
        for view in mirrors() {
            staging.copy_view(&view, &FACTS).await?;
        }
        staging
            .run(&format!("CREATE TABLE load_{LIST} AS {LIST}"))
            .await?;
        for view in named(&[COUNTS_LISTED]) {
            // It adds up the hours that the load has counted, of posts whose facts are published.
            staging.copy_view(&view, &[LIST, "post_metrics_1h"]).await?;
        }
        Ok(staging)
    }

    /// Inserts rows into the table's staging table, and through its views. Some hundred thousand rows at once are a good
    /// number: each insert makes parts that have to be merged.
    ///
    /// # Errors
    /// [`OlapError::Query`].
    pub async fn insert<F: Fact>(
        &self,
        rows: impl IntoIterator<Item = F>,
    ) -> Result<(), OlapError> {
        let mut insert = self
            .client
            .insert::<F>(&format!("load_{}", F::TABLE))
            .await?;
        for row in rows {
            insert.write(&row).await?;
        }
        insert.end().await?;
        Ok(())
    }

    /// Makes the staged facts those of the real tables. Their parts are merged first, as they are in tables that have grown over
    /// days, which takes a second for a million rows; then they are moved, nothing is copied. A second time moves nothing.
    ///
    /// # Errors
    /// [`OlapError::Query`]; some tables may have been moved.
    pub async fn publish(&self) -> Result<(), OlapError> {
        self.move_parts(FACTS.into_iter().chain(mirror_targets()))
            .await
    }

    /// Removes the staging tables.
    ///
    /// # Errors
    /// [`OlapError::Query`].
    pub async fn drop_all(&self) -> Result<(), OlapError> {
        for view in mirrors().chain(named(&[COUNTS_LISTED])) {
            self.run(&format!("DROP VIEW IF EXISTS load_{} SYNC", view.name))
                .await?;
        }
        for table in tables().chain([LIST]) {
            self.run(&format!("DROP TABLE IF EXISTS load_{table} SYNC"))
                .await?;
        }
        Ok(())
    }

    /// Merges first, for all of them: then they appear at nearly the same time.
    pub(super) async fn move_parts(
        &self,
        tables: impl IntoIterator<Item = &'static str> + Clone,
    ) -> Result<(), OlapError> {
        for table in tables.clone() {
            self.run(&format!("OPTIMIZE TABLE load_{table} FINAL"))
                .await?;
        }
        for table in tables {
            self.run(&format!(
                "ALTER TABLE load_{table} MOVE PARTITION ID 'all' TO TABLE {table}"
            ))
            .await?;
        }
        Ok(())
    }

    /// The same view between staging tables, which it reads instead of those named.
    async fn copy_view(&self, view: &View, reads: &[&str]) -> Result<(), OlapError> {
        let query = staged(view.query, reads);
        let (name, target) = (view.name, view.target);
        self.run(&format!(
            "CREATE MATERIALIZED VIEW load_{name} TO load_{target} AS\n{query}"
        ))
        .await
    }

    /// A statement as it is: a `?` in it is no placeholder.
    pub(super) async fn run(&self, statement: &str) -> Result<(), OlapError> {
        Ok(self
            .client
            .query(&statement.replace('?', "??"))
            .execute()
            .await?)
    }
}

fn mirrors() -> impl Iterator<Item = View> {
    named(&MIRRORS).into_iter()
}

/// The tables that recounts write.
pub(super) fn recounted() -> impl Iterator<Item = &'static str> + Clone {
    let views = named(&[&RECOUNTS[..], &[COUNTS_LISTED]].concat());
    let targets = views.into_iter().map(|view| view.target);
    targets.filter(|target| *target != LIST)
}

/// Each once: three views write interactions.
fn mirror_targets() -> Vec<&'static str> {
    let mut targets: Vec<_> = mirrors().map(|view| view.target).collect();
    targets.dedup();
    targets
}

/// Every table that has a staging table.
fn tables() -> impl Iterator<Item = &'static str> {
    FACTS
        .into_iter()
        .chain(mirror_targets())
        .chain(WORK)
        .chain(recounted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::views::views;

    /// Views of facts that a load leaves out: they note what is to be recounted.
    const LEFT_OUT: [&str; 5] = [
        "mv_post_changes_posts",
        "mv_post_changes_likes",
        "mv_post_changes_comments",
        "mv_post_changes_events",
        "mv_follow_changes",
    ];

    #[test]
    fn every_view_of_a_fact_is_loaded_or_left_out_on_purpose() {
        for view in views() {
            let of_facts = FACTS
                .iter()
                .any(|fact| view.query.contains(&format!("FROM {fact}")));
            let known = MIRRORS.contains(&view.name)
                || RECOUNTS.contains(&view.name)
                || view.name == COUNTS_LISTED
                || LEFT_OUT.contains(&view.name);
            assert!(!of_facts || known, "{}", view.name);
        }
        let names: Vec<_> = views().iter().map(|view| view.name).collect();
        for name in MIRRORS.iter().chain(&RECOUNTS).chain(&LEFT_OUT) {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn every_staging_table_is_there_once() {
        let mut found: Vec<_> = tables().collect();
        let all = found.len();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), all);
        assert_eq!(all, 5 + 5 + 4 + 3);
    }
}
