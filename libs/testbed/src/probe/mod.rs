//! Is a server ready? Each probe asks in the server's own protocol, and says what is missing when it is not.
//!
//! They are written by hand, a few bytes each, so that this crate needs no client of any server.

mod http;
mod kafka;
mod postgres;
mod redis;

use std::time::Duration;

use crate::Endpoints;
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

use crate::Server;

/// One answer must not take longer than this: a paused server accepts connections and stays silent.
const ANSWER: Duration = Duration::from_secs(2);

/// Asks `server` at its address once.
///
/// # Errors
/// What is missing, in words.
pub async fn probe(server: Server, endpoints: &Endpoints) -> Result<(), String> {
    let answer = async {
        match server {
            Server::Postgres => postgres::ready(endpoints.postgres.as_ref()).await,
            Server::Kafka => kafka::ready(endpoints.kafka.as_ref()).await,
            Server::Connect => http::connect_ready(endpoints.connect.as_ref()).await,
            Server::ClickHouse => http::clickhouse_ready(endpoints.clickhouse.as_ref()).await,
            Server::Redis => redis::ready(endpoints.redis.as_ref()).await,
            Server::Nova => http::nova_ready(endpoints.admin.as_ref()).await,
        }
    };
    timeout(ANSWER, answer)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {ANSWER:?}")))
}

/// Host and port of a URL such as `redis://127.0.0.1:6379`.
fn authority(url: &str) -> Result<(String, u16), String> {
    let url = url::Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => Ok((host.to_owned(), port)),
        _ => Err(format!("{url} names no host and port")),
    }
}

async fn open(address: &(String, u16)) -> Result<TcpStream, String> {
    TcpStream::connect((address.0.as_str(), address.1))
        .await
        .map_err(|error| format!("connecting to {}:{}: {error}", address.0, address.1))
}

async fn read_exactly(stream: &mut TcpStream, count: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; count];
    stream
        .read_exact(&mut bytes)
        .await
        .map_err(|error| format!("reading the answer: {error}"))?;
    Ok(bytes)
}
