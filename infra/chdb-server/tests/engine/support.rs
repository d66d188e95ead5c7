//! One server per test: a child process with its own data directory, gone when the test ends.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clickhouse::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

pub(crate) const USER: &str = "nova";
pub(crate) const PASSWORD: &str = "p:w é";
/// How long anything may take that is expected to happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Where the engine is: `NOVA_CHDB_LIB`, else what the provisioning keeps (and fetches when missing).
pub(crate) fn library() -> PathBuf {
    match std::env::var_os("NOVA_CHDB_LIB") {
        Some(path) => path.into(),
        None => {
            let cache = nova_dist::Cache::from_env().unwrap();
            nova_dist::ensure(&cache, &nova_dist::Silent)
                .unwrap()
                .libchdb
        }
    }
}

/// The command that starts a server on `data`.
pub(crate) fn command(data: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-chdb-server"));
    command
        .arg("--path")
        .arg(data)
        .args(flags)
        .env("NOVA_CHDB_LIB", library())
        .env("NOVA_CHDB_USER", USER)
        .env("NOVA_CHDB_PASSWORD", PASSWORD)
        .env_remove("NOVA_LOG")
        .stdin(Stdio::null());
    command
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    _directory: Option<TempDir>,
}

impl Server {
    /// A server on a new directory.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Self::start_in(directory.path(), flags);
        server._directory = Some(directory);
        server
    }

    /// A server on a directory that outlives it.
    pub(crate) fn start_in(directory: &Path, flags: &[&str]) -> Self {
        let log = directory.join("server.log");
        let mut child = command(&directory.join("data"), flags)
            .stdout(Stdio::piped())
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || sender.send(stdout.lines().next()));
        let line = receiver.recv_timeout(DEADLINE);
        let Ok(Some(Ok(line))) = line else {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("the server does not start: {line:?}\n{log}");
        };
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self {
            child,
            url,
            http: reqwest::Client::builder()
                .timeout(DEADLINE)
                .build()
                .unwrap(),
            _directory: None,
        }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// A request with the right credentials; `query` is the URL's.
    pub(crate) fn request(&self, query: &str) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/?{query}", self.url))
            .header("x-clickhouse-user", USER)
            .header("x-clickhouse-key", PASSWORD.as_bytes())
    }

    /// Sends `body` and reads the answer whatever it is.
    pub(crate) async fn send(&self, query: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::read(self.request(query).body(body)).await
    }

    /// Runs a statement that must succeed; its text without the last line break.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let answer = self.send("", sql.to_owned()).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.text().trim_end_matches('\n').to_owned()
    }

    /// The clickhouse crate, set up as Nova does.
    pub(crate) fn client(&self) -> Client {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http =
            hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
        Client::with_http_client(http)
            .with_url(&self.url)
            .with_user(USER)
            .with_password(PASSWORD)
    }

    /// How many statements run that contain `text`, this one aside.
    pub(crate) async fn running(&self, text: &str) -> usize {
        let (head, tail) = text.split_at(1);
        let sql = format!(
            "SELECT count() FROM system.processes WHERE position(query, concat('{head}', '{tail}')) > 0"
        );
        self.ask(&sql).await.parse().unwrap()
    }

    /// Waits until `count` statements run that contain `text`.
    pub(crate) async fn until_running(&self, text: &str, count: usize) {
        eventually(&format!("{count} statements with {text:?}"), async || {
            let running = self.running(text).await;
            if running == count {
                Ok(())
            } else {
                Err(running)
            }
        })
        .await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Waits for the process to end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the end of the server", async || {
            status = self.child.try_wait().unwrap();
            status.map(|_| ()).ok_or("it runs")
        })
        .await;
        status.unwrap()
    }

    /// Stops it as an operator would.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until `probe` is content; fails with what it said last.
pub(crate) async fn eventually<T, E: std::fmt::Debug>(
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(POLL);
    loop {
        ticks.tick().await;
        match probe().await {
            Ok(value) => return value,
            Err(state) => assert!(began.elapsed() < DEADLINE, "{what}: {state:?}"),
        }
    }
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|it| it.to_str().unwrap())
    }

    /// Asserts an error as ClickHouse shows it: status, code in the header, code and name in the text.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: u32, name: &str) {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        let header = self.header("x-clickhouse-exception-code");
        assert_eq!(header, Some(code.to_string().as_str()), "{text}");
        assert!(
            text.starts_with(&format!("Code: {code}. DB::Exception: ")),
            "{text}"
        );
        assert!(text.contains(&format!("({name})")), "{text}");
        assert_eq!(text.matches("(version ").count(), 1, "{text}");
        assert!(!text.contains("/* nova-chdb-server"), "{text}");
    }
}
