//! Feeds that are read meanwhile: first pages, at a rate, by people who come back as they do in the load test.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use nova_domain::UserId;
use nova_loadtest::audience::{Audience, Habits};
use nova_loadtest::people::People;
use nova_loadtest::token::Signer;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::http::{Answer, Connection, bearer};
use crate::measure::{Asked, Client, Run, at_rate};
use crate::report::Percentiles;

const PATH: &str = "/api/v1/feed?limit=20";
/// The habits of the load test's viewers.
const HABITS: Habits = Habits {
    gap: 5.0,
    visits: 24.0,
};
/// Requests that may be under way at once: beyond it an arrival waits, and the wait counts.
const CLIENTS: usize = 16;
/// Whether to go on is asked after so long.
const SLICE: Duration = Duration::from_secs(2);
/// Fewer values than this have no 95th percentile to speak of.
const FEWEST: u64 = 20;

/// What became of the reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadsReport {
    /// Reads a second that were due.
    pub rate: f64,
    /// Viewers online at a time.
    pub online: usize,
    /// All of them, whatever became of them.
    pub reads: u64,
    /// From a ranking that is kept, ms from when they were due.
    pub hit: Option<Percentiles>,
    /// From an older ranking while the next is made.
    pub stale: Option<Percentiles>,
    /// Ranked for the request.
    pub miss: Option<Percentiles>,
    /// Reads that failed, by reason.
    pub failures: Vec<String>,
    /// Answers that say they lack something: that the stream is behind is what they should say.
    pub degraded: u64,
}

/// Viewers online, and what they are let in with.
struct Viewers {
    audience: Mutex<Audience>,
    users: Vec<UserId>,
    signer: Signer,
    degraded: std::sync::atomic::AtomicU64,
}

struct Reader {
    connection: Connection,
    viewers: Arc<Viewers>,
    token: Option<HeaderValue>,
}

/// Reads feeds at a rate until it is told to stop.
pub(super) async fn read(
    api: &str,
    secret: &str,
    people: &People,
    rate: f64,
    seed: u64,
    stop: CancellationToken,
) -> anyhow::Result<ReadsReport> {
    let online = HABITS.online(rate);
    let audience = Audience::new(people.users.len(), online, HABITS.visits, seed)?;
    let viewers = Arc::new(Viewers {
        audience: Mutex::new(audience),
        users: people.users.clone(),
        signer: Signer::new(secret),
        degraded: 0.into(),
    });
    let reader = |_| {
        anyhow::Ok(Reader {
            connection: Connection::to(api)?,
            viewers: Arc::clone(&viewers),
            token: None,
        })
    };
    let mut readers = (0..CLIENTS).map(reader).collect::<Result<Vec<_>, _>>()?;
    let mut all = Run::new()?;
    while !stop.is_cancelled() {
        let (run, again) = at_rate(readers, rate, SLICE).await?;
        all.add(&run)?;
        readers = again;
    }
    let degraded = viewers.degraded.load(std::sync::atomic::Ordering::Acquire);
    Ok(ReadsReport::of(&all, rate, online, degraded))
}

impl ReadsReport {
    fn of(run: &Run, rate: f64, online: usize, degraded: u64) -> Self {
        let of = |kind| {
            let latency = run.kinds.get(kind)?;
            Percentiles::of(latency).filter(|found| found.count >= FEWEST)
        };
        Self {
            rate,
            online,
            reads: run.all(),
            hit: of("hit"),
            stale: of("stale"),
            miss: of("miss"),
            failures: run
                .failures
                .iter()
                .map(|(reason, count)| format!("{count} reads: {reason}"))
                .collect(),
            degraded,
        }
    }
}

impl Viewers {
    fn next(&self) -> Result<HeaderValue, String> {
        let mut audience = self.audience.lock().unwrap_or_else(PoisonError::into_inner);
        let place = audience.visitor();
        let user = self.users.get(place).ok_or("no viewer")?;
        let token = self
            .signer
            .token(*user)
            .map_err(|error| error.to_string())?;
        bearer(&token).map_err(|error| error.to_string())
    }
}

impl Client for Reader {
    async fn prepare(&mut self) -> Result<(), String> {
        self.token = Some(self.viewers.next()?);
        Ok(())
    }

    async fn ask(&mut self) -> Asked {
        let answer = match self.connection.get(PATH, self.token.as_ref()).await {
            Ok(answer) => answer,
            Err(reason) => return Asked::Failed(reason),
        };
        if contains(&answer.body, br#""degraded":[""#) {
            let degraded = &self.viewers.degraded;
            degraded.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        }
        judged(&answer)
    }
}

/// What an answer is. A fallback is an error, as in the load test.
fn judged(answer: &Answer) -> Asked {
    if answer.status != StatusCode::OK {
        return Asked::Failed(format!("status {}", answer.status.as_u16()));
    }
    if contains(&answer.body, br#""served_from":"fallback""#) {
        return Asked::Failed("a fallback".to_owned());
    }
    let cache = answer.headers.get("x-nova-cache");
    match cache.map(HeaderValue::as_bytes) {
        Some(b"hit") => Asked::Kind("hit"),
        Some(b"stale") => Asked::Kind("stale"),
        Some(b"miss") => Asked::Kind("miss"),
        _ => Asked::Failed("no word of the cache".to_owned()),
    }
}

/// How an answer was served and what it lacks is told at its end.
fn contains(body: &[u8], what: &[u8]) -> bool {
    let end = body.get(body.len().saturating_sub(256)..).unwrap_or(body);
    end.windows(what.len()).any(|part| part == what)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::header::HeaderMap;

    use super::*;

    fn answer(status: u16, cache: &'static str, body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("x-nova-cache", HeaderValue::from_static(cache));
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let body = r#"{"items":[],"served_from":"cache","degraded":[]}"#;
        for kind in ["hit", "stale", "miss"] {
            assert_eq!(judged(&answer(200, kind, body)), Asked::Kind(kind));
        }
        assert_eq!(
            judged(&answer(503, "hit", body)),
            Asked::Failed("status 503".to_owned())
        );
        let fallback = r#"{"items":[],"served_from":"fallback","degraded":["clickhouse"]}"#;
        assert_eq!(
            judged(&answer(200, "miss", fallback)),
            Asked::Failed("a fallback".to_owned())
        );
        assert!(contains(fallback.as_bytes(), br#""degraded":[""#));
        assert!(!contains(body.as_bytes(), br#""degraded":[""#));
    }

    #[test]
    fn few_values_are_no_percentile() {
        let mut run = Run::new().unwrap();
        for _ in 0..20 {
            run.kind("hit", Duration::from_millis(2)).unwrap();
        }
        run.kind("miss", Duration::from_millis(30)).unwrap();
        run.failed("status 503");
        let report = ReadsReport::of(&run, 50.0, 250, 1);
        assert_eq!(report.hit.map(|hit| hit.count), Some(20));
        assert_eq!((report.miss, report.reads), (None, 22));
        assert_eq!(report.failures, ["1 reads: status 503"]);
    }
}
