//! A client that reports events as an app does that was offline for a while: full batches.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};
use nova_domain::UserId;
use nova_loadtest::token::Signer;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::http::{Answer, Connection, bearer};
use crate::measure::{Asked, Client};
use crate::pipeline::LikedPost;
use crate::pipeline::course::Counts;
use crate::pipeline::likes::by_rank;

/// The most that the API takes at once.
pub(super) const BATCH: usize = 500;
/// Users of a connection, in turn: one may ask 100 times a second.
pub(super) const USERS: usize = 100;
const PATH: &str = "/api/v1/events";
/// When an answer does not say when to come again.
const LATER: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);

/// Which events there are: of posts by their rank, as likes are. Their ids have the first half in common.
#[derive(Debug, Clone)]
pub(super) struct Batches {
    run: u64,
    posts: Arc<Vec<Uuid>>,
    seed: u64,
}

/// The batches of one connection.
#[derive(Debug)]
pub(super) struct Stream {
    run: u64,
    next: u64,
    posts: Arc<Vec<Uuid>>,
    rng: ChaCha8Rng,
}

impl Batches {
    /// Of posts in the order of their popularity.
    pub(super) fn new(posts: &[LikedPost], seed: u64) -> Self {
        let posts = posts.iter().map(|target| target.post.uuid());
        Self {
            run: rand::rng().random(),
            posts: Arc::new(posts.collect()),
            seed,
        }
    }

    /// Those of the nth connection: no id is anybody else's.
    pub(super) fn of(&self, nth: usize) -> Stream {
        let nth = nth as u64;
        Stream {
            run: self.run,
            next: nth << 48,
            posts: Arc::clone(&self.posts),
            rng: ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(nth)),
        }
    }

    /// Asks ClickHouse how many of them it has, each once. Reads the table whole.
    pub(super) fn counting(&self) -> String {
        let first = Uuid::from_u64_pair(self.run, 0).to_string();
        let half: String = first.chars().take(19).collect();
        format!(
            "SELECT count() FROM events_raw FINAL WHERE startsWith(toString(event_id), '{half}')"
        )
    }
}

