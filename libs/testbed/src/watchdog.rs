//! The small process that cleans up after a stack, however its owner ends.
//!
//! `Drop` does not run on Ctrl-C, on `kill -9`, nor when a panic aborts, and `PR_SET_PDEATHSIG` belongs to the
//! thread that forked, which in an asynchronous program may end long before the process. A pipe has neither
//! flaw: the kernel closes it with the owner, and the shell at its other end then kills every process of
//! the run and removes its directories. The orderly way out takes the same path, so it is always tested.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use std::os::unix::process::CommandExt as _;

/// The shell script it runs.
const SCRIPT: &str = include_str!("watchdog.sh");

/// How long the clean-up may take before it is left to itself.
const CLEAN_UP: Duration = Duration::from_secs(15);

/// The running watchdog.
#[derive(Debug)]
pub(crate) struct Watchdog {
    pipe: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
}

impl Watchdog {
    /// Starts the watchdog of the given directories.
    pub(crate) fn start(directories: &[PathBuf]) -> io::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "nova-testbed-watchdog"])
            .args(directories)
            // A group of its own: the terminal's Ctrl-C must not reach it.
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = child.stdin.take();
        Ok(Self {
            pipe: Mutex::new(pipe),
            child: Mutex::new(child),
        })
    }

    /// A process to kill at the end.
    pub(crate) fn watch(&self, pid: u32) {
        self.tell(&format!("pid {pid}\n"));
    }

    /// That process has ended; its number may be somebody else's soon.
    pub(crate) fn forget(&self, pid: u32) {
        self.tell(&format!("gone {pid}\n"));
    }

    /// Leave the first of the directories for somebody to look at.
    pub(crate) fn keep_first_directory(&self) {
        self.tell("keep\n");
    }

    /// Containers and networks to remove at the end.
    #[cfg_attr(
        not(feature = "containers"),
        expect(dead_code, reason = "only the containers provider has any")
    )]
    pub(crate) fn watch_label(&self, label: &str) {
        self.tell(&format!("label {label}\n"));
    }

    /// Ends the pipe and waits until everything is cleaned up. Blocks.
    pub(crate) fn finish(&self) {
        drop(self.lock_pipe().take());
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + CLEAN_UP;
        while Instant::now() < deadline {
            match child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        tracing::warn!("the clean-up of the stack takes more than {CLEAN_UP:?}; it goes on");
    }

    fn tell(&self, line: &str) {
        if let Some(pipe) = self.lock_pipe().as_mut() {
            // A watchdog that somebody killed cannot be told anything; the orderly stop still works.
            if let Err(error) = pipe.write_all(line.as_bytes()) {
                tracing::warn!(%error, "the watchdog of the stack is gone");
            }
        }
    }

    fn lock_pipe(&self) -> std::sync::MutexGuard<'_, Option<ChildStdin>> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_directory_when_told() {
        for keep in [false, true] {
            let parent = tempfile::tempdir().unwrap();
            let directories = ["run", "outside"].map(|name| parent.path().join(name));
            for directory in &directories {
                std::fs::create_dir(directory).unwrap();
            }
            let watchdog = Watchdog::start(&directories).unwrap();
            if keep {
                watchdog.keep_first_directory();
            }
            watchdog.finish();
            let left = directories.map(|directory| directory.exists());
            assert_eq!(left, [keep, false]);
        }
    }
}
