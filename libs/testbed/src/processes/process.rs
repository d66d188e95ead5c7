//! One server as a child process: started from a fixed recipe, so that a restart finds its address and data again.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::sync::watch;

use super::{account::Account, failure, tree};
use crate::{Server, StackError, turn::Turn, watchdog::Watchdog};

/// How long the kernel may take to stop or to take away processes.
const KERNEL: Duration = Duration::from_secs(10);

/// How a server is started: the same at every start.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) server: Server,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// All of its environment but `PATH`, `HOME` and the locale: nothing else is inherited.
    pub(crate) environment: BTreeMap<String, OsString>,
    /// Where it works; inside the run directory, which is how the watchdog knows it.
    pub(crate) directory: PathBuf,
    pub(crate) log: PathBuf,
    /// When it gets a processor while there is not enough for all.
    pub(crate) turn: Turn,
    /// Another user, where the server refuses to run as root.
    pub(crate) account: Option<Account>,
    /// What asks it to end in good order.
    pub(crate) stop_signal: Signal,
}

impl Recipe {
    /// The command of this recipe, its output appended to the log.
    pub(crate) fn command(&self) -> Result<Command, StackError> {
        fs::create_dir_all(&self.directory).map_err(StackError::io(format!(
            "creating {}",
            self.directory.display()
        )))?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(StackError::io(format!("opening {}", self.log.display())))?;
        let errors = log
            .try_clone()
            .map_err(StackError::io("sharing the log file"))?;
        let mut command = self.turn.command(self.program.as_os_str());
        command
            .args(&self.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.directory)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .envs(&self.environment)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // Signals of the terminal are for the owner, which decides what becomes of its servers.
            .process_group(0);
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
        Ok(command)
    }
}

/// A server that was started at least once.
#[derive(Debug)]
pub(crate) struct Process {
    recipe: Recipe,
    watchdog: Arc<Watchdog>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    pid: u32,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts the server for the first time.
    pub(crate) fn start(recipe: Recipe, watchdog: Arc<Watchdog>) -> Result<Self, StackError> {
        let current = spawn(&recipe, &watchdog)?;
        Ok(Self {
            recipe,
            watchdog,
            current: Mutex::new(current),
        })
    }

