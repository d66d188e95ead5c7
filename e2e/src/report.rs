//! What a run measured.

use std::io::Write as _;

/// Writes a line past the test harness's capture: what was measured belongs into every log.
pub fn say(line: &str) {
    let mut log = std::io::stderr().lock();
    writeln!(log, "{line}").unwrap();
}
