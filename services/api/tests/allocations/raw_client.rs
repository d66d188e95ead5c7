//! A client on a connection of its own that asks for the same again and again, and for no memory meanwhile.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer.
const ROOM: usize = 1 << 18;
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct RawClient {
    stream: TcpStream,
    request: String,
    answer: Vec<u8>,
    length: usize,
}

impl RawClient {
    pub(crate) fn new(address: SocketAddr, path: &str, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self {
            stream,
            request: format!(
                "GET {path} HTTP/1.1\r\nHost: nova\r\nAuthorization: Bearer {token}\r\n\r\n"
            ),
            answer: vec![0; ROOM],
            length: 0,
        })
    }

    /// Sends the request and takes the whole answer.
    pub(crate) fn ask(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(self.request.as_bytes())?;
        self.length = 0;
        while !self.is_whole() {
            let more = self.stream.read(&mut self.answer[self.length..])?;
            anyhow::ensure!(more > 0, "the connection was closed");
            self.length += more;
        }
        Ok(())
    }

    /// Whether the answer came from a ranking that was kept.
    pub(crate) fn was_hit(&self) -> bool {
        self.answer().starts_with("HTTP/1.1 200 ")
            && self.answer().contains("\r\nx-nova-cache: hit\r\n")
    }

    /// The last answer.
    pub(crate) fn answer(&self) -> &str {
        std::str::from_utf8(&self.answer[..self.length]).unwrap_or("not UTF-8")
    }

    fn is_whole(&self) -> bool {
        let Some((head, body)) = self.answer().split_once("\r\n\r\n") else {
            return false;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.parse().ok());
        length.is_some_and(|length: usize| body.len() >= length)
    }
}