impl Stream {
    /// A batch of events that happened now. A post that is seen makes three of them; of ten, one is opened, another shared.
    fn batch(&mut self) -> Bytes {
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut json = String::with_capacity(BATCH * 190);
        json.push_str(r#"{"events":["#);
        let mut post = Uuid::nil();
        for nth in 0..BATCH {
            if nth.is_multiple_of(3) {
                let place = by_rank(self.rng.random(), self.posts.len());
                post = self.posts.get(place).copied().unwrap_or_default();
            }
            let (kind, dwell) = match (nth % 3, nth % 30) {
                (2, 14) => ("click", ""),
                (2, 29) => ("share", ""),
                (0, _) => ("impression", ""),
                (1, _) => ("view", r#","dwell_ms":2500"#),
                _ => ("dwell", r#","dwell_ms":4000"#),
            };
            let id = Uuid::from_u64_pair(self.run, self.next);
            self.next += 1;
            let comma = if nth == 0 { "" } else { "," };
            // Writing into a String cannot fail.
            let _ = write!(
                json,
                r#"{comma}{{"event_id":"{id}","type":"{kind}","post_id":"{post}"{dwell},"occurred_at":"{now}"}}"#
            );
        }
        json.push_str("]}");
        Bytes::from(json)
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Sender {
    connection: Connection,
    tokens: Vec<HeaderValue>,
    turn: usize,
    stream: Stream,
    /// Not accepted yet: sent again until it is.
    batch: Option<Bytes>,
    counts: Arc<Counts>,
    most: u64,
    waited: Arc<AtomicU64>,
}

impl Sender {
    /// As each of the users in turn, while at most so many events are under way.
    pub(super) fn new(
        api: &str,
        secret: &str,
        users: impl Iterator<Item = UserId>,
        stream: Stream,
        counts: Arc<Counts>,
        most: u64,
        waited: Arc<AtomicU64>,
    ) -> anyhow::Result<Self> {
        let signer = Signer::new(secret);
        let token = |user| bearer(&signer.token(user)?);
        let tokens: Vec<HeaderValue> = users.map(token).collect::<Result<_, _>>()?;
        anyhow::ensure!(!tokens.is_empty(), "a sender without users");
        Ok(Self {
            connection: Connection::to(api)?,
            tokens,
            turn: 0,
            stream,
            batch: None,
            counts,
            most,
            waited,
        })
    }

    async fn wait(&self, time: Duration) {
        let begun = Instant::now();
        sleep(time).await;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(micros, Ordering::AcqRel);
    }

    fn accepted(&mut self, answer: &Answer) -> anyhow::Result<()> {
        #[derive(serde::Deserialize)]
        struct Accepted {
            accepted: u64,
        }
        let told: Accepted = serde_json::from_slice(&answer.body).context("an odd answer")?;
        anyhow::ensure!(
            told.accepted == BATCH as u64,
            "a part of the batch was taken"
        );
        self.counts.give(told.accepted);
        self.batch = None;
        Ok(())
    }
}

impl Client for Sender {
    async fn prepare(&mut self) -> Result<(), String> {
        while self.counts.under_way() >= self.most {
            self.wait(PAUSE).await;
        }
        if self.batch.is_none() {
            self.batch = Some(self.stream.batch());
            self.turn = (self.turn + 1) % self.tokens.len();
        }
        Ok(())
    }

    async fn ask(&mut self) -> Asked {
        let Some((batch, token)) = self.batch.clone().zip(self.tokens.get(self.turn)) else {
            return Asked::Failed("no batch".to_owned());
        };
        let answer = match self.connection.post(PATH, Some(token), batch).await {
            Ok(answer) => answer,
            Err(reason) => return Asked::Failed(reason),
        };
        match answer.status {
            StatusCode::ACCEPTED => match self.accepted(&answer) {
                Ok(()) => Asked::Counted,
                Err(error) => Asked::Failed(error.to_string()),
            },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                self.wait(later(&answer)).await;
                Asked::Other("later")
            }
            other => Asked::Failed(format!("status {}", other.as_u16())),
        }
    }
}

/// When a server that is busy wants to be asked again.
fn later(answer: &Answer) -> Duration {
    let text = answer
        .headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let seconds = text.and_then(|text| text.parse().ok());
    seconds.map_or(LATER, Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use hyper::header::HeaderMap;
    use nova_domain::PostId;

    use super::*;

    fn batches() -> Batches {
        let target = |n: u128| LikedPost {
            post: PostId::new(Uuid::from_u128(n)),
            author: UserId::new(Uuid::from_u128(n)),
        };
        Batches::new(&(1..1_000).map(target).collect::<Vec<_>>(), 1)
    }

    #[test]
    fn a_batch_is_what_the_api_takes() {
        let batches = batches();
        let mut ids = HashSet::new();
        for nth in [0, 1] {
            let mut stream = batches.of(nth);
            for _ in 0..2 {
                let json = stream.batch();
                assert!(json.len() < 524_288, "{} bytes", json.len());
                let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
                let mut kinds = BTreeMap::new();
                for event in value["events"].as_array().unwrap() {
                    let id = event["event_id"].as_str().unwrap().to_owned();
                    assert!(batches.counting().contains(&id[..19]));
                    assert!(ids.insert(id));
                    let kind = event["type"].as_str().unwrap();
                    let dwells = matches!(kind, "view" | "dwell");
                    assert_eq!(event.get("dwell_ms").is_some(), dwells, "{event}");
                    *kinds.entry(kind.to_owned()).or_insert(0) += 1;
                }
                assert_eq!(kinds["impression"], 167);
                assert_eq!((kinds["share"], kinds["click"]), (16, 17));
            }
        }
        assert_eq!(ids.len(), 4 * BATCH);
    }

    #[test]
    fn a_busy_server_says_when_to_come_again() {
        let mut answer = Answer {
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        assert_eq!(later(&answer), LATER);
        answer
            .headers
            .insert(RETRY_AFTER, HeaderValue::from_static("3"));
        assert_eq!(later(&answer), Duration::from_secs(3));
    }
}
