//! A proxy that counts how often the conversation turns: a round trip on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Default)]
struct Conversation {
    client_spoke_last: AtomicBool,
    questions: AtomicU64,
    answers: AtomicU64,
}

/// Between a cache and its server; ends when dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    conversation: Arc<Conversation>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens in front of the server at `url`.
    pub(crate) async fn start(url: &str) -> anyhow::Result<Self> {
        let url = url::Url::parse(url)?;
        let server = format!(
            "{}:{}",
            url.host_str().unwrap_or("127.0.0.1"),
            url.port().unwrap_or(6379)
        );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("redis://{}", listener.local_addr()?);
        let conversation = Arc::new(Conversation::default());
        let heard = Arc::clone(&conversation);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else {
                    return;
                };
                _ = client.set_nodelay(true);
                _ = server.set_nodelay(true);
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, Arc::clone(&heard), true));
                tokio::spawn(pass(from_server, to_client, Arc::clone(&heard), false));
            }
        });
        Ok(Self {
            url,
            conversation,
            task,
        })
    }

    /// How often the client began to speak after the server, and the server after the client.
    pub(crate) fn turns(&self) -> (u64, u64) {
        (
            self.conversation.questions.load(Ordering::SeqCst),
            self.conversation.answers.load(Ordering::SeqCst),
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    heard: Arc<Conversation>,
    client: bool,
) {
    // More than a request of these tests: one write is one read.
    let mut buffer = vec![0; 1 << 20];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let spoke_last = heard.client_spoke_last.swap(client, Ordering::SeqCst);
        if client && !spoke_last {
            heard.questions.fetch_add(1, Ordering::SeqCst);
        } else if !client && spoke_last {
            heard.answers.fetch_add(1, Ordering::SeqCst);
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}
