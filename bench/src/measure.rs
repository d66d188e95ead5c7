//! Load that is measured: clients in a closed loop or at a fixed rate, and what became of their requests.

mod run;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

pub use run::Run;

/// A request that is not answered by then has failed.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It is what was to be measured, and its answer was right.
    Counted,
    /// A right answer, but not of the kind that is measured, which is named here: a miss, where hits are.
    Other(&'static str),
    /// A right answer of one of several kinds that are measured, each by itself: its latency is among those of its kind.
    Kind(&'static str),
    /// No answer or a wrong one. The reason is counted: without addresses and ids.
    Failed(String),
}

/// One client: a connection, and whatever it has to know to ask the next question.
pub trait Client: Send + 'static {
    /// Gets ready for the next request. Not timed.
    fn prepare(&mut self) -> impl Future<Output = Result<(), String>> + Send {
        async { Ok(()) }
    }

    /// Sends one request and waits for the last byte of its answer. It is timed, and given up after [`DEADLINE`].
    fn ask(&mut self) -> impl Future<Output = Asked> + Send;
}

/// Each client asks, waits for the answer, and asks again until `duration` is over: as many requests are under way as
/// there are clients, so the latency is that of this many at once. Gives the clients back, to go on with.
///
/// # Errors
/// When a client panics.
pub async fn closed_loop<C: Client>(
    clients: Vec<C>,
    duration: Duration,
) -> anyhow::Result<(Run, Vec<C>)> {
    let begin = Instant::now();
    let until = begin + duration;
    let mut tasks = JoinSet::new();
    for mut client in clients {
        tasks.spawn(async move {
            let mut run = Run::new()?;
            while Instant::now() < until {
                one(&mut client, &mut run, None).await?;
            }
            anyhow::Ok((run, client))
        });
    }
    together(tasks, begin).await
}

/// `per_second` requests a second, evenly spaced and shared out among the clients in turn. **A latency counts from the
/// moment a request was due**, waiting for its client included: with enough clients that is an open loop. What is due
/// and not sent when `duration` is over is counted as failed.
///
/// # Errors
/// When there is no client or no rate, or a client panics.
pub async fn at_rate<C: Client>(
    clients: Vec<C>,
    per_second: f64,
    duration: Duration,
) -> anyhow::Result<(Run, Vec<C>)> {
    anyhow::ensure!(
        !clients.is_empty() && per_second > 0.0 && per_second.is_finite(),
        "a rate needs clients and a number above 0"
    );
    let begin = Instant::now();
    let until = begin + duration;
    let clients_there = clients.len();
    let turn = Arc::new(move |nth: usize| {
        let nth = u32::try_from(nth).unwrap_or(u32::MAX);
        begin + Duration::from_secs_f64(f64::from(nth) / per_second)
    });
    let mut tasks = JoinSet::new();
    for (first, mut client) in clients.into_iter().enumerate() {
        let turn = Arc::clone(&turn);
        tasks.spawn(async move {
            let mut run = Run::new()?;
            for nth in (first..).step_by(clients_there) {
                let due = turn(nth);
                if due >= until {
                    break;
                }
                if Instant::now() >= until {
                    run.failed("not sent: the client was busy until the end");
                    continue;
                }
                sleep_until(due).await;
                one(&mut client, &mut run, Some(due)).await?;
            }
            anyhow::Ok((run, client))
        });
    }
    together(tasks, begin).await
}

async fn one<C: Client>(client: &mut C, run: &mut Run, due: Option<Instant>) -> anyhow::Result<()> {
    let prepared = timeout(DEADLINE, client.prepare()).await;
    if let Err(reason) = prepared.unwrap_or_else(|_| Err("not ready in time".to_owned())) {
        run.failed(&reason);
        return Ok(());
    }
    let from = due.unwrap_or_else(Instant::now);
    match timeout(DEADLINE, client.ask()).await {
        Ok(Asked::Counted) => run.counted(from.elapsed()),
        Ok(Asked::Other(kind)) => run.other(kind),
        Ok(Asked::Kind(kind)) => run.kind(kind, from.elapsed())?,
        Ok(Asked::Failed(reason)) => run.failed(&reason),
        Err(_) => run.failed("no answer in time"),
    }
    Ok(())
}

async fn together<C: Client>(
    mut tasks: JoinSet<anyhow::Result<(Run, C)>>,
    begin: Instant,
) -> anyhow::Result<(Run, Vec<C>)> {
    let mut all = Run::new()?;
    let mut clients = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        let (run, client) = ended.context("a client")??;
        all.add(&run)?;
        clients.push(client);
    }
    all.elapsed = begin.elapsed();
    Ok((all, clients))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::sleep;

    use super::*;

    /// Answers after a time; every fourth request is another kind, every fifth fails.
    struct Fake {
        takes: Duration,
        asked: Arc<AtomicU32>,
    }

    impl Client for Fake {
        async fn ask(&mut self) -> Asked {
            sleep(self.takes).await;
            match self.asked.fetch_add(1, Ordering::SeqCst) {
                n if n % 5 == 4 => Asked::Failed("refused".to_owned()),
                n if n % 4 == 3 => Asked::Other("miss"),
                _ => Asked::Counted,
            }
        }
    }

    fn fakes(number: usize, takes_ms: u64) -> Vec<Fake> {
        let asked = Arc::new(AtomicU32::new(0));
        let fake = |_| Fake {
            takes: Duration::from_millis(takes_ms),
            asked: Arc::clone(&asked),
        };
        (0..number).map(fake).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_asks_as_often_as_it_is_answered() {
        let (run, clients) = closed_loop(fakes(2, 10), Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!(clients.len(), 2);
        assert_eq!(run.all(), 200);
        assert_eq!(
            run.latency.len() + run.others["miss"] + run.failures["refused"],
            200
        );
        let median = run.latency.value_at_quantile(0.5);
        assert!((9_900..12_000).contains(&median), "{median} µs");
    }

    #[tokio::test(start_paused = true)]
    async fn at_a_rate_a_latency_counts_from_when_it_was_due() {
        // One client that takes 10 ms cannot do more than 100 a second: the others wait, and it shows.
        let (run, _) = at_rate(fakes(1, 10), 200.0, Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!(run.all(), 200);
        assert!(
            run.failures
                .keys()
                .any(|reason| reason.starts_with("not sent"))
        );
        assert!(run.latency.max() > 400_000, "{} µs", run.latency.max());
        let (run, _) = at_rate(fakes(8, 10), 200.0, Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!(run.all(), 200);
        assert!(run.latency.max() < 20_000, "{} µs", run.latency.max());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_gets_no_answer_fails_in_time() {
        let (run, _) = closed_loop(fakes(1, 3_600_000), Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!(run.failures["no answer in time"], 1);
        assert_eq!(run.elapsed, DEADLINE);
    }

    #[tokio::test]
    async fn a_rate_needs_clients() {
        assert!(
            at_rate(fakes(0, 1), 1.0, Duration::from_secs(1))
                .await
                .is_err()
        );
        assert!(
            at_rate(fakes(1, 1), 0.0, Duration::from_secs(1))
                .await
                .is_err()
        );
    }
}
