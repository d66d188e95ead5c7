//! What the server says of its memory.

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use redis::cmd;

use super::calculation::Allocator;

/// At one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// Bytes that it has allocated for everything.
    pub(super) used: u64,
    /// Keys that it dropped since its start for lack of memory.
    pub(super) evicted: u64,
    pub(super) allocator: Allocator,
}

pub(super) async fn read(redis: &mut MultiplexedConnection) -> anyhow::Result<Memory> {
    let memory: String = cmd("INFO").arg("memory").query_async(redis).await?;
    let stats: String = cmd("INFO").arg("stats").query_async(redis).await?;
    parse(&memory, &stats).context("INFO without the memory used, its allocator or evicted keys")
}

fn parse(memory: &str, stats: &str) -> Option<Memory> {
    Some(Memory {
        used: field(memory, "used_memory")?.parse().ok()?,
        evicted: field(stats, "evicted_keys")?.parse().ok()?,
        allocator: Allocator::named(field(memory, "mem_allocator")?),
    })
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_whole_name() {
        let memory =
            "# Memory\r\nused_memory_rss:9\r\nused_memory:7\r\nmem_allocator:jemalloc-5.3.0\r\n";
        let expected = Memory {
            used: 7,
            evicted: 0,
            allocator: Allocator::Jemalloc,
        };
        assert_eq!(parse(memory, "evicted_keys:0\r\n"), Some(expected));
        assert_eq!(parse(memory, "# Stats\r\n"), None);
    }
}
