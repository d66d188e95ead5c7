//! What a ranking asks for its viewer, alone and together with others.
//!
//! What is asked together is asked as of the earliest time of all. They wait for the same turn: their times are no further apart
//! than a deadline.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use clickhouse::Row;
use clickhouse::query::Query;
use nova_domain::{Candidate, PostId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use crate::candidates::{NewPost, SourceLimits, time_param};
use crate::client::Olap;
use crate::error::OlapError;
use crate::interactions::{AuthorInteractions, Interactions};
use crate::rows::{CandidateRow, InteractionsRow, NewestRow};
use crate::together::{Groups, Question, Together};

const FOLLOW: &str = include_str!("../../../clickhouse/queries/follow_candidates.sql");
const FOLLOW_TOGETHER: &str =
    include_str!("../../../clickhouse/queries/follow_candidates_together.sql");
const AFFINITY: &str = include_str!("../../../clickhouse/queries/affinity_candidates.sql");
const AFFINITY_TOGETHER: &str =
    include_str!("../../../clickhouse/queries/affinity_candidates_together.sql");
const NEWEST: &str = include_str!("../../../clickhouse/queries/newest_candidates.sql");
const NEWEST_TOGETHER: &str =
    include_str!("../../../clickhouse/queries/newest_candidates_together.sql");
const INTERACTIONS: &str = include_str!("../../../clickhouse/queries/viewer_interactions.sql");
const INTERACTIONS_TOGETHER: &str =
    include_str!("../../../clickhouse/queries/viewer_interactions_together.sql");
const IMPRESSIONS: &str = include_str!("../../../clickhouse/queries/viewer_impressions.sql");
const IMPRESSIONS_TOGETHER: &str =
    include_str!("../../../clickhouse/queries/viewer_impressions_together.sql");

/// F1.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
    pub(crate) viewer: UserId,
    pub(crate) now: DateTime<Utc>,
    pub(crate) limits: SourceLimits,
}

/// F3, of the authors closest to a viewer.
#[derive(Debug, Clone)]
pub(crate) struct Affinity {
    pub(crate) viewer: UserId,
    /// Whom it asks for, and whether the viewer follows them.
    pub(crate) authors: Vec<(UserId, bool)>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) limits: SourceLimits,
}

/// What F1 and F3 would find that they had not found before.
#[derive(Debug, Clone)]
pub(crate) struct NewestPosts {
    pub(crate) viewer: UserId,
    pub(crate) authors: Vec<UserId>,
    pub(crate) since: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) max_posts: u32,
}

/// Whom a viewer interacts with.
#[derive(Debug, Clone)]
pub(crate) struct OwnInteractions {
    pub(crate) viewer: UserId,
    pub(crate) now: DateTime<Utc>,
    pub(crate) days: u32,
}

/// What a viewer has seen.
#[derive(Debug, Clone)]
pub(crate) struct Impressions {
    pub(crate) viewer: UserId,
    pub(crate) now: DateTime<Utc>,
    pub(crate) hours: u32,
    pub(crate) max_posts: u32,
}

impl Question for Follow {
    type Common = SourceLimits;
    type Answer = Vec<Candidate>;

    fn viewer(&self) -> UserId {
        self.viewer
    }

    fn common(&self) -> SourceLimits {
        self.limits
    }

    fn waiting(together: &Together) -> &Groups<Self> {
        &together.follow
    }

    async fn alone(&self, olap: &Olap, deadline: Duration) -> Result<Vec<Candidate>, OlapError> {
        let query = olap.read(FOLLOW, deadline).param("viewer", self.viewer);
        candidates(windowed(query, self.now, self.limits)).await
    }

    async fn together(
        limits: SourceLimits,
        all: &[Self],
        olap: &Olap,
        deadline: Duration,
    ) -> Result<Vec<Vec<Candidate>>, OlapError> {
        let query = olap
            .read(FOLLOW_TOGETHER, deadline)
            .param("viewers", viewers(all));
        let query = windowed(query, earliest(all, |one| one.now), limits);
        let rows = query.fetch_all::<CandidateOfRow>().await?;
        Ok(by_viewer(all, rows.into_iter().map(CandidateOfRow::of)))
    }
}

impl Question for Affinity {
    type Common = SourceLimits;
    type Answer = Vec<Candidate>;

    fn viewer(&self) -> UserId {
        self.viewer
    }

    fn common(&self) -> SourceLimits {
        self.limits
    }

    fn authors(&self) -> usize {
        self.authors.len()
    }

    fn waiting(together: &Together) -> &Groups<Self> {
        &together.affinity
    }

    async fn alone(&self, olap: &Olap, deadline: Duration) -> Result<Vec<Candidate>, OlapError> {
        let authors: Vec<UserId> = self.authors.iter().map(|(author, _)| *author).collect();
        let followed = self.authors.iter().filter(|(_, followed)| *followed);
        let followed: Vec<UserId> = followed.map(|(author, _)| *author).collect();
        let query = olap
            .read(AFFINITY, deadline)
            .param("authors", authors)
            .param("followed", followed);
        candidates(windowed(query, self.now, self.limits)).await
    }

