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

use super::{account::Account, tree};
use crate::{Server, StackError, watchdog::Watchdog};

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
        let mut command = Command::new(&self.program);
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

    /// Sends a signal to the server and everything it started. PostgreSQL's backends are sessions of their
    /// own, so a signal to the process group would miss them.
    pub(crate) fn signal_all(&self, signal: Signal) -> Result<(), StackError> {
        let pid = self
            .pid()
            .ok_or(StackError::NotRunning(self.recipe.server))?;
        for pid in tree::with_descendants(pid) {
            tree::signal(pid, signal);
        }
        Ok(())
    }

    /// Kills the server with everything it started and waits until the kernel has taken it away.
    pub(crate) async fn kill(&self) -> Result<(), StackError> {
        self.signal_all(Signal::SIGKILL)?;
        self.wait(Duration::from_secs(10)).await;
        Ok(())
    }

    /// Asks the server to end, and kills it when it does not within `patience`. Returns whether it ended by itself.
    pub(crate) async fn stop(&self, patience: Duration) -> bool {
        let Some(pid) = self.pid() else {
            return true;
        };
        // One that is paused would not even see the signal.
        let _ = self.signal_all(Signal::SIGCONT);
        tree::signal(pid, self.recipe.stop_signal);
        if self.wait(patience).await {
            return true;
        }
        tracing::warn!(server = %self.recipe.server, "does not end within {patience:?}: killed");
        let _ = self.kill().await;
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
