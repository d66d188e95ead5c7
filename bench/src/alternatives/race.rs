//! Measures contenders, one after another, on the same data and for the same viewers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use nova_loadtest::resources::Watched;
use nova_olap::Olap;

use super::clients::{AnyClient, GetsClient, QuestionsClient, share};
use super::contenders::Contender;
use super::plan::Page;
use super::warm::warm;
use crate::feed::{Checks, Common, FeedClient, Kind, Viewer};
use crate::measure::{Run, closed_loop};
use crate::process::{Meter, Spent};

/// Stretches into which a measurement of kept pages is cut: two contenders take turns A B B A, so that what the machine
/// does meanwhile meets both.
const TURNS: u32 = 2;
/// More stretches than any measurement needs.
const MOST_TURNS: u32 = 200;
/// A stretch shorter than this measures the beginning of it.
const SHORTEST: Duration = Duration::from_secs(1);

/// What is needed to ask anybody anything.
#[derive(Debug)]
pub(super) struct Race {
    /// Nova's address, `http://HOST:PORT`.
    pub(super) api: String,
    /// That of floors and alternatives.
    pub(super) server: String,
    pub(super) redis_url: String,
    pub(super) olap: Olap,
    pub(super) viewers: Vec<Viewer>,
    pub(super) pages: Vec<Arc<Page>>,
    pub(super) common: Common,
    pub(super) processes: Vec<Watched>,
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
}

/// One contender at one number of connections.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) run: Run,
    pub(super) spent: Spent,
}

impl Race {
    /// The same race with checks of its own.
    pub(super) fn checked_by(&self, checks: &Arc<Checks>) -> Common {
        Common {
            checks: Arc::clone(checks),
            redis: self.common.redis.clone(),
        }
    }

    /// One contender, whose answers do not depend on what is kept.
    pub(super) async fn alone(
        &self,
        contender: Contender,
        connections: usize,
        checks: &Arc<Checks>,
    ) -> anyhow::Result<Measured> {
        self.stretch(contender, connections, self.measured, checks)
            .await
    }

    /// Contenders whose answers count while pages are kept, in turns; before each turn all pages are made anew.
    pub(super) async fn in_turns(
        &self,
        contenders: &[(Contender, Arc<Checks>)],
        connections: usize,
    ) -> anyhow::Result<Vec<Measured>> {
        let mut all: Vec<Option<Measured>> = contenders.iter().map(|_| None).collect();
        let number = u32::try_from(contenders.len())?.max(1);
        let mut left = self.measured;
        for turn in 0..MOST_TURNS {
            if left.is_zero() {
                break;
            }
            let (warmth, _) = warm(&self.api, &self.viewers, &self.common).await?;
            let stretch = stretch(warmth.left(), self.warm_up, number, self.measured, left);
            ensure!(
                stretch >= SHORTEST.min(left),
                "pages are kept for {:.0} s more, too short for {number} stretches with warm-up: ask for fewer --viewers \
                 or a shorter --warm-up",
                warmth.left().as_secs_f64()
            );
            for place in order(contenders.len(), turn) {
                let (contender, checks) = &contenders[place];
                let measured = self
                    .stretch(*contender, connections, stretch, checks)
                    .await?;
                match &mut all[place] {
                    Some(sum) => sum.add(&measured)?,
                    none => *none = Some(measured),
                }
            }
            left = left.saturating_sub(stretch);
        }
        ensure!(left.is_zero(), "not measured within {MOST_TURNS} turns");
        Ok(all.into_iter().flatten().collect())
    }

    async fn stretch(
        &self,
        contender: Contender,
        connections: usize,
        duration: Duration,
        checks: &Arc<Checks>,
    ) -> anyhow::Result<Measured> {
        let mut clients = Vec::with_capacity(connections);
        for nth in 0..connections {
            clients.push(self.client(contender, nth, connections, checks).await?);
        }
        let (warm_up, mut clients) = closed_loop(clients, self.warm_up).await?;
        clients.iter_mut().for_each(|client| client.thorough(false));
        let meter = Meter::start(self.processes.clone()).await?;
        let (mut run, _) = closed_loop(clients, duration).await?;
        let spent = meter.stop().await?;
        // A wrong answer is one whenever it was given.
        for (reason, count) in warm_up.failures {
            *run.failures.entry(reason).or_default() += count;
        }
        Ok(Measured { run, spent })
    }

    async fn client(
        &self,
        contender: Contender,
        nth: usize,
        number: usize,
        checks: &Arc<Checks>,
    ) -> anyhow::Result<AnyClient> {
        let viewers = share(&self.viewers, nth, number);
        let (address, kind) = match contender {
            Contender::NovaHit => (&self.api, Kind::Hit),
            Contender::NovaMiss => (&self.api, Kind::Miss),
            Contender::Floor => (&self.server, Kind::Of("floor")),
            Contender::Sql => (&self.server, Kind::Of("sql")),
            Contender::FanOut => (&self.server, Kind::Of("fan")),
            Contender::PipelinedGets => {
                let pages = self.pages.iter().skip(nth).step_by(number.max(1)).cloned();
                let checks = Arc::clone(checks);
                let gets = GetsClient::to(&self.redis_url, pages.collect(), checks).await?;
                return Ok(AnyClient::Gets(gets));
            }
            Contender::Questions => {
                let checks = Arc::clone(checks);
                let questions = QuestionsClient::to(self.olap.clone(), viewers, checks)?;
                return Ok(AnyClient::Questions(Box::new(questions)));
            }
        };
        let common = self.checked_by(checks);
        let feed = FeedClient::to(address, kind, viewers, common)?;
        Ok(AnyClient::Feed(feed))
    }
}

impl Measured {
    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.spent.add(&other.spent);
        self.run.add(&other.run)
    }
}

/// How long a stretch of each of `number` contenders may be while pages are kept for `kept`, warm-ups included.
fn stretch(
    kept: Duration,
    warm_up: Duration,
    number: u32,
    measured: Duration,
    left: Duration,
) -> Duration {
    let fits = (kept / number).saturating_sub(warm_up);
    fits.min(measured / TURNS).min(left)
}

/// A B, then B A.
fn order(number: usize, turn: u32) -> Vec<usize> {
    let forward = 0..number;
    if turn.is_multiple_of(2) {
        forward.collect()
    } else {
        forward.rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_fits_into_the_time_that_pages_are_kept() {
        let seconds = Duration::from_secs;
        let of = |kept, left| stretch(seconds(kept), seconds(5), 2, seconds(20), seconds(left));
        assert_eq!(of(35, 20), seconds(10));
        assert_eq!(of(20, 20), seconds(5));
        assert_eq!(of(35, 4), seconds(4));
        assert_eq!(of(8, 20), Duration::ZERO);
    }

    #[test]
    fn contenders_take_turns() {
        assert_eq!([order(2, 0), order(2, 1)], [[0, 1], [1, 0]]);
        assert_eq!(order(1, 1), [0]);
    }
}
