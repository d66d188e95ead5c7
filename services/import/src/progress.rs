//! Progress on stderr: a bar on a terminal, else one line per file.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::input::Stage;

pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    pub done: Arc<AtomicU64>,
}

impl Progress {
    pub(crate) fn start(stage: &Stage, verb: &str, quiet: bool) -> Self {
        let done = Arc::default();
        if quiet {
            return Self { bar: None, done };
        }
        let message = format!("{verb} {} from {}", stage.kind.as_str(), stage.label);
        if !std::io::stderr().is_terminal() {
            eprintln!("{message}");
            return Self { bar: None, done };
        }
        let bar = ProgressBar::with_draw_target(Some(stage.bytes), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(
            "{msg:<52} {bar:30} {bytes:>10}/{total_bytes} {elapsed_precise}",
        ) {
            bar.set_style(style);
        }
        bar.set_message(message);
        Self {
            bar: Some(bar),
            done,
        }
    }

    pub(crate) fn update(&self) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.done.load(Ordering::Relaxed));
        }
    }

    /// A line above the bar.
    pub(crate) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish();
        }
    }
}
