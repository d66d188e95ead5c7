//! A client that reads first pages over HTTP, its viewers in turn.

use hyper::StatusCode;
use redis::cmd;

use super::{Common, Viewer};
use crate::http::{Answer, Connection};
use crate::measure::{Asked, Client};
use nova_cache::keys;

/// The request of every contender that is Nova.
pub(crate) const FIRST_PAGE: &str = "/api/v1/feed?limit=20";
const CACHE: &str = "x-nova-cache";
/// While it is measured, one in so many answers is read whole.
const EVERY: u64 = 64;

/// What it asks for, and which answers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nova; hits count.
    Hit,
    /// Nova, of viewers whose row is deleted before; misses count.
    Miss,
    /// The server of floors and alternatives, at this path.
    Of(&'static str),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct FeedClient {
    connection: Connection,
    kind: Kind,
    viewers: Vec<Viewer>,
    turn: usize,
    asked: u64,
    common: Common,
    pub(crate) thorough: bool,
}

impl FeedClient {
    /// To `http://HOST:PORT`; connects with the first request.
    pub(crate) fn to(
        address: &str,
        kind: Kind,
        viewers: Vec<Viewer>,
        common: Common,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(!viewers.is_empty(), "a client without viewers");
        Ok(Self {
            connection: Connection::to(address)?,
            kind,
            viewers,
            turn: 0,
            asked: 0,
            common,
            thorough: true,
        })
    }

    fn judged(&self, answer: &Answer) -> Asked {
        if answer.status != StatusCode::OK {
            return Asked::Failed(format!("status {}", answer.status.as_u16()));
        }
        if let Some(other) = other(self.kind, answer) {
            return Asked::Other(other);
        }
        if !self.thorough && !self.asked.is_multiple_of(EVERY) {
            return Asked::Counted;
        }
        match self.common.checks.page(&answer.body) {
            Ok((_, false)) => Asked::Counted,
            Ok((_, true)) => Asked::Other("degraded"),
            Err(wrong) => Asked::Failed(wrong),
        }
    }
}

/// Whether Nova answered of a ranking that is kept and counts.
pub(crate) fn is_hit(answer: &Answer) -> bool {
    answer
        .headers
        .get(CACHE)
        .is_some_and(|value| value == "hit")
}

/// An answer that is none of those measured.
fn other(kind: Kind, answer: &Answer) -> Option<&'static str> {
    let cache = answer
        .headers
        .get(CACHE)
        .map(hyper::header::HeaderValue::as_bytes);
    // What answers lack is told at their end.
    let end = answer.body.get(answer.body.len().saturating_sub(64)..);
    let whole = end.is_some_and(|end| end.windows(13).any(|part| part == br#""degraded":[]"#));
    match (kind, cache) {
        (Kind::Of(_), _) => None,
        (Kind::Hit, Some(b"hit")) | (Kind::Miss, Some(b"miss")) if whole => None,
        (_, Some(b"hit")) if whole => Some("hit"),
        (_, Some(b"miss")) if whole => Some("miss"),
        (_, Some(b"stale")) => Some("stale"),
        _ => Some("degraded"),
    }
}

impl Client for FeedClient {
    async fn prepare(&mut self) -> Result<(), String> {
        self.turn = (self.turn + 1) % self.viewers.len();
        if self.kind != Kind::Miss {
            return Ok(());
        }
        let viewer = self.viewers.get(self.turn).ok_or("no viewer")?;
        // As for somebody who was not here for ten minutes.
        let forget = cmd("DEL").arg(keys::viewer(viewer.id)).to_owned();
        let forgotten: redis::RedisResult<i64> = forget.query_async(&mut self.common.redis).await;
        forgotten
            .map(drop)
            .map_err(|_| "a ranking could not be forgotten".to_owned())
    }

    async fn ask(&mut self) -> Asked {
        let Some(viewer) = self.viewers.get(self.turn) else {
            return Asked::Failed("no viewer".to_owned());
        };
        self.asked += 1;
        let answer = match self.kind {
            Kind::Hit | Kind::Miss => {
                let authorization = Some(&viewer.authorization);
                self.connection.get(FIRST_PAGE, authorization).await
            }
            Kind::Of(path) => {
                let path = format!("/{path}/{}", viewer.id);
                self.connection.get(&path, None).await
            }
        };
        match answer {
            Ok(answer) => self.judged(&answer),
            Err(reason) => Asked::Failed(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::header::{HeaderMap, HeaderValue};

    use super::*;

    fn answer(cache: &'static str, body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE, HeaderValue::from_static(cache));
        Answer {
            status: StatusCode::OK,
            headers,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn only_whole_answers_of_the_asked_kind_count() {
        let whole = r#"{"items":[],"served_from":"cache","degraded":[]}"#;
        let lacks = r#"{"items":[],"served_from":"cache","degraded":["seen"]}"#;
        assert_eq!(other(Kind::Hit, &answer("hit", whole)), None);
        assert_eq!(other(Kind::Hit, &answer("miss", whole)), Some("miss"));
        assert_eq!(other(Kind::Hit, &answer("stale", whole)), Some("stale"));
        assert_eq!(other(Kind::Hit, &answer("hit", lacks)), Some("degraded"));
        assert_eq!(other(Kind::Miss, &answer("miss", whole)), None);
        assert_eq!(other(Kind::Miss, &answer("hit", whole)), Some("hit"));
        assert_eq!(other(Kind::Of("sql"), &answer("", "{}")), None);
        assert!(is_hit(&answer("hit", "")) && !is_hit(&answer("miss", "")));
    }
}
