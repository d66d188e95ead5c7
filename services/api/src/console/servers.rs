//! The servers of the development stack: what they do, and a way to stop one for a while.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::Console;
use super::control::{self, ControlError, Fault, Report, ServerReport};
use crate::problem::{Kind, Problem};

/// This process: pausing it would take the console along.
const SELF: &str = "nova";

/// All servers, or that nobody here supervises any.
#[derive(Default, Serialize)]
pub(super) struct Servers {
    /// Whether servers can be paused from here.
    control: bool,
    servers: Vec<Server>,
    /// The connector, in words.
    pipeline: String,
}

#[derive(Serialize)]
struct Server {
    can_pause: bool,
    state: &'static str,
    name: String,
    address: String,
    memory: Option<u64>,
    trouble: Option<String>,
}

/// `GET servers`: always answers; a page that asks every other second must not fill the browser's console with errors.
pub(super) async fn list(State(console): State<Console>) -> Json<Servers> {
    let Some(socket) = &console.config.control else {
        return Json(Servers::default());
    };
    match control::report(socket).await {
        Ok(report) => Json(servers(report)),
        Err(error) => {
            tracing::debug!(%error, "no report of the servers");
            Json(Servers::default())
        }
    }
}

/// `POST servers/{server}/pause` and `/resume`.
pub(super) async fn fault(
    State(console): State<Console>,
    Path((server, fault)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let kind = match fault.as_str() {
        "pause" => Fault::Pause,
        "resume" => Fault::Resume,
        _ => return Err(Problem::new(Kind::NotFound)),
    };
    let socket = console.config.control.as_deref();
    let Some(socket) = socket.filter(|_| server != SELF) else {
        return Err(Problem::new(Kind::NotFound).with_detail("This server cannot be paused here."));
    };
    match control::fault(socket, kind, &server).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(ControlError::Refused(trouble)) => {
            Err(Problem::new(Kind::Refused).with_detail(trouble))
        }
        Err(error) => Err(Problem::unavailable(error)),
    }
}

fn servers(report: Report) -> Servers {
    Servers {
        control: true,
        servers: report.servers.into_iter().map(server).collect(),
        pipeline: report.pipeline,
    }
}

fn server(report: ServerReport) -> Server {
    Server {
        can_pause: report.name != SELF && report.pid.is_some(),
        state: match &report {
            ServerReport { pid: None, .. } => "down",
            ServerReport { paused: true, .. } => "paused",
            ServerReport {
                trouble: Some(_), ..
            } => "silent",
            _ => "up",
        },
        name: report.name,
        address: report.address,
        memory: report.memory,
        trouble: report.trouble,
    }
}
