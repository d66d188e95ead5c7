//! The service levels, the goals, and the verdict.

use serde::Serialize;

use crate::measurements::Measure;
use crate::summary::Summary;

/// Fewer values than this have no 95th percentile to speak of.
const FEWEST: u64 = 20;
/// How late the generator may let 99 % of the arrivals go, in milliseconds. More, and it was short of processor time
/// itself: the latencies, which count from the schedule, would be its own.
const LAG_MS: f64 = 100.0;
/// Of the arrivals in the schedule, how many have to be done.
const DONE: f64 = 0.99;

/// Which of the two is the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The limits never to cross.
    Levels,
    /// The goals on the test machine.
    Goals,
}

/// What a limit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sense {
    /// The limit itself is still good.
    AtMost,
    /// The limit itself is still good.
    AtLeast,
    /// The limit itself is a breach.
    Below,
}

impl Sense {
    fn holds(self, measured: f64, limit: f64) -> bool {
        match self {
            Self::AtMost => measured <= limit,
            Self::AtLeast => measured >= limit,
            Self::Below => measured < limit,
        }
    }

    /// As the report has it.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
            Self::Below => "<",
        }
    }
}

/// What a number of a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// A share, 0 to 1.
    Share,
}

/// One threshold and whether it held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Of what.
    pub name: String,
    /// What its numbers are.
    pub unit: Unit,
    /// What a limit means.
    pub sense: Sense,
    /// What was measured; `None` when there was too little of it.
    pub measured: Option<f64>,
    /// The limit never to cross.
    pub level: f64,
    /// What is aimed at.
    pub goal: f64,
    /// Whether the service level held.
    pub level_held: bool,
    /// Whether the goal was reached.
    pub goal_held: bool,
    /// Whether the one that is the threshold did.
    pub passed: bool,
}

/// The whole judgement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// What was the threshold.
    pub gate: Gate,
    /// One for each threshold.
    pub verdicts: Vec<Verdict>,
    /// Each breach in a sentence; none is a pass.
    pub breaches: Vec<String>,
}

impl Judgement {
    /// Whether everything held.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.breaches.is_empty()
    }
}

struct Rule {
    name: &'static str,
    unit: Unit,
    sense: Sense,
    level: f64,
    goal: f64,
    measured: fn(&Summary) -> Option<f64>,
}

/// A 95th percentile in milliseconds.
macro_rules! p95 {
    ($name:literal, $measure:expr, $level:literal, $goal:literal) => {
        Rule {
            name: $name,
            unit: Unit::Ms,
            sense: Sense::AtMost,
            level: $level,
            goal: $goal,
            measured: |summary| p95(summary, $measure),
        }
    };
}

/// Levels and goals as in DESIGN: "Service levels".
const RULES: [Rule; 9] = [
    p95!("feed hit, p95", Measure::FeedHit, 150.0, 5.0),
    p95!("feed miss, p95", Measure::FeedMiss, 800.0, 60.0),
    p95!("source follow, p95", Measure::SourceFollow, 500.0, 25.0),
    p95!("source trending, p95", Measure::SourceTrending, 500.0, 25.0),
    p95!("source affinity, p95", Measure::SourceAffinity, 500.0, 25.0),
    p95!("suggested users, p95", Measure::Suggested, 300.0, 30.0),
    p95!("like to visible, p95", Measure::LikeVisible, 5_000.0, 500.0),
    Rule {
        name: "hit rate",
        unit: Unit::Share,
        sense: Sense::AtLeast,
        level: 0.90,
        goal: 0.95,
        measured: |summary| summary.feed.hit_rate,
    },
    Rule {
        name: "error rate",
        unit: Unit::Share,
        sense: Sense::Below,
        level: 0.001,
        goal: 0.001,
        measured: |summary| summary.errors.rate,
    },
];

fn p95(summary: &Summary, measure: Measure) -> Option<f64> {
    let row = summary.latency(measure)?;
    (row.count >= FEWEST).then_some(row.p95)
}

/// Holds a run against the service levels or the goals. What was not measured is a breach: a gate that nothing went
/// through is not a pass. So is a generator that fell behind its own schedule.
#[must_use]
pub fn judge(summary: &Summary, gate: Gate) -> Judgement {
    let verdicts: Vec<Verdict> = RULES
        .iter()
        .map(|rule| verdict(rule, summary, gate))
        .collect();
    let mut breaches: Vec<String> = verdicts
        .iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| breach(verdict, gate))
        .collect();
    breaches.extend(generator(summary));
    Judgement {
        gate,
        verdicts,
        breaches,
    }
}

fn verdict(rule: &Rule, summary: &Summary, gate: Gate) -> Verdict {
    let measured = (rule.measured)(summary);
    let holds = |limit| measured.is_some_and(|measured| rule.sense.holds(measured, limit));
    let (level_held, goal_held) = (holds(rule.level), holds(rule.goal));
    Verdict {
        name: rule.name.to_owned(),
        unit: rule.unit,
        sense: rule.sense,
        measured,
        level: rule.level,
        goal: rule.goal,
        level_held,
        goal_held,
        passed: match gate {
            Gate::Levels => level_held,
            Gate::Goals => goal_held,
        },
    }
}

