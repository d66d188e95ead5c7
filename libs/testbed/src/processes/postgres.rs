//! PostgreSQL: a fresh cluster, the database, then the server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nix::sys::signal::Signal;
use nova_dist::Installation;

use super::{account::Account, process::Recipe, template::Template};
use crate::{
    Server, StackError,
    error::ServerFailure,
    plan::{DATABASE, Plan, USER},
    turn::Turn,
};

/// Server settings of every provider; the rest is PostgreSQL's own.
///
/// `max_slot_wal_keep_size` bounds what a stopped Connect can pin. Connections: the API's pool, the tests' pools
/// and Debezium together stay well below the number. `shared_buffers` is taken as it is used, so small populations take
/// little. Between checkpoints as much log may pass as `max_wal_size` allows, not five minutes' worth: after each one, a page's
/// first change is logged as a whole page, which Debezium's sender has to read over.
pub(crate) const SETTINGS: [(&str, &str); 8] = [
    ("wal_level", "logical"),
    ("max_wal_senders", "8"),
    ("max_replication_slots", "8"),
    ("max_slot_wal_keep_size", "16GB"),
    ("max_connections", "200"),
    ("shared_buffers", "2GB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "30min"),
];

/// Prepares the cluster (blocking; 0.2 s with a template, 1 s without) and says how the server starts.
///
/// `durable` keeps `fsync` on, as `just up` does: then a commit's latency is honest. Tests turn it off: the
/// operating system's cache survives the death of a process, and they kill no machines.
pub(crate) fn prepare(
    plan: &Plan,
    installed: &Installation,
    durable: bool,
) -> Result<Recipe, StackError> {
    let server = Server::Postgres;
    let account =
        Account::for_postgres().map_err(StackError::io("choosing a user for PostgreSQL"))?;
    let directory = place(plan, account.as_ref())?;
    let data = directory.join("data");
    let program = |name: &str| installed.postgres_bin.join(name);
    let recipe = Recipe {
        server,
        program: program("postgres"),
        arguments: arguments(plan, &data, durable),
        environment: [("PGTZ".to_owned(), "UTC".into())].into(),
        directory,
        log: plan.log(server),
        turn: Turn::Ordinary,
        account,
        stop_signal: Signal::SIGINT,
    };

    let template = installed.postgres_bin.parent().and_then(Template::of);
    // Whatever is in the way already, initdb says it better.
    let copied = !data.exists()
        && template
            .as_ref()
            .is_some_and(|template| template.copy_to(&data, recipe.account.as_ref()));
    if !copied {
        create_cluster(plan, &recipe, &program("initdb"), &data)?;
        single_user(
            plan,
            &recipe,
            &data,
            &format!("CREATE DATABASE {DATABASE};\n"),
        )?;
        if let Some(template) = template {
            template.keep(&data);
        }
    }
    let password = plan.postgres_password();
    single_user(
        plan,
        &recipe,
        &data,
        &format!("ALTER USER {USER} PASSWORD '{password}';\n"),
    )?;
    Ok(recipe)
}

/// `initdb`; the owner's password is changed before the server starts.
fn create_cluster(
    plan: &Plan,
    recipe: &Recipe,
    initdb: &Path,
    data: &Path,
) -> Result<(), StackError> {
    let password = recipe.directory.join("password");
    Plan::write(&password, "changed before the first start")?;
    if let Some(account) = &recipe.account {
        account.own(&password).map_err(StackError::io(
            "giving the password file to PostgreSQL's user",
        ))?;
    }
    let mut initdb = Recipe {
        program: initdb.to_owned(),
        arguments: Vec::new(),
        ..recipe.clone()
    }
    .command()?;
    initdb
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(&password)
        .args(["--username", USER, "--auth=scram-sha-256"])
        .args([
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]);
    run(plan, initdb, "initdb", b"")?;
    fs::remove_file(&password).map_err(StackError::io("removing the password file"))
}

/// A single-user server runs a statement without a client.
fn single_user(
    plan: &Plan,
    recipe: &Recipe,
    data: &Path,
    statement: &str,
) -> Result<(), StackError> {
    let mut single = Recipe {
        arguments: Vec::new(),
        ..recipe.clone()
    }
    .command()?;
    single
        .args(["--single", "-c", "fsync=off", "-D"])
        .arg(data)
        .arg("postgres");
    run(plan, single, "preparing the cluster", statement.as_bytes())
}

/// Where the cluster is: in the run directory, unless PostgreSQL's user cannot get there.
pub(crate) fn place(plan: &Plan, account: Option<&Account>) -> Result<PathBuf, StackError> {
    let mut directory = plan.directory(Server::Postgres);
    if let Some(account) = account
        && !account
            .reaches(&plan.run_dir)
            .map_err(StackError::io("looking at the run directory"))?
    {
        directory = outside(plan);
    }
    fs::create_dir_all(&directory)
        .map_err(StackError::io(format!("creating {}", directory.display())))?;
    if let Some(account) = account {
        account
            .own(&directory)
            .map_err(StackError::io("giving the directory to PostgreSQL's user"))?;
    }
    Ok(directory)
}

/// The place for a cluster that cannot be in the run directory; the watchdog knows it.
pub(crate) fn outside(plan: &Plan) -> PathBuf {
    std::env::temp_dir().join(format!("{}-postgres", plan.run_id))
}

fn arguments(plan: &Plan, data: &Path, durable: bool) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<std::ffi::OsString> = vec!["-D".into(), data.into()];
    let fsync = if durable { "fsync=on" } else { "fsync=off" };
    let own = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={}", plan.ports.postgres),
        // Sockets would need a short path; everybody here speaks TCP.
        "unix_socket_directories=".to_owned(),
        fsync.to_owned(),
    ];
    let shared = SETTINGS.map(|(name, value)| format!("{name}={value}"));
    for setting in own.into_iter().chain(shared) {
        arguments.extend(["-c".into(), setting.into()]);
    }
    arguments
}

fn run(plan: &Plan, mut command: Command, doing: &str, input: &[u8]) -> Result<(), StackError> {
    use std::{io::Write as _, process::Stdio};
    plan.goes_on()?;
    let io = |source| StackError::Io {
        doing: doing.to_owned(),
        source,
    };
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(io)?;
    if let Some(mut stdin) = child.stdin.take() {
        // When it ends early its exit status says more than the broken pipe.
        let _ = stdin.write_all(input);
    }
    let status = child.wait().map_err(io)?;
    if status.success() {
        return Ok(());
    }
    let log = plan.log(Server::Postgres);
    Err(ServerFailure::error(
        Server::Postgres,
        doing,
        status.to_string(),
        log,
    ))
}
