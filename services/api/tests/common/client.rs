//! A client of the API that holds every answer against the document.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use nova_domain::UserId;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::contract::{Contract, Received};
use super::token;

pub(crate) struct Client {
    addr: SocketAddr,
    http: reqwest::Client,
    pub(crate) contract: Contract,
}

/// What to send. The path is below `/api/v1`.
pub(crate) struct Ask<'a> {
    pub(crate) user: Option<UserId>,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) body: Option<&'a Value>,
    pub(crate) headers: &'a [(&'a str, &'a str)],
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Null when there is none.
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Client {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            http: reqwest::Client::new(),
            contract: Contract::new(&nova_api::openapi_json()),
        }
    }

    pub(crate) async fn send(&self, ask: Ask<'_>) -> anyhow::Result<Answer> {
        let path = format!("/api/v1{}", ask.path);
        let url = format!("http://{}{path}", self.addr);
        let mut request = self.http.request(ask.method.clone(), url);
        if let Some(user) = ask.user {
            request = request.bearer_auth(token(user)?);
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        };
        self.hold(ask.method.as_str(), &path, &answer)?;
        Ok(answer)
    }

    /// Sends bytes as they are and takes what comes until the server closes the connection. The head has to ask for that.
    pub(crate) async fn send_raw(&self, bytes: &str) -> anyhow::Result<Answer> {
        let mut stream = TcpStream::connect(self.addr).await?;
        stream.write_all(bytes.as_bytes()).await?;
        let mut answer = String::new();
        let all = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), all).await??;
        let (head, text) = answer
            .split_once("\r\n\r\n")
            .ok_or_else(|| anyhow::anyhow!("no answer: `{answer}`"))?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.insert(name.parse::<reqwest::header::HeaderName>()?, value.parse()?);
        }
        let answer = Answer {
            status: status.unwrap_or_default().parse()?,
            headers,
            text: text.to_owned(),
        };
        let (method, rest) = bytes.split_once(' ').unwrap_or_default();
        self.hold(method, rest.split(' ').next().unwrap_or_default(), &answer)?;
        Ok(answer)
    }

    fn hold(&self, method: &str, path: &str, answer: &Answer) -> anyhow::Result<()> {
        let headers = answer.headers.iter();
        let headers: BTreeMap<_, _> = headers
            .map(|(name, value)| {
                let value = value.to_str().unwrap_or_default();
                (name.to_string(), value.to_owned())
            })
            .collect();
        let differences = self.contract.differences(&Received {
            method,
            path,
            status: answer.status,
            headers,
            body: answer.text.as_bytes(),
        });
        anyhow::ensure!(
            differences.is_empty(),
            "{method} {path} answered {}, which is not as documented: {differences:#?}\n{}",
            answer.status,
            answer.text
        );
        Ok(())
    }
}
