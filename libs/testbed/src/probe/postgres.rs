//! The start of a connection: a server that asks for a password would let one in.

use tokio::io::AsyncWriteExt as _;

use super::{authority, open, read_exactly};

pub(super) async fn ready(url: &str) -> Result<(), String> {
    let mut stream = open(&authority(url)?).await?;
    let url = url::Url::parse(url).map_err(|error| error.to_string())?;
    let mut body = vec![0, 3, 0, 0]; // protocol 3.0
    for text in [
        "user",
        url.username(),
        "database",
        url.path().trim_start_matches('/'),
    ] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).map_err(|error| error.to_string())?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(&body);
    stream
        .write_all(&message)
        .await
        .map_err(|error| error.to_string())?;

    let kind = read_exactly(&mut stream, 1).await?[0];
    if kind == b'R' {
        return Ok(());
    }
    // An error: fields of a letter and a text each; M is the message.
    let size = read_exactly(&mut stream, 4).await?;
    let size = u32::from_be_bytes([size[0], size[1], size[2], size[3]]).min(4096) as usize;
    let fields = read_exactly(&mut stream, size.saturating_sub(4)).await?;
    let message = fields
        .split(|byte| *byte == 0)
        .find_map(|field| field.strip_prefix(b"M"))
        .unwrap_or(b"an answer that is not understood");
    Err(String::from_utf8_lossy(message).into_owned())
}
