//! The `Server-Timing` header of an answer.

use std::time::Duration;

/// The durations of a header such as `cache;dur=0.4, source_follow;dur=12.3`, by name, in the order of the header.
///
/// A metric without a duration, or with one that is no number of milliseconds, is left out: the header is there for
/// people, and a load test does not fail for what it cannot read of it.
pub fn durations(header: &str) -> impl Iterator<Item = (&str, Duration)> {
    header.split(',').filter_map(|metric| {
        let mut parts = metric.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let text = parts.find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim().eq_ignore_ascii_case("dur").then_some(value)
        })?;
        let ms: f64 = text.trim().trim_matches('"').parse().ok()?;
        let took = Duration::try_from_secs_f64(ms / 1_000.0).ok()?;
        Some((name, took))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Vec<(&str, u128)> {
        durations(header)
            .map(|(name, took)| (name, took.as_micros()))
            .collect()
    }

    #[test]
    fn the_header_of_a_ranked_feed() {
        let header = "cache;dur=8.0, clickhouse;dur=12.3, source_follow;dur=1.0, source_trending;dur=0.5, total;dur=20.0";
        assert_eq!(
            read(header),
            [
                ("cache", 8_000),
                ("clickhouse", 12_300),
                ("source_follow", 1_000),
                ("source_trending", 500),
                ("total", 20_000)
            ]
        );
    }

    #[test]
    fn other_forms_the_standard_allows() {
        assert_eq!(
            read("a;desc=\"x\";DUR=1, b ; dur = \"2.5\""),
            [("a", 1_000), ("b", 2_500)]
        );
    }

    #[test]
    fn what_has_no_duration_is_left_out() {
        assert_eq!(read(""), []);
        assert_eq!(
            read("miss, a;dur=x, b;dur=-1, c;dur=NaN, ;dur=1, d;desc=2"),
            []
        );
    }
}
