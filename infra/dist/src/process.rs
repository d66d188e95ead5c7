//! Runs a package manager with its output in a log file, a watch on its progress and an end to its patience.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::checksum::files_below;
use crate::component::Component;
use crate::error::DistError;

/// Package managers have their own time-outs and retries; this is for one that hangs in spite of them.
const STALL_LIMIT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(25);
const MEASURE_EVERY: Duration = Duration::from_millis(250);
const TAIL_LINES: usize = 8;
const MAVEN_HELP: [&str; 5] = [
    "To see the full stack trace",
    "Re-run Maven using",
    "For more information about the errors",
    "[Help ",
    "After correcting the problems",
];

/// One run of a package manager.
pub(crate) struct Run<'a> {
    /// For error messages.
    pub(crate) component: Component,
    /// Program and arguments.
    pub(crate) command: Command,
    /// What to do when the program is missing.
    pub(crate) install: &'static str,
    /// Standard output and error go here.
    pub(crate) log: &'a Path,
    /// Growth of this directory is the download's progress.
    pub(crate) watch: &'a Path,
}

impl Run<'_> {
    /// Runs to the end and returns the bytes that arrived; `tell` hears them on the way.
    pub(crate) fn finish(self, tell: impl Fn(u64)) -> Result<u64, DistError> {
        self.finish_within(STALL_LIMIT, tell)
    }

    fn finish_within(
        mut self,
        stall_limit: Duration,
        tell: impl Fn(u64),
    ) -> Result<u64, DistError> {
        let log = File::create(self.log).map_err(DistError::io("create", self.log))?;
        let log_too = log
            .try_clone()
            .map_err(DistError::io("duplicate", self.log))?;
        let before = size_of(self.watch);
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            .spawn()
            .map_err(|source| self.spawn_error(source))?;

        let (mut seen, mut seen_at, mut measured_at) = ((0, 0), Instant::now(), Instant::now());
        loop {
            if let Some(status) = child
                .try_wait()
                .map_err(DistError::io("wait for", self.log))?
            {
                return self
                    .outcome(status)
                    .map(|()| size_of(self.watch).saturating_sub(before));
            }
            if measured_at.elapsed() >= MEASURE_EVERY {
                measured_at = Instant::now();
                let arrived = size_of(self.watch).saturating_sub(before);
                let now = (arrived, fs::metadata(self.log).map_or(0, |meta| meta.len()));
                if now != seen {
                    (seen, seen_at) = (now, Instant::now());
                    tell(arrived);
                }
            }
            if seen_at.elapsed() >= stall_limit {
                // Already gone is as good as killed.
                let _ = child.kill();
                let _ = child.wait();
                return Err(DistError::ClientStalled {
                    package: self.component.label(),
                    command: self.line(),
                    seconds: stall_limit.as_secs(),
                    tail: self.tail(),
                });
            }
            thread::sleep(POLL);
        }
    }

    fn outcome(&self, status: ExitStatus) -> Result<(), DistError> {
        if status.success() {
            return Ok(());
        }
        Err(DistError::ClientFailed {
            package: self.component.label(),
            command: self.line(),
            status: status.to_string(),
            tail: self.tail(),
        })
    }

    fn spawn_error(&self, source: std::io::Error) -> DistError {
        let client = self.command.get_program().to_string_lossy().into_owned();
        if source.kind() == std::io::ErrorKind::NotFound {
            DistError::ClientMissing {
                package: self.component.label(),
                client,
                install: self.install,
            }
        } else {
            DistError::Io {
                what: "start",
                path: client.into(),
                source,
            }
        }
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn tail(&self) -> String {
        let bytes = fs::read(self.log).unwrap_or_default();
        last_lines(&String::from_utf8_lossy(&bytes))
    }
}

/// The last lines that say something: Maven ends with rules, empty lines and links to its help.
fn last_lines(text: &str) -> String {
    let says_something = |line: &&str| {
        let words = line.trim_start_matches(|c: char| !c.is_alphanumeric());
        let words = words
            .strip_prefix("INFO]")
            .or_else(|| words.strip_prefix("ERROR]"))
            .unwrap_or(words);
        let words = words.trim();
        !line.starts_with('\x1b')
            && words.chars().any(char::is_alphabetic)
            && !MAVEN_HELP.iter().any(|help| words.starts_with(help))
    };
    let lines: Vec<&str> = text.lines().filter(says_something).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Bytes in all files below a directory that may be changing meanwhile.
pub(crate) fn size_of(root: &Path) -> u64 {
    let files = files_below(root).unwrap_or_default();
    files
        .iter()
        .filter_map(|path| fs::symlink_metadata(path).ok())
        .map(|meta| meta.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<'a>(program: &str, script: &str, directory: &'a Path, log: &'a Path) -> Run<'a> {
        let mut command = Command::new(program);
        command.args(["-c", script]);
        Run {
            component: Component::Kafka,
            command,
            install: "install it",
            log,
            watch: directory,
        }
    }

    #[test]
    fn a_failing_client_shows_its_command_and_last_lines() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let script = "for i in $(seq 40); do echo line $i; done; echo no route to host >&2; exit 3";
        let error = run("sh", script, directory.path(), &log)
            .finish(|_| ())
            .unwrap_err();
        let DistError::ClientFailed {
            package,
            command,
            status,
            tail,
        } = error
        else {
            panic!("{error}")
        };
        assert!(package.starts_with("kafka 4."));
        assert!(command.starts_with("sh -c for i"));
        assert!(status.contains('3'));
        assert!(
            tail.ends_with("no route to host")
                && tail.contains("line 40")
                && !tail.contains("line 20\n")
        );
    }

    #[test]
    fn mavens_decoration_is_left_out() {
        let log = "[INFO] BUILD FAILURE\n[INFO] ------\n[ERROR] Could not transfer x\n[ERROR] \n\
            [ERROR] Re-run Maven using the -X switch\n[ERROR] [Help 1] link\n\x1b[0m\x1b[0m\n";
        assert_eq!(
            last_lines(log),
            "[INFO] BUILD FAILURE\n[ERROR] Could not transfer x"
        );
    }

    #[test]
    fn a_missing_client_says_how_to_get_it() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let error = run("no-such-program-here", "", directory.path(), &log)
            .finish(|_| ())
            .unwrap_err();
        assert!(matches!(
            error,
            DistError::ClientMissing {
                install: "install it",
                ..
            }
        ));
    }

    #[test]
    fn a_silent_client_is_stopped() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let run = run("sh", "echo hello; exec sleep 600", directory.path(), &log);
        let error = run
            .finish_within(Duration::from_millis(600), |_| ())
            .unwrap_err();
        assert!(
            matches!(&error, DistError::ClientStalled { tail, .. } if tail == "hello"),
            "{error}"
        );
    }

    #[test]
    fn arrived_bytes_exclude_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let log_directory = tempfile::tempdir().unwrap();
        let log = log_directory.path().join("log");
        fs::write(directory.path().join("old"), [0; 100]).unwrap();
        let script = format!("printf 1234567 > {}/new", directory.path().display());
        assert_eq!(
            run("sh", &script, directory.path(), &log)
                .finish(|_| ())
                .unwrap(),
            7
        );
    }
}
