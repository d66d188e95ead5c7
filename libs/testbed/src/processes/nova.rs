//! Nova itself, on top of the servers of either provider: schema, connector, then everything that runs for long.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{
    Setting, failure,
    process::{Process, Recipe},
    wait_ready,
};
use crate::{
    Server, StackError, binaries,
    plan::{CDC_USER, Plan},
    turn::{self, Turn},
};

/// How long applying the schema, or deploying the connector, may take.
const STEP: Duration = Duration::from_secs(120);

/// Variables of this process that Nova gets as well: whoever tunes the ranking wants the stack to follow.
const PASSED_ON: [&str; 8] = [
    "NOVA_RANKING_",
    "NOVA_FEED_",
    "NOVA_SUGGEST_",
    "NOVA_JOBS_",
    "NOVA_PROJECTOR_",
    "NOVA_API_",
    "NOVA_LOG",
    "RUST_BACKTRACE",
];

/// Runs `nova migrate` and `nova connector apply`, then starts `nova all` and waits until it is ready.
pub(crate) async fn start(
    setting: &Setting,
    told: &(dyn Fn(Server, Duration) + Send + Sync),
) -> Result<Process, StackError> {
    let begun = Instant::now();
    step(setting, "migrate", &["migrate"]).await?;
    step(setting, "connector", &["connector", "apply"]).await?;
    let all = recipe(setting, &["all"], "nova")?;
    let process = Process::start(all, Arc::clone(&setting.watchdog))?;
    wait_ready(&process, &setting.plan).await?;
    told(Server::Nova, begun.elapsed());
    Ok(process)
}

/// One command that ends by itself, in good order.
async fn step(setting: &Setting, name: &str, arguments: &[&str]) -> Result<(), StackError> {
    let recipe = recipe(setting, arguments, &format!("nova-{name}"))?;
    let process = Process::start(recipe, Arc::clone(&setting.watchdog))?;
    let doing = format!("nova {}", arguments.join(" "));
    if !process.wait(STEP).await {
        return Err(failure(
            &process,
            &doing,
            format!("not done within {STEP:?}"),
        ));
    }
    match process.ended() {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(failure(&process, &doing, status.to_string())),
        None => Err(failure(&process, &doing, "its end was not seen".to_owned())),
    }
}

fn recipe(setting: &Setting, arguments: &[&str], log: &str) -> Result<Recipe, StackError> {
    let plan = &setting.plan;
    Ok(Recipe {
        server: Server::Nova,
        program: binaries::find("nova", "NOVA_BIN")?,
        arguments: arguments.iter().map(OsString::from).collect(),
        environment: environment(setting),
        directory: plan.directory(Server::Nova),
        log: plan.run_dir.join("logs").join(format!("{log}.log")),
        turn: Turn::Ordinary,
        account: None,
        stop_signal: Signal::SIGTERM,
    })
}

fn environment(setting: &Setting) -> BTreeMap<String, OsString> {
    let passed_on = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        PASSED_ON
            .iter()
            .any(|prefix| name.starts_with(prefix))
            .then_some((name, value))
    });
    let own = environment_of(&setting.plan)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()));
    let asked_for = setting.nova_environment.iter();
    turn_of_answers()
        .chain(passed_on)
        .chain(own)
        .chain(asked_for.map(|(name, value)| (name.clone(), value.into())))
        .collect()
}

/// Who answers comes first among the servers of one machine, as Redis does; whoever sets the variable decides.
fn turn_of_answers() -> impl Iterator<Item = (String, OsString)> {
    let switch = ("NOVA_API_REAL_TIME".to_owned(), "on".into());
    turn::real_time_is_permitted().then_some(switch).into_iter()
}

/// What any Nova process needs to work on this stack.
pub(crate) fn environment_of(plan: &Plan) -> Vec<(&'static str, String)> {
    let endpoints = &plan.endpoints;
    vec![
        ("NOVA_POSTGRES_URL", endpoints.postgres.clone()),
        ("NOVA_CLICKHOUSE_URL", endpoints.clickhouse.clone()),
        ("NOVA_KAFKA_BROKERS", endpoints.kafka.clone()),
        ("NOVA_CONNECT_URL", endpoints.connect.clone()),
        ("NOVA_REDIS_URL", endpoints.redis.clone()),
        ("NOVA_AUTH_SECRET", endpoints.auth_secret.clone()),
        ("NOVA_API_ADDR", format!("127.0.0.1:{}", plan.ports.api)),
        ("NOVA_ADMIN_ADDR", format!("127.0.0.1:{}", plan.ports.admin)),
        ("NOVA_CDC_USER", CDC_USER.to_owned()),
        ("NOVA_CDC_PASSWORD", plan.cdc_password.clone()),
    ]
}
