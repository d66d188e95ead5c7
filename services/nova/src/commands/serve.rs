//! What every long-running process has: metrics, signals, the admin port, a bounded drain.

use anyhow::Context as _;
use nova_olap::Turns;
use nova_runtime::telemetry::{self, MetricsHandle};
use nova_runtime::{AdminConfig, AdminServer, Env, HealthCheck, Lifecycle, LifecycleConfig};

/// A process whose tasks are being added.
pub(crate) struct Process {
    pub(crate) lifecycle: Lifecycle,
    /// Those of all its clients of ClickHouse.
    pub(crate) turns: Turns,
    metrics: MetricsHandle,
}

impl Process {
    pub(crate) fn start() -> anyhow::Result<Self> {
        Ok(Self {
            metrics: telemetry::install_metrics()?,
            lifecycle: Lifecycle::with_signals()?,
            turns: Turns::default(),
        })
    }

    /// The metrics of this process, for a page that shows them.
    pub(crate) fn metrics(&self) -> MetricsHandle {
        self.metrics.clone()
    }

    /// Serves health and metrics beside the tasks until told to stop, or until one of them ends.
    pub(crate) async fn run(mut self, env: &Env, checks: Vec<HealthCheck>) -> anyhow::Result<()> {
        let addr = AdminConfig::from_env(env)?.addr;
        let admin = AdminServer::bind(addr, checks, self.metrics, self.lifecycle.shutdown())
            .await
            .with_context(|| format!("NOVA_ADMIN_ADDR: cannot listen on {addr}"))?;
        tracing::info!(addr = %admin.addr(), "health and metrics are served");
        self.lifecycle.spawn("admin server", admin.run());
        Ok(self
            .lifecycle
            .run(LifecycleConfig::from_env(env)?.drain)
            .await?)
    }
}
