//! The background process that owns the stack: it starts it, answers the commands, and stops it.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use nova_testbed::{Stack, StackError};
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    sync::{Notify, RwLock, watch},
};
use tokio_util::task::TaskTracker;

use crate::{
    console,
    control::{Channel, FaultKind, Outcome, Phase, Report, Request, State},
    desk,
    place::Place,
    up::UpArgs,
};

/// How long an answer that is under way may still take when the stack has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

struct Supervisor {
    stack: RwLock<Option<Stack>>,
    state: watch::Sender<State>,
    stop: Notify,
    /// The connections being answered.
    answers: TaskTracker,
}

pub(crate) async fn supervise(place: &Place, arguments: &UpArgs) -> anyhow::Result<ExitCode> {
    // A session of its own: closing the terminal must not end the stack. It fails only for one that leads one already.
    let _ = nix::unistd::setsid();
    let Some(_lock) = place.lock()? else {
        bail!("another supervisor runs in {}", place.root().display());
    };
    place.forget_stack();
    place
        .remove_run()
        .context("removing what the last stack left")?;
    let listener = UnixListener::bind(place.socket())
        .with_context(|| format!("listening on {}", place.socket().display()))?;
    let (state, _) = watch::channel(State {
        phase: Phase::Starting,
        ready: Vec::new(),
        seconds: 0.0,
        endpoints: None,
    });
    let supervisor = Arc::new(Supervisor {
        stack: RwLock::new(None),
        state,
        stop: Notify::new(),
        answers: TaskTracker::new(),
    });
    let listening = tokio::spawn(answer_all(listener, Arc::clone(&supervisor)));

    let mut terminate = signal(SignalKind::terminate())?;
    let asked_to_stop = async {
        tokio::select! {
            () = supervisor.stop.notified() => {}
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    tokio::pin!(asked_to_stop);

    let mut code = ExitCode::SUCCESS;
    tokio::select! {
        // Dropping the start takes everything down that was up.
        () = &mut asked_to_stop => {}
        started = start(place, arguments, &supervisor) => match started {
            Ok(()) => asked_to_stop.await,
            Err(error) => {
                eprintln!("{error}");
                supervisor.phase(Phase::Failed(error.to_string()));
                code = ExitCode::FAILURE;
            }
        }
    }
    if code == ExitCode::SUCCESS {
        supervisor.phase(Phase::Stopping);
        let stack = supervisor.stack.write().await.take();
        if let Some(stack) = stack {
            stack.stop().await;
        }
        supervisor.phase(Phase::Stopped);
    }
    place.forget_stack();
    listening.abort();
    supervisor.answers.close();
    // They end by themselves after the last state.
    let _ = tokio::time::timeout(LAST_ANSWERS, supervisor.answers.wait()).await;
    Ok(code)
}

async fn start(
    place: &Place,
    arguments: &UpArgs,
    supervisor: &Arc<Supervisor>,
) -> Result<(), StackError> {
    let telling = Arc::clone(supervisor);
    let with_console = console::add(Stack::builder(), place)
        .map_err(|error| trouble("finding the directory of the stack", error))?;
    let stack = with_console
        .run_dir(place.run())
        .port_seed(place.port_seed())
        .nova(!arguments.no_nova)
        .durable(true)
        .keep_failed(true)
        .told(move |server, took| {
            telling.state.send_modify(|state| {
                state
                    .ready
                    .push((server.name().to_owned(), took.as_secs_f64()));
            });
        })
        .start()
        .await?;
    let endpoints = stack.endpoints().clone();
    if let Err(error) = endpoints.save(&place.endpoints()) {
        let doing = format!("writing {}", place.endpoints().display());
        return Err(trouble(&doing, error));
    }
    let seconds = stack.ready_after().as_secs_f64();
    *supervisor.stack.write().await = Some(stack);
    supervisor.state.send_modify(|state| {
        state.phase = Phase::Ready;
        state.seconds = seconds;
        state.endpoints = Some(endpoints);
    });
    Ok(())
}

fn trouble(doing: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StackError {
    StackError::Io {
        doing: doing.to_owned(),
        source: std::io::Error::other(error),
    }
}

async fn answer_all(listener: UnixListener, supervisor: Arc<Supervisor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let supervised = Arc::clone(&supervisor);
        supervisor.answers.spawn(async move {
            let mut channel = Channel::new(stream);
            if let Err(error) = supervised.answer(&mut channel).await {
                // Usually a client that has gone.
                eprintln!("answering a command: {error:#}");
            }
        });
    }
}

impl Supervisor {
    fn phase(&self, phase: Phase) {
        self.state.send_modify(|state| state.phase = phase);
    }

    async fn answer(&self, channel: &mut Channel) -> anyhow::Result<()> {
        match channel.expect::<Request>().await? {
            Request::Follow => {
                self.follow(channel, |phase| {
                    matches!(phase, Phase::Ready | Phase::Failed(_) | Phase::Stopped)
                })
                .await
            }
            Request::Stop => {
                self.stop.notify_one();
                self.follow(channel, |phase| {
                    matches!(phase, Phase::Failed(_) | Phase::Stopped)
                })
                .await
            }
            Request::Status => {
                let report = self.report().await;
                channel.send(&report).await
            }
            Request::Fault { kind, server } => {
                let done = self.fault(kind, &server).await;
                channel.send(&Outcome::of(done)).await
            }
        }
    }

    /// Sends each state until the last.
    async fn follow(
        &self,
        channel: &mut Channel,
        is_last: impl Fn(&Phase) -> bool,
    ) -> anyhow::Result<()> {
        let mut states = self.state.subscribe();
        loop {
            let state = states.borrow_and_update().clone();
            channel.send(&state).await?;
            if is_last(&state.phase) {
                return Ok(());
            }
            states.changed().await?;
        }
    }

    async fn report(&self) -> Report {
        let phase = self.state.borrow().phase.clone();
        let guard = self.stack.read().await;
        let Some(stack) = guard.as_ref() else {
            return Report {
                phase,
                servers: Vec::new(),
                pipeline: String::new(),
            };
        };
        desk::report(stack, phase).await
    }

    async fn fault(&self, kind: FaultKind, server: &str) -> anyhow::Result<()> {
        let guard = self.stack.read().await;
        let Some(stack) = guard.as_ref() else {
            bail!("the stack is not ready");
        };
        desk::fault(stack, kind, server).await
    }
}
