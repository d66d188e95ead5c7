//! Feeds that are ranked for each request, one at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use hyper::StatusCode;
use nova_loadtest::summary::number;
use nova_loadtest::token::Signer;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::degrees::Degree;
use super::stack::Stack;
use crate::feed::{FIRST_PAGE, FeedClient, Kind, Viewer};
use crate::http::Connection;
use crate::measure::{DEADLINE, closed_loop};
use crate::process::{CLIENT, Meter, Spent};
use crate::report::Percentiles;

/// Of the same requests before, until connections are there and nothing is asked for the first time.
const WARM_UP: Duration = Duration::from_secs(2);
/// Viewers whose candidates are counted.
const EXPLAINED: usize = 20;

/// Misses of some viewers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Misses {
    /// Viewers, whose feeds were ranked in turn.
    pub viewers: usize,
    /// How many a viewer follows, the mean.
    pub followees: f64,
    /// Candidates of a ranking, the mean; one that several sources propose counts for each.
    pub candidates: f64,
    /// Milliseconds from sending to the last byte; only of misses that lack nothing.
    pub latency: Option<Percentiles>,
    /// Processor time of all servers for a request, in milliseconds.
    pub cpu_ms: Option<f64>,
    /// The same without what they use when nothing is asked.
    pub cpu_net_ms: Option<f64>,
    /// Answers that did not count, by kind: their processor time is in the numbers all the same.
    pub others: BTreeMap<&'static str, u64>,
    /// Requests that failed and answers that were wrong, by reason.
    pub failures: BTreeMap<String, u64>,
}

/// Ranks the feeds of these viewers for [`super::Options::seconds`]; before each request the viewer's row in Redis is
/// deleted.
pub(super) async fn measure(stack: &Stack<'_>, chosen: &[Degree]) -> anyhow::Result<Misses> {
    let signer = Signer::new(&stack.endpoints.auth_secret);
    let viewers = chosen.iter().map(|one| Viewer::new(one.user, &signer));
    let viewers: Vec<Viewer> = viewers.collect::<Result<_, _>>()?;
    let api = &stack.endpoints.api;
    let client = FeedClient::to(api, Kind::Miss, viewers.clone(), stack.common.clone())?;
    let (warm_up, mut clients) = closed_loop(vec![client], WARM_UP).await?;
    clients
        .iter_mut()
        .for_each(|client| client.thorough = false);
    let meter = Meter::start(stack.processes.clone()).await?;
    let time = Duration::from_secs(stack.options.seconds);
    let (mut run, _) = closed_loop(clients, time).await?;
    let spent = meter.stop().await?;
    // A wrong answer is one whenever it was given.
    for (reason, count) in warm_up.failures {
        *run.failures.entry(reason).or_default() += count;
    }
    let (cpu_ms, cpu_net_ms) = cpu(&spent, &stack.idle, run.all());
    Ok(Misses {
        viewers: viewers.len(),
        followees: mean(chosen.iter().map(|one| one.followees)),
        candidates: candidates(api, viewers.get(..EXPLAINED).unwrap_or(&viewers)).await?,
        latency: Percentiles::of(&run.latency),
        cpu_ms,
        cpu_net_ms,
        others: run.others,
        failures: run.failures,
    })
}

impl Misses {
    /// What was wrong, in sentences that begin with `of`.
    pub(super) fn failures(&self, of: &str) -> Vec<String> {
        let failures = self.failures.iter();
        let mut failures: Vec<String> = failures
            .map(|(reason, count)| format!("{of}: {count} × {reason}"))
            .collect();
        if self.latency.is_none() {
            failures.push(format!("{of}: no miss counted"));
        }
        failures
    }
}

/// Milliseconds of all servers for each request, and without what they use anyway.
fn cpu(spent: &Spent, idle: &Spent, requests: u64) -> (Option<f64>, Option<f64>) {
    let each = |seconds: f64| seconds * 1e3 / number(requests.max(1));
    let all = spent.cpu_seconds_without(&[CLIENT]);
    let idle_seconds = idle.cpu_seconds_without(&[CLIENT]);
    let idle_cores =
        idle_seconds.map(|seconds| seconds / idle.elapsed.as_secs_f64().max(f64::MIN_POSITIVE));
    let net = all
        .zip(idle_cores)
        .map(|(all, idle)| all - idle * spent.elapsed.as_secs_f64());
    (all.map(each), net.map(each))
}

fn mean(values: impl Iterator<Item = u64>) -> f64 {
    let (sum, count) = values.fold((0, 0), |(sum, count), value| (sum + value, count + 1));
    number(sum) / number(u64::max(count, 1))
}

/// What a ranking says of how it came about.
#[derive(Debug, Deserialize)]
struct Explained {
    explain: Explain,
}

#[derive(Debug, Deserialize)]
struct Explain {
    sources: Vec<Source>,
}

#[derive(Debug, Deserialize)]
struct Source {
    candidates: u64,
}

/// Candidates of a ranking, the mean over the viewers. Not timed.
async fn candidates(api: &str, viewers: &[Viewer]) -> anyhow::Result<f64> {
    let mut connection = Connection::to(api)?;
    let path = format!("{FIRST_PAGE}&explain=true");
    let mut found = Vec::with_capacity(viewers.len());
    for viewer in viewers {
        let asking = connection.get(&path, Some(&viewer.authorization));
        let answer = timeout(DEADLINE, asking).await;
        let answer = answer
            .context("no explanation in time")?
            .map_err(anyhow::Error::msg)?;
        anyhow::ensure!(
            answer.status == StatusCode::OK,
            "an explanation: status {}",
            answer.status
        );
        found.push(counted(&answer.body)?);
    }
    Ok(mean(found.into_iter()))
}

fn counted(body: &[u8]) -> anyhow::Result<u64> {
    let page: Explained = serde_json::from_slice(body).context("an explanation")?;
    let sources = page.explain.sources.iter();
    Ok(sources.map(|source| source.candidates).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Share;

    fn spent(seconds: u64, servers: f64) -> Spent {
        let share = |name: &str, cpu_seconds| Share {
            name: name.to_owned(),
            cpu_seconds: Some(cpu_seconds),
            memory: None,
            resident: None,
        };
        Spent {
            elapsed: Duration::from_secs(seconds),
            processes: vec![
                share("nova", servers / 2.0),
                share("clickhouse", servers / 2.0),
                share(CLIENT, 100.0),
            ],
        }
    }

    #[test]
    fn processor_time_is_that_of_the_servers_and_idling_is_taken_off() {
        // 0.2 cores when nothing is asked, of 5 s in 10 s.
        let (all, net) = cpu(&spent(10, 5.0), &spent(5, 1.0), 100);
        assert!((all.unwrap() - 50.0).abs() < 1e-9 && (net.unwrap() - 30.0).abs() < 1e-9);
        assert!(cpu(&spent(10, 5.0), &spent(5, 1.0), 0).0.is_some());
    }

    #[test]
    fn candidates_are_those_of_all_sources() {
        let body = br#"{"items":[],"explain":{"ranked":3,"sources":[{"source":"follow","candidates":2},{"source":"trending","candidates":40}]}}"#;
        assert_eq!(counted(body).unwrap(), 42);
        assert!(counted(b"{}").is_err());
        assert!((mean([1, 2].into_iter()) - 1.5).abs() < 1e-9);
        assert!(mean(std::iter::empty()).abs() < 1e-9);
    }
}