    async fn together(
        limits: SourceLimits,
        all: &[Self],
        olap: &Olap,
        deadline: Duration,
    ) -> Result<Vec<Vec<Candidate>>, OlapError> {
        let (authors, places) = placed(all, |one| one.authors.iter().map(|(author, _)| *author));
        let followed = all.iter().flat_map(|one| &one.authors);
        let followed: Vec<u32> = followed.map(|(_, followed)| u32::from(*followed)).collect();
        let query = olap
            .read(AFFINITY_TOGETHER, deadline)
            .param("viewers", viewers(all))
            .param("authors", authors)
            .param("places", places)
            .param("followed", followed);
        let query = windowed(query, earliest(all, |one| one.now), limits);
        let rows = query.fetch_all::<CandidateOfRow>().await?;
        Ok(by_viewer(all, rows.into_iter().map(CandidateOfRow::of)))
    }
}

impl Question for NewestPosts {
    /// The most posts of each.
    type Common = u32;
    type Answer = Vec<NewPost>;

    fn viewer(&self) -> UserId {
        self.viewer
    }

    fn common(&self) -> u32 {
        self.max_posts
    }

    fn authors(&self) -> usize {
        self.authors.len()
    }

    fn waiting(together: &Together) -> &Groups<Self> {
        &together.newest
    }

    async fn alone(&self, olap: &Olap, deadline: Duration) -> Result<Vec<NewPost>, OlapError> {
        let query = olap
            .read(NEWEST, deadline)
            .param("viewer", self.viewer)
            .param("authors", self.authors.clone())
            .param("since", time_param(self.since))
            .param("now", time_param(self.now))
            .param("max_posts", self.max_posts);
        let rows = query.fetch_all::<NewestRow>().await?;
        Ok(rows.into_iter().map(NewPost::from).collect())
    }

    async fn together(
        max_posts: u32,
        all: &[Self],
        olap: &Olap,
        deadline: Duration,
    ) -> Result<Vec<Vec<NewPost>>, OlapError> {
        let (authors, places) = placed(all, |one| one.authors.iter().copied());
        let query = olap
            .read(NEWEST_TOGETHER, deadline)
            .param("viewers", viewers(all))
            .param("authors", authors)
            .param("places", places)
            .param("since", time_param(earliest(all, |one| one.since)))
            .param("now", time_param(earliest(all, |one| one.now)))
            .param("max_posts", max_posts);
        let rows = query.fetch_all::<NewestOfRow>().await?;
        let mut answers = by_viewer(all, rows.into_iter().map(NewestOfRow::of));
        // Newest first: what another one asked for from further back is at the end.
        for (one, posts) in all.iter().zip(&mut answers) {
            posts.retain(|new: &NewPost| new.post.created_at > one.since);
        }
        Ok(answers)
    }
}

impl Question for OwnInteractions {
    /// The days that are looked at.
    type Common = u32;
    type Answer = Interactions;

    fn viewer(&self) -> UserId {
        self.viewer
    }

    fn common(&self) -> u32 {
        self.days
    }

    fn waiting(together: &Together) -> &Groups<Self> {
        &together.interactions
    }

    async fn alone(&self, olap: &Olap, deadline: Duration) -> Result<Interactions, OlapError> {
        let query = olap
            .read(INTERACTIONS, deadline)
            .param("viewer", self.viewer)
            .param("now", time_param(self.now))
            .param("interaction_days", self.days);
        let rows = query.fetch_all::<InteractionsRow>().await?;
        Ok(rows.into_iter().map(AuthorInteractions::from).collect())
    }

    async fn together(
        days: u32,
        all: &[Self],
        olap: &Olap,
        deadline: Duration,
    ) -> Result<Vec<Interactions>, OlapError> {
        let query = olap
            .read(INTERACTIONS_TOGETHER, deadline)
            .param("viewers", viewers(all))
            .param("now", time_param(earliest(all, |one| one.now)))
            .param("interaction_days", days);
        let rows = query.fetch_all::<InteractionsOfRow>().await?;
        let answers = by_viewer(all, rows.into_iter().map(InteractionsOfRow::of));
        Ok(answers
            .into_iter()
            .map(|own| own.into_iter().collect())
            .collect())
    }
}

impl Question for Impressions {
    /// The hours that are looked at, and the most posts of each.
    type Common = (u32, u32);
    type Answer = HashSet<PostId>;

    fn viewer(&self) -> UserId {
        self.viewer
    }

    fn common(&self) -> (u32, u32) {
        (self.hours, self.max_posts)
    }

    fn waiting(together: &Together) -> &Groups<Self> {
        &together.impressions
    }

