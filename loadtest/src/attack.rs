//! The run itself: goose's users on one side, the schedule on the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction};
use goose::{GooseAttack, GooseScheduler};
use tokio::time::Instant;

use crate::api::TIMEOUT;
use crate::arrivals::{Crowd, Pacer, queues};
use crate::audience::{Audience, Habits};
use crate::behaviour::Behaviour;
use crate::measurements::Recorder;
use crate::people::People;
use crate::scenarios::{Run, explorer, prober, viewer, writer};
use crate::schedule::{Phases, Rates, Schedule};
use crate::summary::Summary;
use crate::token::Signer;
use crate::wishes::Wishes;

/// From the call until the first arrival: goose's users are there by then.
const HEAD_START: Duration = Duration::from_secs(2);
/// How long after the last arrival what is left is still served.
const GRACE: Duration = Duration::from_secs(30);
/// Users started a second.
const START_RATE: &str = "500";
/// The longest answer that does not yet make the next arrival wait for a free user, in seconds: the service level of a
/// ranked feed.
const BUSY: f64 = 0.8;

/// What is to be run, against which API.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The API's base URL.
    pub api: String,
    /// The secret that the API checks tokens with.
    pub auth_secret: String,
    /// Arrivals per second.
    pub rates: Rates,
    /// Share of visits that read three pages instead of one.
    pub deeper: f64,
    /// How viewers come and go.
    pub habits: Habits,
    /// What they do.
    pub behaviour: Behaviour,
    /// Likes a second that the prober follows.
    pub probes: f64,
    /// How long.
    pub phases: Phases,
    /// Who arrives when follows from it.
    pub seed: u64,
    /// Users that goose runs; as many as it takes without this ([`Users::needed`]).
    pub users: Option<Users>,
}

/// Users that goose runs: how many requests can be under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    /// Who serve visits.
    pub viewers: usize,
    /// Who serve likes and posts.
    pub writers: usize,
    /// Who serve suggested users and trending posts.
    pub explorers: usize,
}

impl Users {
    /// So many that no arrival waits for a free user while answers take no longer than their service level. When they
    /// do, arrivals queue, and their latency counts from when they were due.
    #[must_use]
    pub fn needed(plan: &Plan) -> Self {
        let pauses = plan.deeper * 2.0 * plan.behaviour.think;
        // A visit is its pages, the pauses between them, and the batch of events.
        let requests = crate::schedule::reads_per_visit(plan.deeper) + 1.0;
        let visit = requests * BUSY + pauses;
        let visits = plan.rates.visits(plan.deeper);
        Self {
            viewers: at_least(visits * visit),
            writers: at_least((plan.rates.likes + plan.rates.posts) * BUSY),
            explorers: at_least((plan.rates.suggested + plan.rates.trending) * BUSY),
        }
    }

    fn all(self) -> usize {
        // And the prober.
        self.viewers + self.writers + self.explorers + 1
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of users, rounded up"
)]
fn at_least(users: f64) -> usize {
    users.ceil().max(1.0) as usize + 1
}

/// When the measured window is, for whoever watches the servers meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Its first moment.
    pub from: Instant,
    /// Its end.
    pub to: Instant,
}

/// Puts the API under load and measures. `watch` is told the measured window before it begins.
///
/// # Errors
/// When the population is too small for these rates, or goose refuses to start. What goes wrong during the run is part
/// of the summary.
pub async fn run(
    plan: &Plan,
    people: People,
    watch: impl FnOnce(Window),
) -> anyhow::Result<Summary> {
    let visits = plan.rates.visits(plan.deeper);
    let online = plan.habits.online(visits);
    let audience = Audience::new(people.users.len(), online, plan.habits.visits, plan.seed)?;
    let begin = Instant::now() + HEAD_START;
    let (pacer, queues) = queues(begin + plan.phases.total() + GRACE);
    let run = Arc::new(Run {
        signer: Signer::new(&plan.auth_secret),
        queues,
        recorder: Recorder::new(plan.phases.measured)?,
        wishes: Wishes::default(),
        behaviour: plan.behaviour,
        posts: people.posts.clone(),
        begin,
        phases: plan.phases,
        probes: plan.probes,
    });
    watch(Window {
        from: run.measured_from(),
        to: run.measured_to(),
    });
    let crowd = Crowd {
        people,
        audience,
        deeper: plan.deeper,
    };
    let schedule = Schedule::new(&plan.rates, plan.deeper, plan.phases, plan.seed);
    let attack = attack(plan, &run)?;
    let paced = pace(pacer, schedule, crowd, &run);
    let (attacked, ()) = tokio::join!(Box::pin(attack.execute()), paced);
    attacked.map_err(|error| anyhow::anyhow!("goose: {error}"))?;
    let seconds = plan.phases.measured.as_secs_f64();
    Ok(Summary::of(&run.recorder, &plan.rates, seconds))
}

