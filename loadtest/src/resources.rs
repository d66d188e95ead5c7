//! What the servers use while a run is measured: processor time and memory, as `/proc` tells.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

/// Ticks a second in `/proc/PID/stat`, part of Linux's interface on every architecture.
const TICKS: u64 = 100;
/// Between two looks at the memory.
const EVERY: Duration = Duration::from_secs(1);
const MIB: f64 = 1_048_576.0;

/// A process to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// As the report calls it.
    pub name: String,
    /// Its process; none when it could not be found.
    pub pid: Option<u32>,
    /// Whether what it started counts as well. The servers of an own stack are children of the generator.
    pub children: bool,
}

/// What it used over the measured window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Usage {
    /// As the report calls it.
    pub name: String,
    /// Seconds of processor time; none when it was not found or has ended.
    pub cpu_seconds: Option<f64>,
    /// The same per second: 1 is one core busy all the time.
    pub cores: Option<f64>,
    /// Memory of its own (anonymous pages), the mean in MiB.
    pub memory_mean: Option<f64>,
    /// The most of it.
    pub memory_peak: Option<f64>,
}

/// Watches from `from` to `to`. A look costs some milliseconds of processor time.
pub async fn watch(processes: Vec<Watched>, from: Instant, to: Instant) -> Vec<Usage> {
    sleep_until(from).await;
    let processes = Arc::new(processes);
    let mut courses: Vec<Course> = processes.iter().map(|_| Course::default()).collect();
    let mut next = Instant::now();
    let begun = next;
    loop {
        let watched = Arc::clone(&processes);
        // Reading files: not on a thread that lets arrivals go.
        let seen = tokio::task::spawn_blocking(move || snapshot(&watched)).await;
        for (used, course) in seen.unwrap_or_default().into_iter().zip(&mut courses) {
            course.add(used);
        }
        if next >= to {
            break;
        }
        next = (next + EVERY).min(to);
        sleep_until(next).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let usages = processes.iter().zip(courses);
    usages
        .map(|(process, course)| course.usage(process.name.clone(), seconds))
        .collect()
}

/// What each of them has used so far and holds now; none of one that is not there. Reads files for some milliseconds of
/// processor time: in a task, call it by `spawn_blocking`.
#[must_use]
pub fn snapshot(processes: &[Watched]) -> Vec<Option<Used>> {
    let table = Table::read();
    let used = processes
        .iter()
        .map(|process| table.used(process.pid?, process.children));
    used.collect()
}

/// What was seen of one process.
#[derive(Debug, Default)]
struct Course {
    first: Option<u64>,
    last: Option<u64>,
    memory: Vec<u64>,
    gone: bool,
}

impl Course {
    fn add(&mut self, used: Option<Used>) {
        let Some(used) = used else {
            self.gone = true;
            return;
        };
        self.first.get_or_insert(used.ticks);
        self.last = Some(used.ticks);
        self.memory.push(used.memory);
    }

    fn usage(self, name: String, seconds: f64) -> Usage {
        // One that was restarted has begun to count anew: no number is better than a wrong one.
        let ticks = match (self.first, self.last) {
            (Some(first), Some(last)) if !self.gone => last.checked_sub(first),
            _ => None,
        };
        let cpu = ticks.map(|ticks| crate::summary::number(ticks) / crate::summary::number(TICKS));
        let mib = |bytes: u64| crate::summary::number(bytes) / MIB;
        let samples = u64::try_from(self.memory.len()).unwrap_or(0);
        let mean = (samples > 0).then(|| mib(self.memory.iter().sum::<u64>() / samples.max(1)));
        Usage {
            name,
            cpu_seconds: cpu,
            cores: cpu.map(|cpu| cpu / seconds.max(f64::MIN_POSITIVE)),
            memory_mean: mean,
            memory_peak: self.memory.iter().copied().max().map(mib),
        }
    }
}

/// What a process and its descendants have used up to one moment and hold at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Processor time since their start, in hundredths of a second.
    pub ticks: u64,
    /// Memory of their own (anonymous pages), in bytes.
    pub memory: u64,
    /// All resident memory, in bytes: their own, and once for all of them the files and the shared memory of the one that
    /// has most of it.
    pub resident: u64,
}

impl Used {
    /// Seconds of processor time since an earlier moment; none when a process was started anew in between.
    #[must_use]
    pub fn cpu_seconds_since(&self, earlier: &Self) -> Option<f64> {
        let ticks = self.ticks.checked_sub(earlier.ticks)?;
        Some(crate::summary::number(ticks) / crate::summary::number(TICKS))
    }
}

/// All processes at one moment.
#[derive(Debug, Default)]
struct Table(BTreeMap<u32, Stat>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Of the process, and of those of its children that have ended and been looked after.
    ticks: u64,
}

