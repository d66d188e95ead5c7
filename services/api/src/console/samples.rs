//! The metrics of this process, read back from the text that Prometheus gets.

use std::collections::BTreeMap;

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
struct Sample<'t> {
    name: &'t str,
    labels: &'t str,
    value: f64,
}

/// All of them, as of one moment.
#[derive(Debug, Default)]
pub(super) struct Samples<'t>(Vec<Sample<'t>>);

impl<'t> Samples<'t> {
    /// Reads the text; lines that are no samples are passed over.
    pub(super) fn read(text: &'t str) -> Self {
        Self(text.lines().filter_map(sample).collect())
    }

    /// The sum over all labels; none when there is no such metric yet.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        let values = self.0.iter().filter(|sample| sample.name == name);
        values.map(|sample| sample.value).reduce(|a, b| a + b)
    }

    /// The sums for each value of a label.
    pub(super) fn by(&self, name: &str, label: &str) -> BTreeMap<&'t str, f64> {
        let mut sums = BTreeMap::new();
        for sample in self.0.iter().filter(|sample| sample.name == name) {
            if let Some(value) = label_of(sample.labels, label) {
                *sums.entry(value).or_insert(0.0) += sample.value;
            }
        }
        sums
    }
}

/// `name{label="value",…} 1.5`, labels left as they are.
fn sample(line: &str) -> Option<Sample<'_>> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (series, ""),
    };
    Some(Sample {
        name,
        labels,
        value: value.parse().ok()?,
    })
}

/// Nova's label values are words of its own: no quotes in them.
fn label_of<'t>(labels: &'t str, wanted: &str) -> Option<&'t str> {
    labels.split("\",").find_map(|label| {
        let (name, value) = label.split_once("=\"")?;
        (name == wanted).then(|| value.trim_end_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP nova_feed_requests_total Feeds
# TYPE nova_feed_requests_total counter
nova_feed_requests_total{outcome="ranked",from="a,b"} 7
nova_feed_requests_total{outcome="degraded",from="a,b"} 2
nova_feed_requests_total{from="c",outcome="degraded"} 1

nova_api_connections 3
broken{x="1"
"#;

    #[test]
    fn sums_and_labels_are_found() {
        let samples = Samples::read(TEXT);
        assert_eq!(samples.sum("nova_feed_requests_total"), Some(10.0));
        assert_eq!(samples.sum("nova_api_connections"), Some(3.0));
        assert_eq!(samples.sum("nova_nothing"), None);
        let by = samples.by("nova_feed_requests_total", "outcome");
        assert_eq!(by, BTreeMap::from([("ranked", 7.0), ("degraded", 3.0)]));
        let by = samples.by("nova_feed_requests_total", "from");
        assert_eq!(by.get("a,b"), Some(&9.0));
    }
}