async fn pace(pacer: Pacer, schedule: Schedule, crowd: Crowd, run: &Run) {
    let warm_up = run.phases.warm_up;
    // Goose takes Ctrl-C for itself and keeps it there.
    let stop = goose::is_killswitch_triggered;
    pacer
        .run(schedule, crowd, run.begin, warm_up, &run.recorder, stop)
        .await;
}

/// Each user runs its scenario once, and that lasts as long as there are arrivals: goose ends when all are served.
fn attack(plan: &Plan, run: &Arc<Run>) -> anyhow::Result<GooseAttack> {
    let users = plan.users.unwrap_or_else(|| Users::needed(plan));
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(plan.api.clone());
    configuration.users = Some(users.all());
    configuration.increase_rate = Some(START_RATE.to_owned());
    configuration.iterations = Some(1);
    configuration.no_telnet = true;
    // What it would measure is closed-loop time from sending; ours counts from the schedule.
    configuration.no_metrics = true;
    configuration.quiet = 1;
    configuration.timeout = Some(TIMEOUT.as_secs().to_string());
    let client = goose::client::GooseClientBuilder::new().without_cookies();
    let attack = GooseAttack::initialize_with_config(configuration)
        .context("goose")?
        .set_client_builder_without_cookies(client)
        .context("goose")?
        .set_scheduler(GooseScheduler::RoundRobin);
    Ok(attack
        .register_scenario(scenario("viewer", users.viewers, run, Part::Viewer)?)
        .register_scenario(scenario("writer", users.writers, run, Part::Writer)?)
        .register_scenario(scenario("explorer", users.explorers, run, Part::Explorer)?)
        .register_scenario(scenario("prober", 1, run, Part::Prober)?))
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Viewer,
    Writer,
    Explorer,
    Prober,
}

fn scenario(name: &str, users: usize, run: &Arc<Run>, part: Part) -> anyhow::Result<Scenario> {
    let run = Arc::clone(run);
    let serve = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let run = Arc::clone(&run);
        Box::pin(async move {
            match part {
                Part::Viewer => viewer::views(&run, user).await,
                Part::Writer => writer::writes(&run, user).await,
                Part::Explorer => explorer::explores(&run, user).await,
                Part::Prober => prober::probes(&run, user).await,
            }
            Ok(())
        })
    }));
    Ok(Scenario::new(name)
        .set_weight(users)
        .context("goose")?
        .register_transaction(serve.set_name(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_users_enough_for_answers_at_their_service_level() {
        let plan = Plan {
            api: String::new(),
            auth_secret: String::new(),
            rates: Rates {
                reads: 200.0,
                likes: 20.0,
                posts: 2.0,
                suggested: 2.0,
                trending: 2.0,
            },
            deeper: 0.3,
            habits: Habits {
                gap: 5.0,
                visits: 24.0,
            },
            behaviour: Behaviour::default(),
            probes: 1.0,
            phases: Phases {
                ramp: Duration::ZERO,
                warm_up: Duration::ZERO,
                measured: Duration::from_secs(1),
            },
            seed: 1,
            users: None,
        };
        // 125 visits a second, each at most 2.6 answers of 0.8 s and 0.6 s of reading.
        assert_eq!(
            Users::needed(&plan),
            Users {
                viewers: 336,
                writers: 19,
                explorers: 5
            }
        );
    }
}
