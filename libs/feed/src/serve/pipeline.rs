//! Whether changes arrive late: how far behind the newest change is that came all the way through.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::engine::Engine;
use super::ranker::Ranker;
use crate::metrics;

/// How often Redis is asked, per process, while feeds are served.
const EVERY: Duration = Duration::from_secs(1);

/// An answer older than this says nothing.
const MEMORY: Duration = Duration::from_secs(5);

/// What is known of the pipeline in this process.
#[derive(Debug, Default)]
pub(crate) struct PipelineWatch(Mutex<Known>);

#[derive(Debug, Default, Clone, Copy)]
struct Known {
    asked: Option<Instant>,
    /// When Redis last answered, and the newest change it knew of (ms since 1970; none when it knew of none).
    answered: Option<(Instant, Option<i64>)>,
    /// How often it was asked.
    polls: u64,
    /// Whether Redis ever knew of one: a pipeline that is not there is not late, one that vanished is.
    ever: bool,
}

impl PipelineWatch {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to ask again; whoever is told so has to.
    fn due(&self) -> bool {
        let mut known = self.known();
        let due = known.asked.is_none_or(|asked| asked.elapsed() >= EVERY);
        if due {
            known.asked = Some(Instant::now());
            known.polls += 1;
        }
        due
    }

    /// How often Redis was asked.
    #[cfg(test)]
    pub(crate) fn polls(&self) -> u64 {
        self.known().polls
    }

    fn learn(&self, seen_ms: Option<i64>) {
        let mut known = self.known();
        known.answered = Some((Instant::now(), seen_ms));
        known.ever |= seen_ms.is_some();
    }

    /// Whether changes are more than `limit` behind at `now_ms`, as far as is known.
    fn is_late(&self, now_ms: i64, limit: Duration) -> bool {
        let known = *self.known();
        match known.answered {
            Some((at, _)) if at.elapsed() > MEMORY => false,
            Some((_, Some(seen))) => {
                let behind = now_ms.saturating_sub(seen).max(0).unsigned_abs();
                Duration::from_millis(behind) > limit
            }
            Some((_, None)) => known.ever,
            None => false,
        }
    }
}

impl<P: Send + Sync + 'static, R: Ranker> Engine<P, R> {
    /// Whether changes arrive late. Costs nothing: Redis is asked behind the answer, once a second.
    pub(crate) fn pipeline_is_late(self: &Arc<Self>) -> bool {
        if let Some(cache) = self.cache.clone().filter(|_| self.pipeline.due()) {
            let engine = Arc::clone(self);
            self.tasks.spawn(async move {
                if let Ok(seen) = engine.guards.redis.call(cache.pipeline_seen()).await {
                    engine.pipeline.learn(seen);
                }
            });
        }
        let now_ms = Utc::now().timestamp_millis();
        let late = self.pipeline.is_late(now_ms, self.config.pipeline_late);
        metrics::pipeline_late(late);
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn a_pipeline_is_late_when_its_newest_change_is_old() {
        let watch = PipelineWatch::default();
        assert!(!watch.is_late(1_000_000, LIMIT), "nothing is known");
        watch.learn(None);
        assert!(!watch.is_late(1_000_000, LIMIT), "there is none");
        watch.learn(Some(1_000_000));
        assert!(!watch.is_late(1_015_000, LIMIT));
        assert!(watch.is_late(1_015_001, LIMIT));
        watch.learn(None);
        assert!(watch.is_late(1_000_000, LIMIT), "it has vanished");
        tokio::time::advance(MEMORY + Duration::from_millis(1)).await;
        assert!(!watch.is_late(1_000_000, LIMIT), "too long ago to say");
    }

    #[tokio::test(start_paused = true)]
    async fn redis_is_asked_once_a_second() {
        let watch = PipelineWatch::default();
        assert!(watch.due());
        assert!(!watch.due());
        tokio::time::advance(EVERY).await;
        assert!(watch.due());
    }
}
