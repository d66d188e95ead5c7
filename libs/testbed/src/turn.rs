//! Whose turn it is when processes of one machine want more of the processors than there is.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Three classes, by what waits for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Somebody waits for each answer, it takes a fraction of a millisecond, and one thread makes it: real-time, as soon as it is
    /// ready to run, where that is permitted (`CAP_SYS_NICE`, or a limit of `rtprio`). Round-robin among its like; the kernel keeps
    /// a twentieth of each second for the others. See docs/decisions/0024.
    First,
    /// Ordinary.
    Ordinary,
    /// Works in bursts that use all there is: about a ninth of the weight of an ordinary one.
    Last,
}

/// The lowest of the real-time priorities.
const REAL_TIME: [&str; 2] = ["--rr", "1"];
/// The niceness of who comes last.
const LAST: &str = "10";

impl Turn {
    /// The command that becomes the program with this turn; arguments are the program's.
    pub(crate) fn command(self, program: &OsStr) -> Command {
        let (wrapper, options): (_, &[&str]) = match self {
            Self::First if real_time_is_permitted() => ("chrt", &REAL_TIME),
            Self::First | Self::Ordinary => return Command::new(program),
            Self::Last => ("nice", &["-n", LAST]),
        };
        let mut command = Command::new(wrapper);
        command.args(options).arg(program);
        command
    }
}

/// Whether this process may start real-time processes: tried once.
pub(crate) fn real_time_is_permitted() -> bool {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    *PERMITTED.get_or_init(|| quietly(Command::new("chrt").args(REAL_TIME).arg("true")))
}

/// Gives all threads of this process the first turn, as Redis has it; threads and processes that they start later inherit it. For who
/// measures: a generator of load that waits for a processor measures its own waiting. Whether it is permitted; if not, nothing
/// changes. Blocks for some milliseconds.
#[must_use]
pub fn come_first() -> bool {
    let process = std::process::id().to_string();
    let mut command = Command::new("chrt");
    command
        .args(["--all-tasks", "--pid"])
        .args(REAL_TIME)
        .arg(process);
    quietly(&mut command)
}

fn quietly(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scheduling policy and the niceness that a program has which is started with a turn.
    fn found(turn: Turn) -> (u32, i32) {
        let output = turn
            .command(OsStr::new("cat"))
            .arg("/proc/self/stat")
            .output()
            .unwrap();
        let stat = String::from_utf8(output.stdout).unwrap();
        let (_, after) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = after.split(' ').collect();
        // Fields 41 and 19 of proc(5); the first here is the third.
        (fields[38].parse().unwrap(), fields[16].parse().unwrap())
    }

    #[test]
    fn who_comes_first_is_real_time_where_it_is_permitted() {
        let (policy, _) = found(Turn::First);
        let round_robin = 2;
        assert_eq!(policy == round_robin, real_time_is_permitted());
    }

    #[test]
    fn who_comes_last_is_nicer_than_the_others() {
        let (policy, own) = found(Turn::Ordinary);
        assert_eq!(found(Turn::Last), (policy, (own + 10).min(19)));
    }
}
