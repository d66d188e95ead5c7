//! Processes and their descendants, as `/proc` tells.

use std::{fs, future::ready, time::Duration};

use nix::{sys::signal::Signal, unistd::Pid};

use crate::poll::{TimedOut, wait_for};

/// Sends a signal; a process that has just ended is nobody's fault.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
    }
}

/// The process and everything it started, directly or not; the process first.
pub(crate) fn with_descendants(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = pids()
        .filter_map(|pid| Some((pid, stat(pid)?.parent)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == pid)
                .map(|(child, _)| *child),
        );
        next += 1;
    }
    found
}

/// Stops the process and everything it started, and tells who that is; the process first.
///
/// A signal does its work a moment after it was sent, and until then its receiver may fork. So a look at `/proc`
/// counts only when all it shows had been seen standing still before.
pub(crate) async fn freeze(root: u32, within: Duration) -> Result<Vec<u32>, TimedOut> {
    let mut still = Vec::new();
    signal(root, Signal::SIGSTOP);
    wait_for(within, || {
        let tree = with_descendants(root);
        let moving: Vec<u32> = tree
            .iter()
            .copied()
            .filter(|pid| !still.contains(pid))
            .collect();
        for pid in &moving {
            signal(*pid, Signal::SIGSTOP);
        }
        still.extend(moving.iter().copied().filter(|pid| stands_still(*pid)));
        ready(if moving.is_empty() {
            Ok(tree)
        } else {
            Err(format!("processes {moving:?} do not stop"))
        })
    })
    .await
}

/// Waits until the kernel has taken away what these processes held: memory, files, ports.
pub(crate) async fn gone(pids: &[u32], within: Duration) -> Result<(), TimedOut> {
    wait_for(within, || {
        let left: Vec<u32> = pids.iter().copied().filter(|pid| holds(*pid)).collect();
        ready(if left.is_empty() {
            Ok(())
        } else {
            Err(format!("processes {left:?} still run"))
        })
    })
    .await
}

/// Stopped, or ended.
fn stands_still(pid: u32) -> bool {
    stat(pid).is_none_or(|stat| matches!(stat.state, 'T' | 't' | 'Z' | 'X'))
}

/// Not a zombie: that holds nothing, and the parent it got may never look after it (a container's first process
/// often does not). Only one whose threads have not all ended yet is counted as running.
fn holds(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X') || stat.threads > 1)
}

/// Resident memory of a process and everything it started, in bytes. Pages shared among them count for each.
pub(crate) fn resident_bytes(root: u32) -> u64 {
    with_descendants(root)
        .into_iter()
        .filter_map(resident)
        .sum()
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// What is needed of `/proc/PID/stat`.
struct Stat {
    state: char,
    parent: u32,
    threads: u32,
}

/// `None` when there is no such process any more.
fn stat(pid: u32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; the other fields, from the third on, follow the last of them.
    let (_, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_children_of_children() {
        let mut outer = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & echo ready; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = std::io::BufReader::new(outer.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        let found = with_descendants(std::process::id());
        assert!(found.contains(&outer.id()));
        let inner = with_descendants(outer.id());
        assert_eq!(inner.len(), 2, "the shell and its sleep: {inner:?}");
        for pid in inner {
            signal(pid, Signal::SIGKILL);
        }
        outer.wait().unwrap();
    }
}
