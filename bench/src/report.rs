//! What all reports share: percentiles, medians, tables, files.

use std::path::Path;

use anyhow::Context as _;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use hdrhistogram::Histogram;
use nova_loadtest::summary::number;
use serde::Serialize;

/// Latencies in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many there were.
    pub count: u64,
    /// The median.
    pub p50: f64,
    /// 95 % are at most this.
    pub p95: f64,
    /// 99 % are at most this.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Percentiles {
    /// Of latencies in microseconds; none of nothing.
    #[must_use]
    pub fn of(latency: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| number(latency.value_at_quantile(quantile)) / 1_000.0;
        (!latency.is_empty()).then(|| Self {
            count: latency.len(),
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            max: number(latency.max()) / 1_000.0,
        })
    }
}

/// The middle one, or the mean of the two in the middle; none of nothing. A value that is no number counts as the
/// greatest.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted.get(middle.checked_sub(1)?)?;
    Some(f64::midpoint(*lower, upper))
}

/// A table with a head; numbers go to the right, which is every column but the first.
#[must_use]
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table
        .load_preset(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head);
    for row in rows {
        let cells = row.iter().enumerate().map(|(place, text)| {
            let cell = Cell::new(text);
            match place {
                0 => cell,
                _ => cell.set_alignment(CellAlignment::Right),
            }
        });
        table.add_row(cells);
    }
    table.to_string()
}

/// A number with so many digits after the point; a dash for none.
#[must_use]
pub fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// Writes a file of JSON; the directory is made.
///
/// # Errors
/// When it cannot be written; the error names it.
pub fn save_json<T: Serialize>(directory: &Path, name: &str, value: &T) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(value)? + "\n";
    save(directory, name, json.as_bytes())
}

/// Writes a file of CSV, its head from the names of the fields; the directory is made.
///
/// # Errors
/// When a row has no such form (fields within fields), or the file cannot be written; the error names it.
pub fn save_csv<T: Serialize>(directory: &Path, name: &str, rows: &[T]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).with_context(|| name.to_owned())?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    save(directory, name, &bytes)
}

/// Writes any file; the directory is made.
///
/// # Errors
/// When it cannot be written; the error names it.
pub fn save(directory: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("creating {}", directory.display()))?;
    let path = directory.join(name);
    std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
        assert_eq!(Percentiles::of(&latency), None);
        for ms in 1..=100_u64 {
            latency.record(ms * 1_000).unwrap();
        }
        let row = Percentiles::of(&latency).unwrap();
        let near = |value: f64, expected: f64| (value - expected).abs() < 0.1;
        assert!(
            near(row.p50, 50.0) && near(row.p95, 95.0) && near(row.p99, 99.0),
            "{row:?}"
        );
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[9.0, 1.0, 5.0, 7.0]), Some(6.0));
    }

    #[test]
    fn files_are_written_where_no_directory_was() {
        #[derive(Serialize)]
        struct Row {
            users: u32,
            bytes: f64,
        }
        let directory = std::env::temp_dir().join(format!("nova-bench-{}", std::process::id()));
        let rows = [Row {
            users: 1,
            bytes: 2.5,
        }];
        save_csv(&directory, "rows.csv", &rows).unwrap();
        save_json(&directory, "rows.json", &rows.len()).unwrap();
        let csv = std::fs::read_to_string(directory.join("rows.csv")).unwrap();
        assert_eq!(csv, "users,bytes\n1,2.5\n");
        assert_eq!(
            std::fs::read_to_string(directory.join("rows.json")).unwrap(),
            "1\n"
        );
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_table_has_its_numbers_to_the_right() {
        let rows = [
            ["one".to_owned(), shown(Some(1.25), 1)],
            ["two".to_owned(), shown(None, 1)],
        ];
        insta::assert_snapshot!(table(["", "number"], &rows), @"
        ┌─────┬────────┐
        │     ┆ number │
        ╞═════╪════════╡
        │ one ┆    1.2 │
        │ two ┆      – │
        └─────┴────────┘
        ");
    }
}
