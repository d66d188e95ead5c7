//! Connections to Redis, made as Nova makes its own (`libs/cache/src/link.rs`).

use std::time::Duration;

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo as _, Pipeline, Value};

const CONNECTS: Duration = Duration::from_millis(500);
/// As many requests wait for the socket as in Nova.
const BUFFERED: usize = 256;
/// Nova waits for 200 ms; here a late answer is an answer, and its latency is in the report.
const ANSWERS: Duration = Duration::from_secs(5);

/// One connection that many requests share.
pub(crate) async fn connect(url: &str) -> anyhow::Result<MultiplexedConnection> {
    let info = url.into_connection_info().context("the address of Redis")?;
    let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTS))
        .set_response_timeout(Some(ANSWERS))
        .set_pipeline_buffer_size(BUFFERED);
    Client::open(info)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .context("connecting to Redis")
}

/// Sends a pipeline and waits for as many answers.
pub(crate) async fn ask(
    redis: &mut MultiplexedConnection,
    commands: &Pipeline,
) -> redis::RedisResult<Vec<Value>> {
    redis
        .send_packed_commands(commands, 0, commands.len())
        .await
}
