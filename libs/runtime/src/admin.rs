//! Health and metrics, on a port of their own: never reachable through the API's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use crate::health::{HealthCheck, HealthReport};
use crate::lifecycle::Shutdown;
use crate::telemetry::MetricsHandle;

/// How often old samples are dropped from histograms, so that they do not pile up while nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Admin {
    checks: Arc<[HealthCheck]>,
    metrics: MetricsHandle,
    shutdown: Shutdown,
}

/// `GET /health/live` (the process runs), `/health/ready` (it can serve; 503 when not, or when stopping), `/metrics`.
#[derive(Debug)]
pub struct AdminServer {
    listener: TcpListener,
    addr: SocketAddr,
    router: Router,
    metrics: MetricsHandle,
    shutdown: Shutdown,
}

impl AdminServer {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        addr: SocketAddr,
        checks: Vec<HealthCheck>,
        metrics: MetricsHandle,
        shutdown: Shutdown,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let router = router(Admin {
            checks: checks.into(),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        });
        Ok(Self {
            listener,
            addr,
            router,
            metrics,
            shutdown,
        })
    }

    /// The address that was bound.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until the signal to stop.
    ///
    /// # Errors
    /// When accepting connections fails.
    pub async fn run(self) -> std::io::Result<()> {
        let Self {
            listener,
            router,
            metrics,
            shutdown,
            ..
        } = self;
        let upkeep = async {
            let mut every = tokio::time::interval(UPKEEP);
            loop {
                every.tick().await;
                metrics.run_upkeep();
            }
        };
        let serve = axum::serve(listener, router)
            .with_graceful_shutdown(async move { shutdown.requested().await });
        tokio::select! {
            served = serve => served,
            () = upkeep => Ok(()),
        }
    }
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let mut report = HealthReport::ask(&admin.checks).await;
    // A balancer should send no more requests to a process that is draining.
    report.ready &= !admin.shutdown.is_requested();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report))
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    (
        [(header::CONTENT_TYPE, content_type)],
        admin.metrics.render(),
    )
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tower::ServiceExt as _;

    use super::*;

    fn admin(checks: Vec<HealthCheck>) -> Admin {
        Admin {
            checks: checks.into(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            shutdown: Shutdown::new(),
        }
    }

    async fn get(admin: &Admin, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router(admin.clone()).oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn live_and_ready_differ() {
        let down = HealthCheck::required("postgres", Duration::from_secs(1), || async {
            Err("refused".to_owned())
        });
        let admin = admin(vec![down]);
        assert_eq!(get(&admin, "/health/live").await.0, StatusCode::OK);
        let (status, body) = get(&admin, "/health/ready").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["checks"][0]["name"], "postgres");
        assert_eq!(body["checks"][0]["error"], "refused");
    }

    #[tokio::test]
    async fn a_stopping_process_is_not_ready() {
        let admin = admin(Vec::new());
        assert_eq!(get(&admin, "/health/ready").await.0, StatusCode::OK);
        admin.shutdown.request();
        assert_eq!(
            get(&admin, "/health/ready").await.0,
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(get(&admin, "/health/live").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn it_serves_on_a_free_port_until_told() {
        let shutdown = Shutdown::new();
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = AdminServer::bind(any, Vec::new(), metrics, shutdown.clone())
            .await
            .unwrap();
        assert_ne!(server.addr().port(), 0);
        let addr = server.addr();
        let running = tokio::spawn(server.run());
        tokio::net::TcpStream::connect(addr).await.unwrap();
        shutdown.request();
        tokio::time::timeout(Duration::from_secs(5), running)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}
