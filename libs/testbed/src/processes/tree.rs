//! Processes and their descendants, as `/proc` tells.

use std::fs;

use nix::{sys::signal::Signal, unistd::Pid};

/// Sends a signal; a process that has just ended is nobody's fault.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
    }
}

/// The process and everything it started, directly or not; the process first.
pub(crate) fn with_descendants(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = pids().filter_map(|pid| Some((pid, parent(pid)?))).collect();
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

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; the state and the parent follow the last of them.
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
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
