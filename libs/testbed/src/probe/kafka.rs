//! A Metadata request: the answer lists the brokers that are registered and unfenced.
//! An open port is not enough, it opens before the broker may serve.

use tokio::io::AsyncWriteExt as _;

use super::{authority, open, read_exactly};

/// Metadata (key 3), version 5: no topics asked for, none to be created.
const METADATA: [u8; 22] = [
    0, 0, 0, 18, // length of what follows
    0, 3, // key
    0, 5, // version
    0, 0, 0, 7, // correlation id
    0, 3, b't', b'b', b'd', // client id
    0, 0, 0, 0, // topics: none
    0, // may create topics: no
];

pub(super) async fn ready(address: &str) -> Result<(), String> {
    let first = address.split(',').next().unwrap_or_default();
    let mut stream = open(&authority(&format!("kafka://{first}"))?).await?;
    stream
        .write_all(&METADATA)
        .await
        .map_err(|error| error.to_string())?;
    // Length, correlation id, throttle time, number of brokers.
    let head = read_exactly(&mut stream, 16).await?;
    match head[12..16] {
        [0, 0, 0, 0] => Err("the broker answers but is not registered yet".to_owned()),
        _ => Ok(()),
    }
}
