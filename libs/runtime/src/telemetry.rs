//! Logs to stderr, metrics for Prometheus.

use std::io::IsTerminal as _;

pub use metrics_exporter_prometheus::PrometheusHandle as MetricsHandle;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::config::{LogConfig, LogFormat};

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `NOVA_LOG` is no filter.
    #[error("NOVA_LOG: {0}")]
    Filter(#[from] ParseError),
    /// Logging was set up before.
    #[error("logging is set up already")]
    Logging(#[from] TryInitError),
    /// The recorder of metrics was refused.
    #[error("metrics: {0}")]
    Metrics(#[from] BuildError),
}

/// Upper bounds of every histogram in seconds: dense where the service levels are (5 ms to 800 ms).
const SECONDS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.3, 0.5, 0.8, 1.5, 5.0, 10.0,
];

/// Sends logs to stderr: stdout belongs to what a command prints.
///
/// # Errors
/// When the filter cannot be read, or logging was set up before.
pub fn init_logging(config: &LogConfig) -> Result<(), TelemetryError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.filter)?)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => builder.finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Installs the recorder behind the `metrics` macros, once a process.
///
/// # Errors
/// When a recorder is installed already.
pub fn install_metrics() -> Result<MetricsHandle, TelemetryError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    Ok(builder.install_recorder()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_histograms_with_buckets() {
        let metrics = install_metrics().unwrap();
        metrics::histogram!("nova_test_wait_seconds").record(0.004);
        metrics::counter!("nova_test_things_total").increment(2);
        let text = metrics.render();
        assert!(
            text.contains(r#"nova_test_wait_seconds_bucket{le="0.005"} 1"#),
            "{text}"
        );
        assert!(
            text.contains(r#"nova_test_wait_seconds_bucket{le="0.0025"} 0"#),
            "{text}"
        );
        assert!(text.contains("nova_test_things_total 2"), "{text}");
        assert!(install_metrics().is_err(), "one recorder a process");
    }

    #[test]
    fn a_bad_filter_is_named() {
        let config = LogConfig {
            filter: "nova=loud=er".to_owned(),
            format: LogFormat::Text,
        };
        let error = init_logging(&config).unwrap_err();
        assert!(error.to_string().starts_with("NOVA_LOG: "), "{error}");
    }
}
