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

    /// Leaves the directories for somebody to look at.
    pub(crate) fn keep_directories(&self) {
        self.keep.store(true, Ordering::SeqCst);
        self.watchdog.keep_directories();
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
        if !self.keep.load(Ordering::SeqCst) {
            for directory in &self.directories {
                // As a rule the watchdog has removed it.
                let _ = fs::remove_dir_all(directory);
            }
        }
    }
}
