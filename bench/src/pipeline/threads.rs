//! Which threads of the servers are busy: a hop that is one thread is at its end when that thread is.

use std::collections::BTreeMap;
use std::fs;

use nova_loadtest::resources::Watched;
use nova_loadtest::summary::number;
use serde::Serialize;
use tokio::time::Instant;

/// Ticks a second in `/proc/PID/stat`, part of Linux's interface on every architecture.
const TICKS: f64 = 100.0;

/// A thread, or a process of a server that has none, over a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BusyThread {
    /// The server.
    pub process: String,
    /// As it calls itself; the kernel keeps 15 letters. Threads of one name are told apart by their number.
    pub thread: String,
    /// Cores: 1 is busy all the time.
    pub cores: f64,
}

/// Started before something is done, stopped after it.
#[derive(Debug)]
pub(crate) struct ThreadMeter {
    watched: Vec<Watched>,
    begun: Instant,
    first: BTreeMap<Thread, u64>,
}

/// A thread of a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Thread {
    process: String,
    id: u32,
    name: String,
}

impl ThreadMeter {
    /// Begins. Reads a file for each thread: some milliseconds of processor time, as [`ThreadMeter::stop`].
    pub(crate) fn start(watched: Vec<Watched>) -> Self {
        Self {
            first: all(&watched),
            watched,
            begun: Instant::now(),
        }
    }

    /// Ends: the busiest, the first of them first.
    pub(crate) fn stop(self, most: usize) -> Vec<BusyThread> {
        let seconds = self.begun.elapsed().as_secs_f64();
        busiest(&self.first, &all(&self.watched), seconds, most)
    }
}

fn busiest(
    first: &BTreeMap<Thread, u64>,
    last: &BTreeMap<Thread, u64>,
    seconds: f64,
    most: usize,
) -> Vec<BusyThread> {
    let busy = last.iter().map(|(thread, ticks)| {
        // One that was not there before has begun from nothing.
        let before = first.get(thread).copied().unwrap_or(0);
        let used = number(ticks.saturating_sub(before)) / TICKS;
        BusyThread {
            process: thread.process.clone(),
            thread: thread.name.clone(),
            cores: used / seconds.max(f64::MIN_POSITIVE),
        }
    });
    let mut busy: Vec<BusyThread> = busy.collect();
    busy.sort_by(|a, b| b.cores.total_cmp(&a.cores));
    busy.truncate(most);
    busy
}

fn all(watched: &[Watched]) -> BTreeMap<Thread, u64> {
    let parents = parents();
    let mut threads = BTreeMap::new();
    for one in watched {
        let Some(root) = one.pid else { continue };
        let pids = match one.children {
            true => tree(&parents, root),
            false => vec![root],
        };
        for pid in pids {
            let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter();
            for entry in entries.flatten().flatten() {
                let Ok(line) = fs::read_to_string(entry.path().join("stat")) else {
                    continue;
                };
                let Some(found) = parse(&line) else { continue };
                let name = match pid == root {
                    true => found.name,
                    false => title(pid).unwrap_or(found.name),
                };
                let thread = Thread {
                    process: one.name.clone(),
                    id: found.id,
                    name,
                };
                threads.insert(thread, found.ticks);
            }
        }
    }
    threads
}

/// Servers of many processes name them by their command line: what stands before a user's name and address.
fn title(pid: u32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let words: Vec<&str> = line.split_whitespace().take(3).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let parent = |pid: u32| {
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parse(&line)?.parent))
    };
    pids.filter_map(parent).collect()
}

fn tree(parents: &BTreeMap<u32, u32>, root: u32) -> Vec<u32> {
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&pid) = tree.get(next) {
        let children = parents.iter().filter(|(_, parent)| **parent == pid);
        tree.extend(children.map(|(child, _)| *child));
        next += 1;
    }
    tree
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    id: u32,
    name: String,
    parent: u32,
    ticks: u64,
}

/// The name in parentheses may contain anything; the fields from the third on follow the last of them.
fn parse(line: &str) -> Option<Line> {
    let (id, rest) = line.split_once(" (")?;
    let (name, after) = rest.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // utime and stime: fields 14 and 15.
    let ticks = fields.get(11..13)?.iter().map(|field| field.parse::<u64>());
    Some(Line {
        id: id.parse().ok()?,
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        ticks: ticks.sum::<Result<u64, _>>().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194304 100 200 0 0 11 22 33 44 20 0 3 0 1000 0 0";
        let expected = Line {
            id: 42,
            name: "a) b (c".to_owned(),
            parent: 7,
            ticks: 33,
        };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse("no such thing"), None);
    }

    #[test]
    fn the_busiest_come_first_and_new_ones_count_from_nothing() {
        let thread = |id, name: &str| Thread {
            process: "kafka".to_owned(),
            id,
            name: name.to_owned(),
        };
        let first = BTreeMap::from([(thread(1, "io"), 100), (thread(2, "log"), 100)]);
        let last = BTreeMap::from([
            (thread(1, "io"), 300),
            (thread(2, "log"), 110),
            (thread(3, "new"), 50),
        ]);
        let found = busiest(&first, &last, 2.0, 2);
        let found: Vec<(&str, f64)> = found
            .iter()
            .map(|busy| (busy.thread.as_str(), busy.cores))
            .collect();
        assert_eq!(found, [("io", 1.0), ("new", 0.25)]);
    }

    #[test]
    fn descendants_belong_to_a_server() {
        let parents = BTreeMap::from([(11, 10), (12, 11), (13, 1)]);
        assert_eq!(tree(&parents, 10), [10, 11, 12]);
    }

    #[test]
    fn this_process_has_threads() {
        let this = Watched {
            name: "this".to_owned(),
            pid: Some(std::process::id()),
            children: false,
        };
        let busy = ThreadMeter::start(vec![this]).stop(100);
        assert!(!busy.is_empty() && busy.iter().all(|busy| busy.process == "this"));
    }
}
