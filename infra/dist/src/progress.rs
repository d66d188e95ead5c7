//! How a fetch tells people what it is doing.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::component::Component;

/// One step in a component's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Another process is filling the cache.
    Waiting,
    /// The package manager runs; so many bytes have arrived since it started.
    Fetching(u64),
    /// Hashes are compared.
    Verifying,
    /// The archive is unpacked.
    Unpacking,
    /// The component is in its place.
    Ready {
        /// Bytes downloaded.
        downloaded: u64,
        /// Bytes on disk.
        installed: u64,
        /// From the package manager's start to here.
        elapsed: Duration,
    },
    /// The component could not be installed; the error follows by other ways.
    Failed,
}

/// Receives the events of a fetch, from several threads at once.
pub trait Progress: Sync {
    /// Takes one event; must not block for long.
    fn report(&self, component: Component, event: Event);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: Component, _: Event) {}
}

/// One spinner per component on a terminal, plain lines elsewhere; always on standard error.
#[derive(Debug)]
pub struct Terminal {
    bars: Option<MultiProgress>,
    shown: Mutex<HashMap<Component, Line>>,
}

#[derive(Debug)]
struct Line {
    bar: Option<ProgressBar>,
    last: String,
}

impl Terminal {
    /// Looks at standard error to choose.
    #[must_use]
    pub fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self {
            bars,
            shown: Mutex::default(),
        }
    }

    fn bar(&self, component: Component) -> Option<ProgressBar> {
        let bar = self.bars.as_ref()?.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:24} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(component.label());
        bar.enable_steady_tick(Duration::from_millis(120));
        Some(bar)
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Terminal {
    fn report(&self, component: Component, event: Event) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let line = shown.entry(component).or_insert_with(|| Line {
            bar: self.bar(component),
            last: String::new(),
        });
        match &line.bar {
            Some(bar) => match event {
                Event::Ready { .. } | Event::Failed => bar.finish_with_message(describe(event)),
                _ => bar.set_message(describe(event)),
            },
            None => {
                // A log wants each step once, not the bytes five times a second.
                let step = match event {
                    Event::Fetching(_) => "fetching".to_owned(),
                    other => describe(other),
                };
                if line.last != step {
                    eprintln!("{}: {step}", component.label());
                    line.last = step;
                }
            }
        }
    }
}

fn describe(event: Event) -> String {
    match event {
        Event::Waiting => "another process is fetching, waiting for it".to_owned(),
        Event::Fetching(bytes) => format!("fetching, {}", HumanBytes(bytes)),
        Event::Verifying => "verifying".to_owned(),
        Event::Unpacking => "unpacking".to_owned(),
        Event::Ready {
            downloaded,
            installed,
            elapsed,
        } => format!(
            "ready: {} downloaded, {} on disk, {:.1} s",
            HumanBytes(downloaded),
            HumanBytes(installed),
            elapsed.as_secs_f64()
        ),
        Event::Failed => "failed".to_owned(),
    }
}