    pub(crate) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        let current = self.lock();
        current.ended.borrow().is_none().then_some(current.pid)
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        *self.lock().ended.borrow()
    }

    fn running(&self) -> Result<u32, StackError> {
        self.pid().ok_or(StackError::NotRunning(self.recipe.server))
    }

    /// Stops the server in its tracks with everything it started. PostgreSQL's backends are sessions of their
    /// own, so a signal to the process group would miss them.
    pub(crate) async fn pause(&self) -> Result<(), StackError> {
        let root = self.running()?;
        let paused = tree::freeze(root, KERNEL).await;
        paused
            .map(drop)
            .map_err(|late| failure(self, "pausing", late.to_string()))
    }

    /// Lets it go on after [`Process::pause`].
    pub(crate) fn resume(&self) -> Result<(), StackError> {
        for pid in tree::with_descendants(self.running()?) {
            tree::signal(pid, Signal::SIGCONT);
        }
        Ok(())
    }

    /// Kills the server with everything it started and waits until the kernel has taken it away: one backend of
    /// PostgreSQL that is left keeps its shared memory, and with that the server from starting again.
    pub(crate) async fn kill(&self) -> Result<(), StackError> {
        let root = self.running()?;
        // Whatever does not stand still is killed all the same.
        let frozen = tree::freeze(root, KERNEL).await;
        let all = frozen.unwrap_or_else(|_| tree::with_descendants(root));
        for pid in &all {
            tree::signal(*pid, Signal::SIGKILL);
        }
        let late = |state| failure(self, "killing", state);
        if !self.wait(KERNEL).await {
            return Err(late(format!("process {root} still runs after {KERNEL:?}")));
        }
        let gone = tree::gone(&all, KERNEL).await;
        gone.map_err(|left| late(left.to_string()))
    }

    /// Asks the server to end, and kills it when it does not within `patience`. Returns whether it ended by itself.
    pub(crate) async fn stop(&self, patience: Duration) -> bool {
        let Some(pid) = self.pid() else {
            return true;
        };
        // One that is paused would not even see the signal.
        let _ = self.resume();
        tree::signal(pid, self.recipe.stop_signal);
        if self.wait(patience).await {
            return true;
        }
        tracing::warn!(server = %self.recipe.server, "does not end within {patience:?}: killed");
        match self.kill().await {
            // It has just ended.
            Ok(()) | Err(StackError::NotRunning(_)) => {}
            Err(error) => tracing::warn!("{error}"),
        }
        false
    }

    /// Starts it again at the same address, on the same data. The caller has stopped or killed it.
    pub(crate) fn start_again(&self) -> Result<(), StackError> {
        let fresh = spawn(&self.recipe, &self.watchdog)?;
        *self.lock() = fresh;
        Ok(())
    }

    /// Waits for the end; false when it has not come within `patience`.
    pub(crate) async fn wait(&self, patience: Duration) -> bool {
        let mut ended = self.lock().ended.clone();
        let result = tokio::time::timeout(patience, ended.wait_for(Option::is_some)).await;
        result.is_ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn(recipe: &Recipe, watchdog: &Arc<Watchdog>) -> Result<Current, StackError> {
    let mut child = recipe.command()?.spawn().map_err(StackError::io(format!(
        "starting {} ({})",
        recipe.server,
        recipe.program.display()
    )))?;
    let pid = child.id();
    watchdog.watch(pid);
    let (tell, ended) = watch::channel(None);
    let dog = Arc::clone(watchdog);
    // A thread rather than a task: it outlives the runtime of the test that started the stack.
    std::thread::Builder::new()
        .name(format!("{}-{pid}", recipe.server))
        .spawn(move || {
            let status = child.wait();
            dog.forget(pid);
            // Nobody listening any more is fine.
            let _ = tell.send(Some(status.unwrap_or_else(|_| ExitStatus::from_raw(-1))));
        })
        .map_err(StackError::io("starting a thread"))?;
    Ok(Current { pid, ended })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::poll::wait_for;

    /// A server that never ceases to start processes, as PostgreSQL with many clients.
    const FORKS: &str = "i=0; while [ $i -lt 4000 ]; do sleep 60 & i=$((i+1)); done; wait";

    #[tokio::test]
    async fn nothing_escapes_pause_and_kill() {
        for round in 0..3 {
            let directory = tempfile::tempdir().unwrap();
            let works_in = directory.path().canonicalize().unwrap();
            let watchdog = Watchdog::start(std::slice::from_ref(&works_in)).unwrap();
            let watchdog = Arc::new(watchdog);
            let recipe = Recipe {
                server: Server::Redis,
                program: "sh".into(),
                arguments: vec!["-c".into(), FORKS.into()],
                environment: BTreeMap::new(),
                directory: works_in.clone(),
                log: works_in.join("log"),
                turn: Turn::Last,
                account: None,
                stop_signal: Signal::SIGTERM,
            };
            let process = Process::start(recipe, Arc::clone(&watchdog)).unwrap();
            some_run(&works_in).await;

            if round > 0 {
                process.pause().await.unwrap();
                let paused = states(&works_in);
                assert!(paused.iter().all(|state| *state == 'T'), "{paused:?}");
                assert_eq!(states(&works_in).len(), paused.len());
            }
            if round > 1 {
                process.resume().unwrap();
                some_run(&works_in).await;
            }
            process.kill().await.unwrap();
            assert_eq!(states(&works_in), Vec::<char>::new());
            assert!(matches!(
                process.kill().await,
                Err(StackError::NotRunning(Server::Redis))
            ));
            watchdog.finish();
        }
    }

    async fn some_run(directory: &Path) {
        wait_for(Duration::from_secs(20), || async {
            match states(directory) {
                states if states.len() > 20 && !states.contains(&'T') => Ok(()),
                states => Err(format!("{states:?}")),
            }
        })
        .await
        .unwrap();
    }

    /// The states of the processes that work in a directory; zombies work nowhere.
    fn states(directory: &Path) -> Vec<char> {
        let state = |process: PathBuf| {
            let works_in = fs::read_link(process.join("cwd")).ok()?;
            let stat = fs::read_to_string(process.join("stat")).ok()?;
            let (_, after) = stat.rsplit_once(") ")?;
            (works_in == directory).then(|| after.chars().next())?
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| state(entry.unwrap().path()))
            .collect()
    }
}