fn breach(verdict: &Verdict, gate: Gate) -> String {
    let (limit, what) = match gate {
        Gate::Levels => (verdict.level, "service level"),
        Gate::Goals => (verdict.goal, "goal"),
    };
    let limit = format!("{} {}", verdict.sense.sign(), shown(verdict.unit, limit));
    match verdict.measured {
        Some(measured) => format!(
            "{}: {}, the {what} is {limit}",
            verdict.name,
            shown(verdict.unit, measured)
        ),
        None => format!(
            "{}: measured too seldom to tell (fewer than {FEWEST} values), the {what} is {limit}",
            verdict.name
        ),
    }
}

/// What makes the run itself worthless.
fn generator(summary: &Summary) -> Vec<String> {
    let mut breaches = summary.generator.broken.clone();
    if summary.generator.lag_p99 > LAG_MS {
        breaches.push(format!(
            "the generator fell behind its schedule: it let 1 % of the arrivals go more than {:.0} ms late (at most \
             {LAG_MS:.0} ms); this machine is too busy for these rates",
            summary.generator.lag_p99
        ));
    }
    for rate in &summary.rates {
        let needed = crate::summary::number(rate.planned) * DONE;
        if crate::summary::number(rate.done) < needed {
            breaches.push(format!(
                "the generator fell behind its schedule: {} of {} {} were done within half a minute of the end",
                rate.done,
                rate.planned,
                rate.flow.name()
            ));
        }
    }
    breaches
}

/// A number with its unit: `12.3 ms`, `91.2 %`.
#[must_use]
pub fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Ms if value < 100.0 => format!("{value:.1} ms"),
        Unit::Ms => format!("{value:.0} ms"),
        Unit::Share if value < 0.01 => format!("{:.3} %", value * 100.0),
        Unit::Share => format!("{:.1} %", value * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn names(judgement: &Judgement) -> Vec<&str> {
        let names = judgement.breaches.iter();
        names
            .map(|breach| breach.split(':').next().unwrap_or_default())
            .collect()
    }

    #[test]
    fn a_run_within_the_levels_passes_them_and_may_miss_goals() {
        let summary = example::summary();
        let judgement = judge(&summary, Gate::Levels);
        assert!(judgement.passed(), "{:?}", judgement.breaches);
        let goals = judge(&summary, Gate::Goals);
        assert_eq!(names(&goals), ["feed miss, p95", "hit rate"]);
    }

    #[test]
    fn each_threshold_can_be_breached_and_is_named() {
        let breached = |change: fn(&mut Summary)| {
            let mut summary = example::summary();
            change(&mut summary);
            let judgement = judge(&summary, Gate::Levels);
            assert!(!judgement.passed());
            names(&judgement).join(" ")
        };
        let set = |summary: &mut Summary, measure, ms| {
            let row = summary.latencies.iter_mut().find(|r| r.measure == measure);
            row.unwrap().p95 = ms;
        };
        assert_eq!(breached(|s| s.feed.hit_rate = Some(0.899_9)), "hit rate");
        assert_eq!(breached(|s| s.errors.rate = Some(0.001)), "error rate");
        let behind = "the generator fell behind its schedule";
        assert_eq!(breached(|s| s.generator.lag_p99 = 100.1), behind);
        assert_eq!(breached(|s| s.rates[1].done = 197), behind);
        for (name, measure, level) in [
            ("feed hit, p95", Measure::FeedHit, 150.0),
            ("feed miss, p95", Measure::FeedMiss, 800.0),
            ("source follow, p95", Measure::SourceFollow, 500.0),
            ("source trending, p95", Measure::SourceTrending, 500.0),
            ("source affinity, p95", Measure::SourceAffinity, 500.0),
            ("suggested users, p95", Measure::Suggested, 300.0),
            ("like to visible, p95", Measure::LikeVisible, 5_000.0),
        ] {
            let mut summary = example::summary();
            set(&mut summary, measure, level);
            let equal = judge(&summary, Gate::Levels);
            assert!(equal.passed(), "equality passes: {:?}", equal.breaches);
            set(&mut summary, measure, level + 0.1);
            assert_eq!(names(&judge(&summary, Gate::Levels)), [name]);
        }
    }

    #[test]
    fn equality_passes_for_the_hit_rate_too() {
        let mut summary = example::summary();
        summary.feed.hit_rate = Some(0.90);
        summary.errors.rate = Some(0.000_99);
        assert!(judge(&summary, Gate::Levels).passed());
        summary.feed.hit_rate = Some(0.95);
        let goals = judge(&summary, Gate::Goals);
        assert_eq!(names(&goals), ["feed miss, p95"]);
    }

    #[test]
    fn what_was_not_measured_is_a_breach() {
        let mut summary = example::summary();
        for row in &mut summary.latencies {
            row.count = 19;
        }
        summary.feed.hit_rate = None;
        summary.errors.rate = None;
        let judgement = judge(&summary, Gate::Levels);
        assert_eq!(judgement.breaches.len(), RULES.len());
        assert!(
            judgement.breaches[0].contains("too seldom"),
            "{:?}",
            judgement.breaches
        );
    }

    #[test]
    fn a_broken_run_says_why() {
        let mut summary = example::summary();
        summary
            .generator
            .broken
            .push("it was interrupted".to_owned());
        assert_eq!(
            judge(&summary, Gate::Levels).breaches,
            ["it was interrupted"]
        );
    }
}
