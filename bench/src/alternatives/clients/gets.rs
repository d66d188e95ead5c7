//! A client that fetches twenty values in one pipeline, without HTTP.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value};

use crate::alternatives::keys;
use crate::alternatives::plan::Page;
use crate::feed::Checks;
use crate::link;
use crate::measure::{Asked, Client};

/// One connection.
#[derive(Debug)]
pub(crate) struct GetsClient {
    redis: MultiplexedConnection,
    pages: Vec<Arc<Page>>,
    turn: usize,
    checks: Arc<Checks>,
}

impl GetsClient {
    pub(crate) async fn to(
        url: &str,
        pages: Vec<Arc<Page>>,
        checks: Arc<Checks>,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(!pages.is_empty(), "a client without pages");
        Ok(Self {
            redis: link::connect(url).await?,
            pages,
            turn: 0,
            checks,
        })
    }
}

impl Client for GetsClient {
    async fn ask(&mut self) -> Asked {
        self.turn = (self.turn + 1) % self.pages.len();
        let Some(page) = self.pages.get(self.turn) else {
            return Asked::Failed("no page".to_owned());
        };
        let mut gets = Pipeline::with_capacity(page.posts.len());
        for post in &page.posts {
            gets.cmd("GET").arg(keys::item(*post));
        }
        match link::ask(&mut self.redis, &gets).await {
            Ok(values) => {
                let full =
                    |value: &Value| matches!(value, Value::BulkString(item) if !item.is_empty());
                let whole = values.len() == page.posts.len() && values.iter().all(full);
                if whole {
                    self.checks.noted();
                    Asked::Counted
                } else {
                    Asked::Failed("a value is missing".to_owned())
                }
            }
            Err(_) => Asked::Failed("no answer of Redis".to_owned()),
        }
    }
}
