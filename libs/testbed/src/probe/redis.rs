//! `PING`; a server that still loads its data answers with an error.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{authority, open};

pub(super) async fn ready(url: &str) -> Result<(), String> {
    let mut stream = open(&authority(url)?).await?;
    stream
        .write_all(b"PING\r\n")
        .await
        .map_err(|error| error.to_string())?;
    let mut answer = [0; 128];
    let count = stream
        .read(&mut answer)
        .await
        .map_err(|error| error.to_string())?;
    match &answer[..count] {
        b"+PONG\r\n" => Ok(()),
        other => Err(String::from_utf8_lossy(other).trim_end().to_owned()),
    }
}
