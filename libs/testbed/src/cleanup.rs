//! The end of a run, whichever way it comes.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{StackError, plan::Plan, processes::postgres, watchdog::Watchdog};

/// The stack's hold on everything it has started: when this is dropped, all of it is killed and removed.
#[derive(Debug)]
pub(crate) struct Cleanup {
    plan: Arc<Plan>,
    watchdog: Arc<Watchdog>,
    /// The run directory, and the place for a cluster that cannot be in it.
    directories: [PathBuf; 2],
    keep: AtomicBool,
}

impl Cleanup {
    /// Starts the watchdog of this run.
    pub(crate) fn start(plan: &Arc<Plan>) -> Result<Self, StackError> {
        let directories = [plan.run_dir.clone(), postgres::outside(plan)];
        let watchdog =
            Watchdog::start(&directories).map_err(StackError::io("starting the watchdog"))?;
        Ok(Self {
            plan: Arc::clone(plan),
            watchdog: Arc::new(watchdog),
            directories,
            keep: AtomicBool::new(false),
        })
    }

    pub(crate) fn watchdog(&self) -> Arc<Watchdog> {
        Arc::clone(&self.watchdog)
    }

    /// Leaves the run directory, which has the logs, for somebody to look at. Nobody would find what is outside it.
    pub(crate) fn keep_run_directory(&self) {
        self.keep.store(true, Ordering::SeqCst);
        self.watchdog.keep_first_directory();
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        self.plan.end();
        self.watchdog.finish();
        // A start that was dropped may still have been preparing a directory, on a thread nobody can stop.
        drop(
            self.plan
                .preparing
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let kept = usize::from(self.keep.load(Ordering::SeqCst));
        for directory in self.directories.iter().skip(kept) {
            // As a rule the watchdog has removed it.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_run_directory_is_ever_kept() {
        for keep in [false, true] {
            let parent = tempfile::tempdir().unwrap();
            let run_dir = parent.path().join("run");
            let plan = Arc::new(Plan::new(Some(run_dir.clone()), None).unwrap());
            let cleanup = Cleanup::start(&plan).unwrap();
            let outside = postgres::outside(&plan);
            fs::create_dir(&outside).unwrap();
            fs::write(outside.join("data"), "rows").unwrap();
            if keep {
                cleanup.keep_run_directory();
            }
            drop(cleanup);
            assert_eq!(run_dir.join("logs").exists(), keep);
            assert!(!outside.exists());
        }
    }
}