    async fn alone(&self, olap: &Olap, deadline: Duration) -> Result<HashSet<PostId>, OlapError> {
        let query = olap
            .read(IMPRESSIONS, deadline)
            .param("viewer", self.viewer);
        let limits = SourceLimits {
            window_hours: self.hours,
            max_posts: self.max_posts,
        };
        let rows = windowed(query, self.now, limits)
            .fetch_all::<SeenRow>()
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| PostId::new(row.post_id))
            .collect())
    }

    async fn together(
        (window_hours, max_posts): (u32, u32),
        all: &[Self],
        olap: &Olap,
        deadline: Duration,
    ) -> Result<Vec<HashSet<PostId>>, OlapError> {
        let query = olap
            .read(IMPRESSIONS_TOGETHER, deadline)
            .param("viewers", viewers(all));
        let limits = SourceLimits {
            window_hours,
            max_posts,
        };
        let rows = windowed(query, earliest(all, |one| one.now), limits)
            .fetch_all::<SeenOfRow>()
            .await?;
        let seen = rows
            .into_iter()
            .map(|row| (UserId::new(row.viewer), PostId::new(row.post_id)));
        let answers = by_viewer(all, seen);
        Ok(answers
            .into_iter()
            .map(|own| own.into_iter().collect())
            .collect())
    }
}

/// With the parameters that most of these queries have.
fn windowed(query: Query, now: DateTime<Utc>, limits: SourceLimits) -> Query {
    query
        .param("now", time_param(now))
        .param("window_hours", limits.window_hours)
        .param("max_posts", limits.max_posts)
}

/// Posts, in the order of the query.
pub(crate) async fn candidates(query: Query) -> Result<Vec<Candidate>, OlapError> {
    let rows = query.fetch_all::<CandidateRow>().await?;
    Ok(rows.into_iter().map(Candidate::from).collect())
}

fn viewers<Q: Question>(all: &[Q]) -> Vec<UserId> {
    all.iter().map(Question::viewer).collect()
}

fn earliest<Q>(all: &[Q], time: impl Fn(&Q) -> DateTime<Utc>) -> DateTime<Utc> {
    all.iter().map(time).min().unwrap_or_default()
}

/// The authors of all, and for each of them the place of who asks, from 1.
fn placed<'a, Q, A: Iterator<Item = UserId>>(
    all: &'a [Q],
    authors: impl Fn(&'a Q) -> A,
) -> (Vec<UserId>, Vec<u32>) {
    let places = (1..).zip(all);
    places
        .flat_map(|(place, one)| authors(one).map(move |author| (author, place)))
        .unzip()
}

/// What belongs to each of the viewers, in the order in which it came.
fn by_viewer<Q: Question, T>(all: &[Q], rows: impl Iterator<Item = (UserId, T)>) -> Vec<Vec<T>> {
    let places: HashMap<UserId, usize> = viewers(all).into_iter().zip(0..).collect();
    let mut own: Vec<Vec<T>> = all.iter().map(|_| Vec::new()).collect();
    for (viewer, row) in rows {
        if let Some(own) = places.get(&viewer).and_then(|place| own.get_mut(*place)) {
            own.push(row);
        }
    }
    own
}

/// A row of `follow_candidates_together.sql` and of `affinity_candidates_together.sql`.
#[derive(Row, Deserialize)]
struct CandidateOfRow {
    #[serde(with = "clickhouse::serde::uuid")]
    viewer: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
}

impl CandidateOfRow {
    fn of(self) -> (UserId, Candidate) {
        let post = Candidate {
            post_id: PostId::new(self.post_id),
            author_id: UserId::new(self.author_id),
            created_at: self.created_at,
        };
        (UserId::new(self.viewer), post)
    }
}

/// A row of `newest_candidates_together.sql`.
#[derive(Row, Deserialize)]
struct NewestOfRow {
    #[serde(with = "clickhouse::serde::uuid")]
    viewer: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    created_at: DateTime<Utc>,
    followed: u8,
}

impl NewestOfRow {
    fn of(self) -> (UserId, NewPost) {
        let new = NewPost {
            post: Candidate {
                post_id: PostId::new(self.post_id),
                author_id: UserId::new(self.author_id),
                created_at: self.created_at,
            },
            followed: self.followed != 0,
        };
        (UserId::new(self.viewer), new)
    }
}

/// A row of `viewer_interactions_together.sql`.
#[derive(Row, Deserialize)]
struct InteractionsOfRow {
    #[serde(with = "clickhouse::serde::uuid")]
    viewer: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    author_id: Uuid,
    interactions: u64,
    #[serde(with = "clickhouse::serde::chrono::datetime64::micros")]
    newest: DateTime<Utc>,
    followed: u8,
}

impl InteractionsOfRow {
    fn of(self) -> (UserId, AuthorInteractions) {
        let own = AuthorInteractions {
            author: UserId::new(self.author_id),
            count: self.interactions,
            newest: self.newest,
            followed: self.followed != 0,
        };
        (UserId::new(self.viewer), own)
    }
}

/// A row of `viewer_impressions.sql`.
#[derive(Row, Deserialize)]
struct SeenRow {
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
}

/// A row of `viewer_impressions_together.sql`.
#[derive(Row, Deserialize)]
struct SeenOfRow {
    #[serde(with = "clickhouse::serde::uuid")]
    viewer: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    post_id: Uuid,
}
