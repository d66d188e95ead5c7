//! One connection to an HTTP server: what a closed loop of N clients is made of. As little processor time as a client can
//! do with, as it shares the machine with what is measured.

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection that stays open; one that the server closed is made again for the next request.
#[derive(Debug)]
pub struct Connection {
    host: HeaderValue,
    address: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, to the last byte.
    pub body: Bytes,
}

/// A bearer token as a header, made once per user.
///
/// # Errors
/// When it holds what no header can.
pub fn bearer(token: &str) -> anyhow::Result<HeaderValue> {
    HeaderValue::from_str(&format!("Bearer {token}")).context("a token")
}

impl Connection {
    /// To `http://HOST:PORT`; connects with the first request.
    ///
    /// # Errors
    /// When the address is not of this form.
    pub fn to(base: &str) -> anyhow::Result<Self> {
        let address = base
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .with_context(|| format!("{base} is not http://HOST:PORT"))?;
        Ok(Self {
            host: HeaderValue::from_str(address).context("an address")?,
            address: address.to_owned(),
            sender: None,
        })
    }

    /// `GET` of a path with its query.
    ///
    /// # Errors
    /// Why there is no answer, in words that can be counted.
    pub async fn get(
        &mut self,
        path: &str,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, String> {
        self.send(Method::GET, path, authorization, None).await
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// Why there is no answer, in words that can be counted.
    pub async fn post(
        &mut self,
        path: &str,
        authorization: Option<&HeaderValue>,
        json: Bytes,
    ) -> Result<Answer, String> {
        self.send(Method::POST, path, authorization, Some(json))
            .await
    }

    /// Any request; a body is JSON. Nothing is repeated.
    ///
    /// # Errors
    /// Why there is no answer, in words that can be counted.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        authorization: Option<&HeaderValue>,
        json: Option<Bytes>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if json.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(json.unwrap_or_default()))
            .map_err(|_| "no such request can be made".to_owned())?;
        let answer = self.exchange(request).await;
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let lost = |_| "the connection was lost".to_owned();
        let ready = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !ready {
            self.sender = Some(connect(&self.address).await?);
        }
        let sender = self.sender.as_mut().ok_or("no connection")?;
        let (head, body) = sender
            .send_request(request)
            .await
            .map_err(lost)?
            .into_parts();
        let body = body.collect().await.map_err(lost)?.to_bytes();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>, String> {
    let refused = |_| "no connection".to_owned();
    let stream = TcpStream::connect(address).await.map_err(refused)?;
    stream.set_nodelay(true).map_err(refused)?;
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|_| "no connection".to_owned())?;
    // Ends when the sender is dropped or the server hangs up: either shows at the next request.
    tokio::spawn(async move { _ = connection.await });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::{get, post};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn one_connection_asks_again_and_again_and_survives_its_server() {
        let routes = || {
            Router::new()
                .route(
                    "/",
                    get(|headers: HeaderMap| async move {
                        let known = headers
                            .get(AUTHORIZATION)
                            .is_some_and(|value| value == "Bearer me");
                        if known { "hello" } else { "who?" }
                    }),
                )
                .route("/", post(|body: String| async move { body }))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, routes()).await });
        let mut connection = Connection::to(&format!("http://{address}")).unwrap();
        let me = bearer("me").unwrap();
        for _ in 0..3 {
            let answer = connection.get("/", Some(&me)).await.unwrap();
            assert_eq!(
                (answer.status, &answer.body[..]),
                (StatusCode::OK, &b"hello"[..])
            );
        }
        let echo = connection
            .post("/", None, Bytes::from_static(b"[1]"))
            .await
            .unwrap();
        assert_eq!(&echo.body[..], b"[1]");

        server.abort();
        assert!(server.await.is_err());
        let listener = TcpListener::bind(address).await.unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, routes()).await });
        // The old connection may still be served by its own task; either way there is an answer in the end.
        let again = connection.get("/", None).await;
        let answer = match again {
            Ok(answer) => answer,
            Err(_) => connection.get("/", None).await.unwrap(),
        };
        assert_eq!(&answer.body[..], b"who?");
        server.abort();
    }

    #[tokio::test]
    async fn where_nobody_listens_there_is_no_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut connection = Connection::to(&format!("http://{address}/")).unwrap();
        assert_eq!(
            connection.get("/", None).await.unwrap_err(),
            "no connection"
        );
        assert!(Connection::to("127.0.0.1:1").is_err());
    }
}