impl Table {
    fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten();
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Self(pids.filter_map(|pid| Some((pid, stat(pid)?))).collect())
    }

    fn used(&self, root: u32, children: bool) -> Option<Used> {
        self.0.get(&root)?;
        let mut tree = vec![root];
        let mut next = 0;
        while let Some(&pid) = tree.get(next).filter(|_| children) {
            let children = self.0.iter().filter(|(_, stat)| stat.parent == pid);
            tree.extend(children.map(|(child, _)| *child));
            next += 1;
        }
        let ticks = tree.iter().filter_map(|pid| self.0.get(pid));
        let pages: Vec<Pages> = tree.iter().filter_map(|pid| pages(*pid)).collect();
        let most = |part: fn(&Pages) -> u64| pages.iter().map(part).max().unwrap_or(0);
        let memory = pages.iter().map(|pages| pages.own).sum();
        Some(Used {
            ticks: ticks.map(|stat| stat.ticks).sum(),
            memory,
            resident: memory + most(|pages| pages.files) + most(|pages| pages.shared),
        })
    }
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in parentheses may contain anything; the other fields, from the third on, follow the last of them.
fn parse_stat(line: &str) -> Option<Stat> {
    let (_, after) = line.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    // utime, stime, cutime, cstime: fields 14 to 17.
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>());
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: ticks.sum::<Result<u64, _>>().ok()?,
    })
}

/// Resident memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pages {
    /// Anonymous: what the process has for itself.
    own: u64,
    files: u64,
    shared: u64,
}

fn pages(pid: u32) -> Option<Pages> {
    parse_pages(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn parse_pages(status: &str) -> Option<Pages> {
    let bytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1_024)
    };
    Some(Pages {
        own: bytes("RssAnon:")?,
        files: bytes("RssFile:")?,
        shared: bytes("RssShmem:")?,
    })
}

/// The process that listens on a port of this machine; none when it belongs to somebody else.
#[must_use]
pub fn listener(port: u16) -> Option<u32> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .collect();
    let entries = fs::read_dir("/proc").ok()?;
    let mut owners: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| holds(*pid, &sockets))
        .collect();
    // A server's children hold its socket too; they came later.
    owners.sort_unstable();
    owners.first().copied()
}

/// Names of the sockets that listen on the port, as links in `/proc/PID/fd` have them.
fn listening(table: &str, port: u16) -> Vec<String> {
    let rows = table.lines().skip(1).filter_map(|row| {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let local = fields.get(1)?.rsplit_once(':')?.1;
        let (state, inode) = (*fields.get(3)?, *fields.get(9)?);
        let matches = u16::from_str_radix(local, 16).ok()? == port && state == "0A";
        matches.then(|| format!("socket:[{inode}]"))
    });
    rows.collect()
}

fn holds(pid: u32, sockets: &[String]) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    open.flatten().any(|file| {
        let link = fs::read_link(file.path()).ok();
        let name = link.as_deref().and_then(Path::to_str);
        name.is_some_and(|name| sockets.iter().any(|socket| socket == name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_includes_children() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194304 100 200 0 0 11 22 33 44 20 0 3 0 1000 0 0";
        assert_eq!(
            parse_stat(line),
            Some(Stat {
                parent: 7,
                ticks: 110
            })
        );
        assert_eq!(parse_stat("no such thing"), None);
    }

    #[test]
    fn resident_memory_is_told_apart() {
        let status = "VmRSS:\t 60 kB\nRssAnon:\t 10 kB\nRssFile:\t 20 kB\nRssShmem:\t 30 kB\n";
        let pages = parse_pages(status).unwrap();
        assert_eq!(
            (pages.own, pages.files, pages.shared),
            (10_240, 20_480, 30_720)
        );
        assert_eq!(parse_pages("VmRSS:\t 60 kB\n"), None);
    }

    #[test]
    fn time_since_a_restart_is_no_number() {
        let used = |ticks| Used {
            ticks,
            memory: 0,
            resident: 0,
        };
        let seconds = used(250).cpu_seconds_since(&used(100));
        assert!((seconds.unwrap() - 1.5).abs() < 1e-9);
        assert_eq!(used(100).cpu_seconds_since(&used(250)), None);
    }

    #[test]
    fn a_tree_is_one_process() {
        let stat = |parent, ticks| Stat { parent, ticks };
        let table = Table(BTreeMap::from([
            (10, stat(1, 5)),
            (11, stat(10, 7)),
            (12, stat(11, 9)),
            (13, stat(1, 1_000)),
        ]));
        assert_eq!(table.used(10, true).map(|used| used.ticks), Some(21));
        assert_eq!(table.used(10, false).map(|used| used.ticks), Some(5));
        assert_eq!(table.used(99, true), None);
    }

    #[test]
    fn the_listener_of_a_port_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(listener(port), Some(std::process::id()));
        drop(socket);
        assert_eq!(listener(port), None);
    }

    #[tokio::test]
    async fn a_busy_process_is_seen_to_be_busy_and_one_that_is_not_there_has_no_numbers() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        let watched = [("busy", Some(child.id())), ("absent", None)];
        let watched = watched.map(|(name, pid)| Watched {
            name: name.to_owned(),
            pid,
            children: true,
        });
        let now = Instant::now();
        let usages = watch(watched.into(), now, now + Duration::from_secs(2)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(usages[0].cpu_seconds.unwrap() > 0.0, "{usages:?}");
        assert!(usages[0].memory_peak.unwrap() > 0.0, "{usages:?}");
        assert_eq!(usages[1].cpu_seconds, None);
        assert_eq!(usages[1].memory_peak, None);
    }
}
